package rollout_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// measured is a release whose load test has said so, beside what is remembered
// of others.
func measured(said verdict.Verdict, remembered ...string) rollout.Input {
	in := at(v1alpha1.PhaseChecking)
	in.Object.Spec.Checks.Load.Test = &v1alpha1.LoadTest{TimeoutSeconds: 600}
	in.Seen.Checks[rollout.PartLoad] = []verdict.Verdict{said}
	if said.Outcome == verdict.Passed {
		in.Seen.Measured = &v1alpha1.LoadRecord{Release: "x", Requests: 9}
	}
	for _, release := range remembered {
		in.Object.Status.Loads = append(in.Object.Status.Loads, v1alpha1.LoadRecord{Release: release})
	}
	return in
}

// What was measured of a candidate that passed is remembered, once, and what
// was measured of the stable release is not forgotten for it.
func TestWhatIsRememberedOfLoadTests(t *testing.T) {
	in := measured(verdict.Pass(v1alpha1.SignalLoad, "LoadHeld", "It held"))
	mine, stable := in.Object.Status.Candidate.Hash, in.Object.Status.Stable.Hash
	var many []string
	for i := range 7 {
		many = append(many, fmt.Sprintf("old%d", i))
	}
	held, broken := verdict.Pass(v1alpha1.SignalLoad, "LoadHeld", "It held"), verdict.Fail(v1alpha1.SignalLoad, "LoadLimitsBroken", "p99")
	for name, tc := range map[string]struct {
		said       verdict.Verdict
		remembered []string
		want       []string
	}{
		"the first":         {held, nil, []string{mine}},
		"beside the stable": {held, []string{"old", stable}, []string{mine, stable, "old"}},
		"once more":         {held, []string{mine, stable}, []string{mine, stable}},
		"one too many":      {held, append(many, stable), append([]string{mine, stable}, many[:6]...)},
		"it failed":         {broken, []string{stable}, []string{stable}},
		"it runs":           {verdict.Wait(v1alpha1.SignalLoad, "CheckRunning", "It runs"), []string{stable}, []string{stable}},
	} {
		t.Run(name, func(t *testing.T) {
			next := rollout.Decide(measured(tc.said, tc.remembered...)).Next
			var got []string
			for _, r := range next.Loads {
				got = append(got, r.Release)
			}
			if diff := gocmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if len(next.Loads) > 0 && next.Loads[0].Release == mine && next.Loads[0].Requests != 9 {
				t.Errorf("%+v", next.Loads[0])
			}
		})
	}
}

// A load test is waited for, and one that fails keeps the candidate from
// traffic.
func TestALoadTestIsWaitedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		said verdict.Verdict
		want v1alpha1.Phase
	}{
		"running": {verdict.Wait(v1alpha1.SignalLoad, "CheckRunning", "It runs"), v1alpha1.PhaseChecking},
		"held":    {verdict.Pass(v1alpha1.SignalLoad, "LoadHeld", "It held"), v1alpha1.PhaseProgressing},
		"broken":  {verdict.Fail(v1alpha1.SignalLoad, "LoadLimitsBroken", "p99"), v1alpha1.PhaseFailed},
	} {
		t.Run(name, func(t *testing.T) {
			got := rollout.Decide(measured(tc.said)).Next.Rollout
			if got.Phase != tc.want && (tc.want != v1alpha1.PhaseProgressing || got.Phase != v1alpha1.PhaseCuttingOver) || got.Exposed != (tc.want == v1alpha1.PhaseProgressing) {
				t.Errorf("goes to %s, exposed %t: %s", got.Phase, got.Exposed, got.Message)
			}
		})
	}
}
