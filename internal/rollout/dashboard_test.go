package rollout_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// ending is a release that is about to end well.
func ending() rollout.Input {
	in := at(v1alpha1.PhaseSettling)
	in.Object.Status.Stable = new(testkit.Release("v2"))
	in.Seen.Service.Stable, in.Seen.Sealed = "v2", true
	return in
}

// Whatever is said of the dashboard, in whatever phase, the decision is the
// same: it is told at the end, and changes nothing.
func TestADashboardDecidesNothing(t *testing.T) {
	for _, phase := range []v1alpha1.Phase{
		v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing,
		v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseRollingBack, v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack,
	} {
		for _, after := range []time.Duration{0, time.Minute, time.Hour} {
			for _, v := range []verdict.Verdict{testkit.Passed(v1alpha1.SignalDashboard), testkit.Unknown(v1alpha1.SignalDashboard), testkit.Failed(v1alpha1.SignalDashboard, "DashboardSlow")} {
				in := at(phase)
				in.Now = in.Now.Add(after)
				without := rollout.Decide(in)
				in.Seen.Dashboard = v
				with := rollout.Decide(in)
				is := func(told verdict.Verdict) bool { return told.Kind == v1alpha1.SignalDashboard }
				if told := slices.ContainsFunc(with.Next.Rollout.Verdicts, is); told != (with.Next.Rollout.EndTime != in.Object.Status.Rollout.EndTime) {
					t.Errorf("%s: told %t, ends at %v", phase, told, with.Next.Rollout.EndTime)
				}
				with.Next.Rollout.Verdicts = slices.DeleteFunc(with.Next.Rollout.Verdicts, is)
				with.Events = slices.DeleteFunc(with.Events, func(e rollout.Event) bool { return e.Reason == v.Reason })
				if len(with.Next.Rollout.Verdicts) == 0 {
					with.Next.Rollout.Verdicts = without.Next.Rollout.Verdicts[:0]
				}
				if diff := cmp.Diff(without, with); diff != "" {
					t.Errorf("%s, %s: it decided something:\n%s", phase, v.Outcome, diff)
				}
			}
		}
	}
}

func TestWhatIsToldOfADashboard(t *testing.T) {
	for name, tc := range map[string]struct {
		seen   verdict.Verdict
		told   bool
		warned bool
	}{
		"nobody asked for one": {verdict.Verdict{}, false, false},
		"it has arrived":       {testkit.Passed(v1alpha1.SignalDashboard), true, false},
		"nobody can tell":      {testkit.Unknown(v1alpha1.SignalDashboard), true, false},
		"it was not taken":     {testkit.Failed(v1alpha1.SignalDashboard, "DashboardNotImported"), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			in := ending()
			in.Seen.Dashboard = tc.seen
			d := rollout.Decide(in)
			if d.Next.Rollout.Phase != v1alpha1.PhaseSucceeded || d.Next.Rollout.Result != v1alpha1.ResultSucceeded {
				t.Fatalf("ended %s, %s", d.Next.Rollout.Phase, d.Next.Rollout.Result)
			}
			told := slices.ContainsFunc(d.Next.Rollout.Verdicts, func(v verdict.Verdict) bool {
				return v.Kind == v1alpha1.SignalDashboard && v.Message == tc.seen.Message && v.Phase == v1alpha1.PhaseSettling
			})
			warned := slices.ContainsFunc(d.Events, func(e rollout.Event) bool { return e.Warning && e.Reason == tc.seen.Reason })
			if told != tc.told || warned != tc.warned {
				t.Errorf("told %t, warned %t: %+v", told, warned, d.Events)
			}
		})
	}
}

// Why a release failed is never pushed out by what its dashboard did.
func TestADashboardTakesNoRoom(t *testing.T) {
	in := at(v1alpha1.PhaseRollingBack)
	in.Seen.Dashboard = testkit.Failed(v1alpha1.SignalDashboard, "DashboardSlow")
	in.Seen.Service.Stable = "v1"
	in.Object.Status.Rollout.Exposed, in.Object.Status.Rollout.Result = true, v1alpha1.ResultRolledBack
	why := testkit.Failed(v1alpha1.SignalAlert, "AlertFiring")
	for range 199 {
		in.Object.Status.Rollout.Verdicts = append(in.Object.Status.Rollout.Verdicts, testkit.Passed(v1alpha1.SignalMetric))
	}
	in.Object.Status.Rollout.Verdicts = append(in.Object.Status.Rollout.Verdicts, why)
	d := rollout.Decide(in)
	last := d.Next.Rollout.Verdicts[len(d.Next.Rollout.Verdicts)-1]
	if d.Next.Rollout.Phase != v1alpha1.PhaseRolledBack || d.Next.Rollout.EndTime == (metav1.Time{}) || last.Reason != why.Reason {
		t.Errorf("%s, last verdict %+v", d.Next.Rollout.Phase, last)
	}
}
