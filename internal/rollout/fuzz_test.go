package rollout_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// FuzzDecide asks for a decision on any memory that the schema lets in.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("the quick brown fox jumps over the lazy dog; the five boxing wizards jump quickly"))
	for phase := range byte(len(phases)) {
		for filler := range byte(5) {
			seed := make([]byte, 96)
			for i := range seed {
				seed[i] = filler * byte(i)
			}
			seed[0] = phase
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := new(dice(data)).input()
		d := rollout.Decide(in)
		if d.Want.Weight < 0 || d.Want.Weight > 100 || d.Next.Weight < 0 || d.Next.Weight > 100 || d.After < 0 {
			t.Errorf("weight %d, status weight %d, after %s", d.Want.Weight, d.Next.Weight, d.After)
		}
		if d.Want.Start != nil && d.Want.Start.Hash == "" {
			t.Error("a release without a hash is to start")
		}
		for hash, n := range d.Want.Replicas {
			if n < 0 || hash == "" {
				t.Errorf("%q is to have %d pods", hash, n)
			}
		}
	})
}

var phases = []v1alpha1.Phase{
	"", v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseChecking,
	v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded,
	v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed,
}

// dice make choices out of bytes.
type dice []byte

func (d *dice) roll(n int) int {
	if len(*d) == 0 {
		return 0
	}
	b := (*d)[0]
	*d = (*d)[1:]
	return int(b) % n
}

func (d *dice) hash() string { return []string{"", "v1", "v2", v1alpha1.NoRelease}[d.roll(4)] }

func (d *dice) time() metav1.Time {
	if d.roll(3) == 0 {
		return metav1.Time{}
	}
	return metav1.NewTime(noon.Add(time.Duration(d.roll(256)*10) * time.Second))
}

func (d *dice) release() *v1alpha1.Release {
	if d.roll(4) == 0 {
		return nil
	}
	return new(testkit.Release(d.hash()))
}

func (d *dice) verdict(kind v1alpha1.SignalKind) verdict.Verdict {
	return []verdict.Verdict{testkit.Passed(kind), testkit.Failed(kind, "Bad"), testkit.Unknown(kind), {}}[d.roll(4)]
}

func (d *dice) verdicts(kind v1alpha1.SignalKind) []verdict.Verdict {
	return []verdict.Verdict{d.verdict(kind), d.verdict(kind)}[:d.roll(3)]
}

func (d *dice) input() rollout.Input {
	phase := phases[d.roll(len(phases))]
	sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Paused = d.roll(2) == 1
		sd.Spec.Replicas = new(int32(d.roll(8)))
		sd.Annotations = map[string]string{v1alpha1.AnnotationPromote: d.hash(), v1alpha1.AnnotationAbort: d.hash(), v1alpha1.AnnotationRetry: d.hash(), v1alpha1.AnnotationApprove: d.hash()}
		if d.roll(2) == 1 {
			entered(sd)
		}
		if d.roll(6) == 5 {
			sd.DeletionTimestamp = new(d.time())
		}
	})
	sd.Status = d.memory(phase)
	return rollout.Input{Object: sd, Seen: d.seen(), Now: noon.Add(time.Duration(d.roll(256)) * 10 * time.Second)}
}

func (d *dice) memory(phase v1alpha1.Phase) v1alpha1.SignalDeploymentStatus {
	status := v1alpha1.SignalDeploymentStatus{Stable: d.release(), Candidate: d.release()}
	status.Rollout = v1alpha1.RolloutStatus{
		Phase: phase, Step: int32(d.roll(256)) - 100, StartTime: d.time(), SinceTime: d.time(), HeldSinceTime: d.time(),
		WaitingSinceTime: d.time(), EndTime: d.time(), Exposed: d.roll(2) == 1, Overruled: d.roll(2) == 1,
		Move:   []v1alpha1.CutoverMove{"", v1alpha1.MoveWeight, v1alpha1.MoveSelect, v1alpha1.MoveReturn}[d.roll(4)],
		Result: []v1alpha1.Result{"", v1alpha1.ResultSuperseded, v1alpha1.ResultReverted, v1alpha1.ResultFailed}[d.roll(4)],
	}
	plan := v1alpha1.Plan{Automatic: d.roll(2) == 1, DrainSeconds: int32(d.roll(60)), VerifySeconds: int32(d.roll(60)), ProgressDeadlineSeconds: int32(d.roll(60))}
	for range d.roll(4) {
		plan.Steps = append(plan.Steps, v1alpha1.Step{Name: "s", Weight: 1 + int32(d.roll(100))})
	}
	plan.Routes = []string{"web"}[:d.roll(2)]
	status.Rollout.Plan = plan
	for range d.roll(20) {
		status.Draining = append(status.Draining, v1alpha1.DrainingRelease{Hash: []string{"v1", "v2", "v3"}[d.roll(3)], SinceTime: d.time()})
		status.History = append(status.History, v1alpha1.EndedRelease{Release: testkit.Release(d.hash()), EndTime: d.time(), Result: v1alpha1.ResultSucceeded})
	}
	return status
}

func (d *dice) seen() rollout.Observation {
	o := rollout.Observation{
		Asked: "asks-" + d.hash(), Spec: d.verdict(v1alpha1.SignalSpec), Digest: d.hash(), Hash: d.hash(),
		Artifact: d.verdicts(v1alpha1.SignalArtifact), Seal: d.verdicts(v1alpha1.SignalArtifact), Sealed: d.roll(2) == 1, Gates: d.verdicts(v1alpha1.SignalGate),
		Checks: rollout.Checks{rollout.PartSmoke: d.verdicts(v1alpha1.SignalSmoke)}, Split: d.verdict(v1alpha1.SignalWatermark), After: rollout.Checks{rollout.PartSmoke: d.verdicts(v1alpha1.SignalSmoke)},
		Metrics: d.verdicts(v1alpha1.SignalMetric), SLOs: d.verdicts(v1alpha1.SignalSLO), Alerts: d.verdicts(v1alpha1.SignalAlert), Told: d.verdicts(v1alpha1.SignalAlert), Critical: d.verdicts(v1alpha1.SignalSmoke), Heard: d.roll(2) == 1, Reported: d.roll(2) == 1,
		Route:   rollout.Route{Weight: int32(d.roll(101)), Lowest: int32(d.roll(101)), Settled: d.roll(2) == 1, Sibling: d.roll(2) == 1, Verdict: d.verdict(v1alpha1.SignalRoute)},
		Preview: rollout.Preview{Present: d.roll(2) == 1, Verdict: d.verdict(v1alpha1.SignalRoute)},
		Service: rollout.Service{Stable: d.hash(), Canary: d.hash(), Endpoints: int32(d.roll(9)), CanaryEndpoints: int32(d.roll(9))},
		Sides:   map[string]rollout.Side{},
	}
	for _, hash := range []string{"v1", "v2", "v3"}[:d.roll(4)] {
		o.Sides[hash] = rollout.Side{Desired: int32(d.roll(9)), Created: int32(d.roll(9)), Ready: int32(d.roll(9)), Verdict: d.verdict(v1alpha1.SignalWorkload), Proof: d.verdict(v1alpha1.SignalArtifact)}
	}
	return o
}
