package rollout_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

var seed = flag.Uint64("seed", 1, "of the random worlds")

const randomWorlds, randomTurns = 2500, 70

// TestLawsHoldInRandomWorlds lets everything happen at any time: every turn
// checks every law. That every phase and every end has been seen shows that
// the worlds go deep enough.
func TestLawsHoldInRandomWorlds(t *testing.T) {
	rng := rand.New(rand.NewPCG(*seed, 0))
	seen := map[string]int{}
	for range randomWorlds {
		w := newWorld(t, func(sd *v1alpha1.SignalDeployment) { shuffle(rng, sd) })
		w.quiet = true
		trouble := []float64{0, 0.01, 0.05}[rng.IntN(3)]
		for range randomTurns {
			w.tick = []time.Duration{time.Second, 5 * time.Second, time.Minute}[rng.IntN(3)]
			w.meddle(rng, trouble)
			if rng.IntN(8) == 0 {
				decisionIsPure(t, w)
			}
			d := w.turn()
			seen[string(d.Next.Rollout.Phase)]++
			seen[string(d.Next.Rollout.Move)]++
			if over(d.Next.Rollout.Phase) {
				seen["ended "+string(d.Next.Rollout.Result)]++
			}
			if w.gone {
				seen["gone"]++
				break
			}
		}
	}
	for _, deep := range []string{
		"Pending", "Resolving", "Gating", "Staging", "Checking", "Progressing", "CuttingOver", "Weight", "Select", "Return",
		"Verifying", "Settling", "Succeeded", "RollingBack", "RolledBack", "Failed", "gone", "ended Succeeded", "ended RolledBack",
		"ended Failed", "ended Superseded", "ended Reverted", "ended Aborted",
	} {
		if seen[deep] < 20 {
			t.Errorf("%s was seen %d times only: %v", deep, seen[deep], seen)
		}
	}
}

// shuffle varies what is asked for.
func shuffle(rng *rand.Rand, sd *v1alpha1.SignalDeployment) {
	s := &sd.Spec.Strategy
	s.VerifySeconds, s.DrainSeconds = new(rng.Int32N(30)), new(rng.Int32N(30))
	s.ProgressDeadlineSeconds = new(30 + rng.Int32N(300))
	for i := range s.Steps {
		s.Steps[i].HoldSeconds = new(rng.Int32N(20))
		if rng.IntN(8) == 0 {
			s.Steps[i].Approval = v1alpha1.ApprovalRequired
		}
	}
	s.Steps = s.Steps[:rng.IntN(4)]
	if rng.IntN(4) == 0 {
		unrouted(sd)
	}
	sd.Spec.Replicas = new(1 + rng.Int32N(6))
	sd.Spec.Rollback.Automatic = new(rng.IntN(4) > 0)
	if rng.IntN(2) == 0 {
		loaded(sd)
	}
	if rng.IntN(2) == 0 {
		entered(sd)
	}
	if rng.IntN(2) == 0 {
		watermarked(sd)
	}
}

// meddle lets things happen.
func (w *world) meddle(rng *rand.Rand, trouble float64) {
	outcome := func(kind v1alpha1.SignalKind) verdict.Verdict {
		switch x := rng.Float64(); {
		case x < trouble:
			return testkit.Failed(kind, "Bad")
		case x < 4*trouble:
			return testkit.Unknown(kind)
		}
		return testkit.Passed(kind)
	}
	s := &w.says
	s.artifact, s.gate, s.smoke = outcome(v1alpha1.SignalArtifact), outcome(v1alpha1.SignalGate), outcome(v1alpha1.SignalSmoke)
	s.metric, s.alert, s.route = outcome(v1alpha1.SignalMetric), outcome(v1alpha1.SignalAlert), outcome(v1alpha1.SignalRoute)
	s.spec, s.deaf = outcome(v1alpha1.SignalSpec), rng.Float64() < trouble
	s.split, s.marks = outcome(v1alpha1.SignalWatermark), outcome(v1alpha1.SignalWatermark)
	s.proof, s.unsealed = outcome(v1alpha1.SignalArtifact), rng.Float64() < trouble
	w.entry.gateway, w.entry.after = new(outcome(v1alpha1.SignalSmoke)), new(outcome(v1alpha1.SignalSmoke))
	w.entry.refuses, w.entry.lingers = rng.Float64() < trouble, rng.Float64() < 4*trouble
	w.stuck = rng.Float64() < 4*trouble
	if rng.Float64() < 3*trouble || rng.Float64() < 0.03 {
		w.happen(rng)
	}
}

// happen lets one thing happen.
func (w *world) happen(rng *rand.Rand) {
	hash := fmt.Sprintf("v%d", 1+rng.IntN(4))
	requests := []string{v1alpha1.AnnotationApprove, v1alpha1.AnnotationPromote, v1alpha1.AnnotationAbort, v1alpha1.AnnotationRetry}
	things := []func(*world){
		ask(hash), ask(hash), ask("v1"), ask("v1-again"), pause, unpause, unpause, replicas(rng.Int32N(9)),
		limit(hash, rng.Int32N(4)), heal(hash), heal(hash), crash(hash), overwrite,
		func(w *world) { w.route.Lowest = rng.Int32N(w.route.Weight + 1) }, // one rule of many
		func(w *world) { w.route.Settled = false },
		func(w *world) { // someone points the Service elsewhere
			if p := w.pods[hash]; p.created > 0 {
				w.service.Stable = hash
			}
		},
		func(w *world) { w.now = w.now.Add(time.Duration(rng.IntN(1000)) * time.Millisecond) },
		func(w *world) {
			if w.sd.Status.Candidate != nil {
				request(requests[rng.IntN(4)], []string{"%s", "%s/half", hash, fmt.Sprint(w.now.Unix())}[rng.IntN(4)])(w)
			}
		},
		func(w *world) {
			if rng.IntN(4) == 0 {
				remove(w)
			}
		},
		func(w *world) {
			if rng.IntN(4) == 0 {
				forget(w)
			}
		},
	}
	if w.sd.DeletionTimestamp == nil {
		things[rng.IntN(len(things))](w)
	}
}

// decisionIsPure checks that asking twice answers twice the same, that nothing
// asked about is changed, and that a world that stands still is soon agreed on.
func decisionIsPure(t *testing.T, w *world) {
	t.Helper()
	in := rollout.Input{Object: w.sd, Seen: w.observe(), Now: w.now}
	object, seen := w.sd.DeepCopy(), copySeen(in.Seen)
	d := rollout.Decide(in)
	if again := rollout.Decide(in); !equality.Semantic.DeepEqual(d, again) {
		t.Fatal("asked twice, answers differ:", gocmp.Diff(d, again))
	}
	if !equality.Semantic.DeepEqual(object, in.Object) || !equality.Semantic.DeepEqual(seen, in.Seen) {
		t.Fatal("the input was changed:", gocmp.Diff(object, in.Object), gocmp.Diff(seen, in.Seen))
	}
	for range 40 {
		object.Status = d.Next
		next := rollout.Decide(rollout.Input{Object: object, Seen: in.Seen, Now: in.Now})
		if equality.Semantic.DeepEqual(next.Next, object.Status) {
			return
		}
		d = next
	}
	t.Fatalf("no end of deciding: %+v", d.Next.Rollout)
}

func copyChecks(c rollout.Checks) rollout.Checks {
	c = maps.Clone(c)
	for part := range c {
		c[part] = slices.Clone(c[part])
	}
	return c
}

func copySeen(o rollout.Observation) rollout.Observation {
	o.Metrics, o.Alerts = slices.Clone(o.Metrics), slices.Clone(o.Alerts)
	o.Checks, o.After = copyChecks(o.Checks), copyChecks(o.After)
	o.Firing, o.Tallies, o.Sides = slices.Clone(o.Firing), slices.Clone(o.Tallies), maps.Clone(o.Sides)
	o.SLOs, o.Budgets = slices.Clone(o.SLOs), slices.Clone(o.Budgets)
	return o
}
