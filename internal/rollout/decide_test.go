package rollout_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// at is v2 in its phase beside v1, with everything in its favour.
func at(p v1alpha1.Phase) rollout.Input {
	sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Artifact.Image = testkit.Image("v2") })
	sd.Status.Stable, sd.Status.Candidate = new(testkit.Release("v1")), new(testkit.Release("v2"))
	sd.Status.Rollout = v1alpha1.RolloutStatus{
		Phase: p, StartTime: metav1.NewTime(noon), SinceTime: metav1.NewTime(noon), HeldSinceTime: metav1.NewTime(noon),
		Plan: v1alpha1.Plan{
			Steps: sd.Spec.Strategy.Steps, Routes: []string{"web"}, VerifySeconds: 120, ProgressDeadlineSeconds: 300, DrainSeconds: 30, Automatic: true,
		},
	}
	four := rollout.Side{Desired: 4, Created: 4, Ready: 4, Verdict: testkit.Passed(v1alpha1.SignalWorkload), Proof: testkit.Passed(v1alpha1.SignalArtifact)}
	return rollout.Input{Object: sd, Now: noon.Add(90 * time.Second), Seen: rollout.Observation{
		Asked: "asks-v2", Spec: testkit.Passed(v1alpha1.SignalSpec), Gates: []verdict.Verdict{testkit.Passed(v1alpha1.SignalGate)},
		Checks:  rollout.Checks{rollout.PartSmoke: {testkit.Passed(v1alpha1.SignalSmoke)}},
		Metrics: []verdict.Verdict{testkit.Passed(v1alpha1.SignalMetric)}, Alerts: []verdict.Verdict{testkit.Passed(v1alpha1.SignalAlert)},
		Sides: map[string]rollout.Side{"v1": four, "v2": four}, Heard: true,
		Route:   rollout.Route{Settled: true, Verdict: testkit.Passed(v1alpha1.SignalRoute)},
		Service: rollout.Service{Stable: "v1", Canary: "v2", Endpoints: 4, CanaryEndpoints: 4},
	}}
}

// What keeps a phase from being left, one thing at a time.
func TestAPhaseIsLeftOnlyOnWhatIsSeen(t *testing.T) {
	type change = func(*rollout.Input)
	weight := func(highest, lowest int32) change {
		return func(in *rollout.Input) {
			in.Seen.Route.Weight, in.Seen.Route.Lowest, in.Seen.Route.Sibling = highest, lowest, highest > 0
		}
	}
	all := func(changes ...change) change {
		return func(in *rollout.Input) {
			for _, c := range changes {
				c(in)
			}
		}
	}
	moving := func(m v1alpha1.CutoverMove) change {
		return func(in *rollout.Input) { in.Object.Status.Rollout.Move, in.Object.Status.Rollout.Exposed = m, true }
	}
	unsettled := func(in *rollout.Input) { in.Seen.Route.Settled = false }
	selected := func(in *rollout.Input) { in.Seen.Service.Stable = "v2" }
	quarter := func(in *rollout.Input) { in.Object.Status.Rollout.Step, in.Object.Status.Rollout.Exposed = 1, true }
	none := func(*rollout.Input) {}
	artifact := func(said ...verdict.Verdict) change {
		return func(in *rollout.Input) { in.Seen.Artifact = said }
	}
	resolved := func(in *rollout.Input) { in.Seen.Digest, in.Seen.Hash = "sha256:v2", "v2" }
	proof := func(v verdict.Verdict) change {
		return func(in *rollout.Input) {
			side := in.Seen.Sides["v2"]
			side.Proof = v
			in.Seen.Sides["v2"] = side
		}
	}

	for name, tc := range map[string]struct {
		phase  v1alpha1.Phase
		change change
		leaves bool
	}{
		"Pending":                             {v1alpha1.PhasePending, none, true},
		"Pending, weight without sibling":     {v1alpha1.PhasePending, func(in *rollout.Input) { in.Seen.Route.Weight = 5 }, false},
		"Pending, sibling without weight":     {v1alpha1.PhasePending, func(in *rollout.Input) { in.Seen.Route.Sibling = true }, false},
		"Pending, routes are not accepted":    {v1alpha1.PhasePending, func(in *rollout.Input) { in.Seen.Route.Verdict = testkit.Unknown(v1alpha1.SignalRoute) }, false},
		"Resolving, passed without digest":    {v1alpha1.PhaseResolving, artifact(testkit.Passed(v1alpha1.SignalArtifact)), false},
		"Resolving":                           {v1alpha1.PhaseResolving, all(artifact(testkit.Passed(v1alpha1.SignalArtifact), testkit.Passed(v1alpha1.SignalArtifact)), resolved), true},
		"Resolving, a signer is not known":    {v1alpha1.PhaseResolving, all(artifact(testkit.Passed(v1alpha1.SignalArtifact), testkit.Unknown(v1alpha1.SignalArtifact)), resolved), false},
		"Resolving, nothing has been said":    {v1alpha1.PhaseResolving, all(artifact(), resolved), false},
		"Staging, not proven":                 {v1alpha1.PhaseStaging, proof(testkit.Unknown(v1alpha1.SignalArtifact)), false},
		"Staging, never proven":               {v1alpha1.PhaseStaging, proof(verdict.Verdict{}), false},
		"Settling":                            {v1alpha1.PhaseSettling, func(in *rollout.Input) { in.Seen.Sealed = true }, true},
		"Settling, the registry is asked":     {v1alpha1.PhaseSettling, none, false},
		"Settling, asked for too long":        {v1alpha1.PhaseSettling, func(in *rollout.Input) { in.Now = noon.Add(330 * time.Second) }, true},
		"Staging":                             {v1alpha1.PhaseStaging, none, true},
		"Staging, canary selects another":     {v1alpha1.PhaseStaging, func(in *rollout.Input) { in.Seen.Service.Canary = "v1" }, false},
		"Checking":                            {v1alpha1.PhaseChecking, none, true},
		"Checking, a check has not started":   {v1alpha1.PhaseChecking, func(in *rollout.Input) { in.Object.Spec.Checks.Smoke = make([]v1alpha1.SmokeCheck, 2) }, false},
		"Progressing":                         {v1alpha1.PhaseProgressing, all(quarter, weight(25, 25)), true},
		"Progressing, one rule is behind":     {v1alpha1.PhaseProgressing, all(quarter, weight(25, 5)), false},
		"Progressing, one rule is ahead":      {v1alpha1.PhaseProgressing, all(quarter, weight(50, 25)), false},
		"Progressing, not settled":            {v1alpha1.PhaseProgressing, all(quarter, weight(25, 25), unsettled), false},
		"Progressing, a metric is missing":    {v1alpha1.PhaseProgressing, all(quarter, weight(25, 25), func(in *rollout.Input) { in.Seen.Metrics = nil }), false},
		"Progressing, one second too early":   {v1alpha1.PhaseProgressing, all(quarter, weight(25, 25), func(in *rollout.Input) { in.Now = noon.Add(59 * time.Second) }), false},
		"Progressing, on the second":          {v1alpha1.PhaseProgressing, all(quarter, weight(25, 25), func(in *rollout.Input) { in.Now = noon.Add(60 * time.Second) }), true},
		"Weight":                              {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveWeight), weight(100, 100)), true},
		"Weight, one rule is behind":          {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveWeight), weight(100, 50)), false},
		"Weight, unheard":                     {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveWeight), weight(100, 100), func(in *rollout.Input) { in.Seen.Metrics = nil }), false},
		"Select":                              {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveSelect), weight(100, 100), selected), true},
		"Select, not selected":                {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveSelect), weight(100, 100)), false},
		"Select, an endpoint is missing":      {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveSelect), weight(100, 100), selected, func(in *rollout.Input) { in.Seen.Service.Endpoints = 3 }), false},
		"Return":                              {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveReturn), selected), true},
		"Return, not settled":                 {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveReturn), selected, unsettled), false},
		"Return, a sibling is left":           {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveReturn), selected, func(in *rollout.Input) { in.Seen.Route.Sibling = true }), false},
		"Return, a weight is left":            {v1alpha1.PhaseCuttingOver, all(moving(v1alpha1.MoveReturn), selected, func(in *rollout.Input) { in.Seen.Route.Weight = 1 }), false},
		"RollingBack":                         {v1alpha1.PhaseRollingBack, none, true},
		"RollingBack, weight without sibling": {v1alpha1.PhaseRollingBack, func(in *rollout.Input) { in.Seen.Route.Weight = 5 }, false},
		"RollingBack, sibling without weight": {v1alpha1.PhaseRollingBack, func(in *rollout.Input) { in.Seen.Route.Sibling = true }, false},
		"RollingBack, not settled":            {v1alpha1.PhaseRollingBack, unsettled, false},
		"RollingBack, not settled for long":   {v1alpha1.PhaseRollingBack, all(unsettled, func(in *rollout.Input) { in.Now = noon.Add(5 * time.Minute) }), true},
		"RollingBack, no endpoint":            {v1alpha1.PhaseRollingBack, func(in *rollout.Input) { in.Seen.Service.Endpoints = 0 }, false},
		"RollingBack, still selected":         {v1alpha1.PhaseRollingBack, selected, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := at(tc.phase)
			tc.change(&in)
			was, next := in.Object.Status.Rollout, rollout.Decide(in).Next.Rollout
			if left := next.Phase != was.Phase || next.Step != was.Step || next.Move != was.Move; left != tc.leaves {
				t.Errorf("goes to %s, step %d, move %s: %s", next.Phase, next.Step, next.Move, next.Message)
			}
		})
	}
}

// What the weight is to be, at step half of 5, 25 and 50 percent.
func TestAWeightIsRaisedOntoPodsThatBearIt(t *testing.T) {
	for name, tc := range map[string]struct {
		ready, endpoints, highest, lowest int32
		canary                            string
		want                              int32
		hold                              bool
	}{
		"enough pods":                          {2, 2, 25, 25, "v2", 50, false},
		"a pod is not ready":                   {1, 2, 25, 25, "v2", 25, false},
		"an endpoint is missing":               {2, 1, 25, 25, "v2", 25, false},
		"the canary Service selects another":   {2, 2, 25, 25, "v1", 0, true},
		"overwritten":                          {2, 2, 0, 0, "v2", 50, false},
		"overwritten, too few pods":            {1, 1, 0, 0, "v2", 25, false},
		"overwritten, no pods":                 {0, 0, 0, 0, "v2", 0, true},
		"reached, then pods were lost":         {0, 0, 50, 50, "v2", 50, false},
		"one rule behind, pods were lost":      {1, 1, 50, 5, "v2", 25, false},
		"one rule behind, all pods were lost":  {0, 0, 50, 5, "v2", 0, true},
		"someone gave more than was asked for": {2, 2, 80, 80, "v2", 50, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := at(v1alpha1.PhaseProgressing)
			in.Object.Status.Rollout.Step, in.Object.Status.Rollout.Exposed = 2, true
			in.Seen.Sides["v2"] = rollout.Side{Desired: 2, Created: 2, Ready: tc.ready, Verdict: testkit.Unknown(v1alpha1.SignalWorkload)}
			in.Seen.Service.Canary, in.Seen.Service.CanaryEndpoints = tc.canary, tc.endpoints
			in.Seen.Route.Weight, in.Seen.Route.Lowest, in.Seen.Route.Sibling = tc.highest, tc.lowest, tc.highest > 0
			in.Now = noon.Add(30 * time.Second)
			if d := rollout.Decide(in); d.Want.Weight != tc.want || d.Want.HoldWeight != tc.hold {
				t.Errorf("wants %d %%, hold %t; want %d %%, hold %t", d.Want.Weight, d.Want.HoldWeight, tc.want, tc.hold)
			}
		})
	}
}

// The last move of a cutover gives the stable Service everything only when it
// has the endpoints of the new release.
func TestTheReturnWaitsForEndpoints(t *testing.T) {
	for name, tc := range map[string]struct {
		stable    string
		endpoints int32
		hold      bool
	}{
		"all endpoints":          {"v2", 4, false},
		"an endpoint is missing": {"v2", 3, true},
		"another is selected":    {"v1", 4, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := at(v1alpha1.PhaseCuttingOver)
			in.Object.Status.Rollout.Move, in.Object.Status.Rollout.Exposed = v1alpha1.MoveReturn, true
			in.Seen.Route.Weight, in.Seen.Route.Lowest, in.Seen.Route.Sibling = 100, 100, true
			in.Seen.Service.Stable, in.Seen.Service.Endpoints = tc.stable, tc.endpoints
			if d := rollout.Decide(in); d.Want.HoldWeight != tc.hold || d.Want.Weight != 0 || d.Want.Stable != "v2" {
				t.Errorf("selects %s, wants %d %%, hold %t", d.Want.Stable, d.Want.Weight, d.Want.HoldWeight)
			}
		})
	}
}

// A hold lasts as long as it says, though status holds whole seconds.
func TestAHoldThatBeginsWithinASecondIsWhole(t *testing.T) {
	in := at(v1alpha1.PhaseProgressing)
	in.Object.Status.Rollout.HeldSinceTime = metav1.Time{}
	in.Seen.Route.Weight, in.Seen.Route.Lowest, in.Seen.Route.Sibling = 5, 5, true
	begin := noon.Add(900 * time.Millisecond)
	in.Now = begin
	in.Object.Status = rollout.Decide(in).Next
	in.Now = begin.Add(time.Minute - 800*time.Millisecond)
	early := rollout.Decide(in)
	in.Now = in.Now.Add(early.After)
	if d := rollout.Decide(in); early.Next.Rollout.Step != 0 || d.Next.Rollout.Step != 1 || in.Now.Before(begin.Add(time.Minute)) {
		t.Errorf("at step %d after 59.2 s, at step %d after %s", early.Next.Rollout.Step, d.Next.Rollout.Step, in.Now.Sub(begin))
	}
}

func TestWhatIsKept(t *testing.T) {
	in := at(v1alpha1.PhaseRolledBack)
	in.Object.Spec.Report.HistoryLimit = new(int32(2))
	in.Object.Status.Draining = []v1alpha1.DrainingRelease{{Hash: "v0", SinceTime: metav1.NewTime(in.Now)}}
	for _, hash := range []string{"v2", "", "old"} {
		in.Object.Status.History = append(in.Object.Status.History, v1alpha1.EndedRelease{Release: v1alpha1.Release{Hash: hash}})
	}
	in.Seen.Sides["v0"] = rollout.Side{}
	in.Seen.Sides["old"] = rollout.Side{Desired: 1}
	d := rollout.Decide(in)
	if diff := gocmp.Diff([]string{"v0", "v1", "v2"}, d.Want.Keep); diff != "" {
		t.Error(diff)
	}
	if diff := gocmp.Diff(map[string]int32{"v1": 4, "v2": 0, "old": 0}, d.Want.Replicas); diff != "" {
		t.Error(diff)
	}
	if len(d.Next.Draining) != 1 {
		t.Errorf("%v drain", d.Next.Draining)
	}
	in.Now = in.Now.Add(30 * time.Second)
	if d = rollout.Decide(in); len(d.Next.Draining) != 0 {
		t.Errorf("%v drain", d.Next.Draining)
	}
}
