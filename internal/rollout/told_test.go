package rollout_test

import (
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// A source that listens only while a release is under way finds what fired
// before while the pods start; from then on, it is the release's doing.
func TestWhatFiresWhileThePodsStartIsRemembered(t *testing.T) {
	for name, tc := range map[string]struct {
		phase  v1alpha1.Phase
		known  []string
		before []string
		firing []string
		want   []string
	}{
		"while they start":          {v1alpha1.PhaseStaging, nil, []string{"A"}, []string{"A"}, []string{"A"}},
		"once, however often seen":  {v1alpha1.PhaseStaging, []string{"A"}, []string{"A", "B"}, []string{"A", "B"}, []string{"A", "B"}},
		"what ended is forgotten":   {v1alpha1.PhaseStaging, []string{"A"}, nil, nil, []string{}},
		"once they have started":    {v1alpha1.PhaseChecking, nil, []string{"A"}, []string{"A"}, nil},
		"once there is any traffic": {v1alpha1.PhaseProgressing, nil, []string{"A"}, []string{"A"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := at(tc.phase)
			in.Seen.Route.Weight, in.Seen.Route.Lowest = 5, 5
			in.Object.Status.Rollout.FiredBefore, in.Seen.Before, in.Seen.Firing = tc.known, tc.before, tc.firing
			if diff := gocmp.Diff(tc.want, rollout.Decide(in).Next.Rollout.FiredBefore); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	in := at(v1alpha1.PhaseStaging)
	for i := range 70 {
		in.Seen.Before = append(in.Seen.Before, fmt.Sprintf("Alert%02d", i))
	}
	in.Seen.Firing = in.Seen.Before
	if got := rollout.Decide(in).Next.Rollout.FiredBefore; len(got) != 64 {
		t.Errorf("remembers %d", len(got))
	}
}

// What is worth telling is told at the end, good or bad, and decides nothing.
func TestWhatIsToldDecidesNothing(t *testing.T) {
	told := verdict.Fail(v1alpha1.SignalAlert, "Told", "It is so")
	for name, tc := range map[string]struct {
		change func(*rollout.Input)
		want   v1alpha1.Phase
	}{
		"a good end": {func(*rollout.Input) {}, v1alpha1.PhaseSettling},
		"a bad end": {func(in *rollout.Input) {
			in.Seen.Alerts = []verdict.Verdict{testkit.Failed(v1alpha1.SignalAlert, "AlertFiring")}
		}, v1alpha1.PhaseRollingBack},
		"no end": {func(in *rollout.Input) { in.Seen.Alerts = []verdict.Verdict{testkit.Unknown(v1alpha1.SignalAlert)} }, v1alpha1.PhaseVerifying},
	} {
		t.Run(name, func(t *testing.T) {
			in := at(v1alpha1.PhaseVerifying)
			in.Seen.Service.Stable, in.Now = "v2", noon.Add(200*time.Second)
			in.Object.Status.Rollout.Exposed = true
			in.Seen.Told = []verdict.Verdict{told}
			tc.change(&in)
			next := rollout.Decide(in).Next
			if next.Phase != tc.want {
				t.Errorf("it goes on to %s", next.Phase)
			}
			n := 0
			for _, v := range next.Rollout.Verdicts {
				if v.Reason == "Told" {
					n++
				}
			}
			if ended := tc.want != v1alpha1.PhaseVerifying; (n == 1) != ended {
				t.Errorf("it is told %d times", n)
			}
		})
	}
}

// Which critical paths the smoke checks cover is told when the checks end, good
// or bad, and decides nothing.
func TestWhatIsToldOfCriticalPathsDecidesNothing(t *testing.T) {
	critical := []verdict.Verdict{
		verdict.Wait(v1alpha1.SignalSmoke, "CriticalPathNotCovered", "Nobody asks"),
		verdict.Fail(v1alpha1.SignalSmoke, "CriticalPathFailed", "It failed"),
	}
	for name, tc := range map[string]struct {
		smoke verdict.Verdict
		want  v1alpha1.Phase
		told  int
	}{
		"the checks pass":    {testkit.Passed(v1alpha1.SignalSmoke), v1alpha1.PhaseProgressing, 2},
		"a check fails":      {testkit.Failed(v1alpha1.SignalSmoke, "CheckFailed"), v1alpha1.PhaseFailed, 2},
		"the checks are run": {testkit.Unknown(v1alpha1.SignalSmoke), v1alpha1.PhaseChecking, 0},
	} {
		t.Run(name, func(t *testing.T) {
			in := at(v1alpha1.PhaseChecking)
			in.Seen.Checks = rollout.Checks{rollout.PartSmoke: {tc.smoke}}
			in.Object.Spec.Checks.Smoke = []v1alpha1.SmokeCheck{{Name: "api"}}
			in.Seen.Critical = critical
			next := rollout.Decide(in).Next
			told := 0
			for _, v := range next.Rollout.Verdicts {
				if v.Reason == critical[0].Reason || v.Reason == critical[1].Reason {
					told++
				}
			}
			if next.Phase != tc.want || told != tc.told || next.Rollout.Reason == critical[1].Reason {
				t.Errorf("it goes on to %s for %s, and tells %d", next.Phase, next.Rollout.Reason, told)
			}
		})
	}
}
