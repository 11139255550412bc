package controllers

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// A condition says what its signal last said; what is about to answer is not
// worth a write, and what stays away is.
func TestASignalsCondition(t *testing.T) {
	const kind = v1alpha1.ConditionChecksPassed
	passed := verdict.Pass(v1alpha1.SignalSmoke, "CheckPassed", "Check passed")
	failed := verdict.Fail(v1alpha1.SignalSmoke, "CheckFailed", "Check failed")
	running := verdict.Wait(v1alpha1.SignalSmoke, "CheckRunning", "Check is running")
	for name, tc := range map[string]struct {
		was    []verdict.Verdict // said before
		says   verdict.Verdict
		reason string // that the machine gives for waiting
		want   string
	}{
		"nothing is asked":              {says: verdict.Verdict{}, want: ""},
		"it is about to answer":         {says: running, reason: "Checking", want: ""},
		"it has been waited for":        {says: running, reason: "CheckRunning", want: "Unknown CheckRunning"},
		"it passes":                     {says: passed, want: "True CheckPassed"},
		"it fails":                      {says: failed, want: "False CheckFailed"},
		"it passed, and is asked again": {was: []verdict.Verdict{passed}, says: running, reason: "Checking", want: "True CheckPassed"},
		"it passed, and stays away":     {was: []verdict.Verdict{passed}, says: running, reason: "CheckRunning", want: "Unknown CheckRunning"},
		"it passed, and fails":          {was: []verdict.Verdict{passed}, says: failed, want: "False CheckFailed"},
		"it failed, and is asked again": {was: []verdict.Verdict{failed}, says: running, reason: "Checking", want: "Unknown CheckRunning"},
	} {
		t.Run(name, func(t *testing.T) {
			sd := testkit.SignalDeployment()
			for _, v := range tc.was {
				setSignal(sd, kind, v)
			}
			sd.Status.Rollout.Reason = tc.reason
			setSignal(sd, kind, tc.says)
			got := ""
			if c := meta.FindStatusCondition(sd.Status.Conditions, kind); c != nil {
				got = string(c.Status) + " " + c.Reason
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// After a rollback the conditions say what serves, why it turned back and what
// to do next, and kstatus reads one of three.
func TestTheSummaryOfEachEnd(t *testing.T) {
	for phase, want := range map[v1alpha1.Phase]string{
		v1alpha1.PhaseSucceeded:   "Ready",
		v1alpha1.PhaseRolledBack:  "Stalled",
		v1alpha1.PhaseFailed:      "Stalled",
		v1alpha1.PhaseProgressing: "Reconciling",
		v1alpha1.PhaseRollingBack: "Reconciling",
		"":                        "Reconciling",
	} {
		t.Run(string(phase), func(t *testing.T) {
			sd := testkit.SignalDeployment()
			sd.Generation = 3
			sd.Status.Stable, sd.Status.Candidate = new(testkit.Release("v1")), new(testkit.Release("v2"))
			sd.Status.Rollout.Phase, sd.Status.Rollout.Reason, sd.Status.Rollout.Message = phase, "Because", "It is so"
			setSummary(sd)
			var got []string
			for _, c := range sd.Status.Conditions {
				if c.ObservedGeneration != 3 || c.Message == "" {
					t.Errorf("incomplete: %+v", c)
				}
				if c.Status == metav1.ConditionTrue {
					got = append(got, c.Type)
				}
			}
			if len(got) != 1 || got[0] != want {
				t.Errorf("true are %v, want %s", got, want)
			}
		})
	}
}
