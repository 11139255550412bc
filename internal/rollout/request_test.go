package rollout_test

import (
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// A request that has not been acted upon must not come to life in the next
// attempt, which may be of the same release.
func TestARequestToOneAttemptIsNotForTheNext(t *testing.T) {
	for name, tc := range map[string]struct{ annotation, value string }{
		"approve": {v1alpha1.AnnotationApprove, "v2/half"},
		"promote": {v1alpha1.AnnotationPromote, "v2"},
		"abort":   {v1alpha1.AnnotationAbort, "now"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, approveHalf)
			w.until(step("quarter"))
			alertFires(w)
			w.until(phase(v1alpha1.PhaseRollingBack))
			request(tc.annotation, tc.value)(w)
			w.until(rests("v2"))
			alertEnds(w)
			request(v1alpha1.AnnotationRetry, "1")(w)
			w.until(func(w *world) bool { return w.sd.Status.Candidate.Attempt == 2 })
			w.run(10 * time.Minute)
			if got := w.sd.Status; got.Reason != "AwaitingApproval" {
				t.Errorf("%s %s", got.Phase, got.Reason)
			}
		})
	}
}

func TestARequestMayNotFitIntoStatus(t *testing.T) {
	w := serving(t)
	long := strings.Repeat("ä", 300)
	for _, annotation := range []string{v1alpha1.AnnotationApprove, v1alpha1.AnnotationPromote, v1alpha1.AnnotationAbort, v1alpha1.AnnotationRetry} {
		request(annotation, long)(w)
	}
	w.run(12 * time.Minute) // the law on what fits watches
	if got := w.sd.Status; got.Phase != v1alpha1.PhaseSucceeded || got.Handled.Abort == "" {
		t.Errorf("%s, handled %q", got.Phase, got.Handled.Abort)
	}
}

func TestARetryIsRefusedUnderWayAndNotRememberedForLater(t *testing.T) {
	w := serving(t)
	w.until(step("first"))
	request(v1alpha1.AnnotationRetry, "1")(w)
	d := w.turn()
	if len(d.Events) != 1 || d.Events[0].Reason != "RetryRefused" || !d.Events[0].Warning || d.Next.Handled.Retry != "1" {
		t.Errorf("told %+v, handled %+v", d.Events, d.Next.Handled)
	}
	if d = w.turn(); len(d.Events) > 0 {
		t.Errorf("told again: %+v", d.Events)
	}
	alertFires(w)
	w.until(rests("v2"))
	alertEnds(w)
	w.run(5 * time.Minute)
	if !phase(v1alpha1.PhaseRolledBack)(w) {
		t.Errorf("came back to life: %s", w.sd.Status.Phase)
	}
	request(v1alpha1.AnnotationRetry, "2")(w)
	w.turn()
	if got := w.sd.Status; got.Phase != v1alpha1.PhasePending || got.Candidate.Attempt != 2 {
		t.Errorf("a fresh request: %s, attempt %d", got.Phase, got.Candidate.Attempt)
	}
}

func TestARetryOfWhatServesDoesNothing(t *testing.T) {
	w := serving(t)
	w.until(rests("v2"))
	w.run(10 * time.Second)
	request(v1alpha1.AnnotationRetry, "1")(w)
	want := w.sd.Status.DeepCopy()
	want.Handled.Retry = "1"
	if diff := gocmp.Diff(*want, w.turn().Next); diff != "" {
		t.Error(diff)
	}
}

func TestARequestForAnotherReleaseIsNotHeard(t *testing.T) {
	for name, value := range map[string]string{"another id": "v2-prod-20200101_000000", "another hash": "v1", "another step": "%s/first", "nothing": "", "a step alone": "/half"} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, approveHalf)
			request(v1alpha1.AnnotationApprove, value)(w)
			w.until(step("half"))
			request(v1alpha1.AnnotationApprove, value)(w)
			w.run(10 * time.Minute)
			if got := w.sd.Status; got.Reason != "AwaitingApproval" {
				t.Errorf("approved by %q: %s %s", value, got.Phase, got.Reason)
			}
		})
	}
}

func TestOneApprovalIsForOneStep(t *testing.T) {
	w := serving(t, approveHalf, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy.Steps[1].Approval = v1alpha1.ApprovalRequired })
	w.until(reason("AwaitingApproval"))
	request(v1alpha1.AnnotationApprove, "%s")(w)
	w.until(step("half"))
	w.run(10 * time.Minute)
	if got := w.sd.Status; got.Reason != "AwaitingApproval" || !strings.Contains(got.Rollout.Message, "approve=v2-prod-") || !strings.Contains(got.Rollout.Message, "/half --overwrite") {
		t.Errorf("%s: %s", got.Reason, got.Rollout.Message)
	}
	request(v1alpha1.AnnotationApprove, "%s/half")(w)
	if d := w.turn(); d.Next.Phase != v1alpha1.PhaseCuttingOver {
		t.Errorf("approved: %s", d.Next.Phase)
	}
}

func TestTheHeldFailureIsKeptAsAVerdict(t *testing.T) {
	for name, decide := range map[string]func(*world){"aborted": request(v1alpha1.AnnotationAbort, "now"), "promoted": request(v1alpha1.AnnotationPromote, "%s"), "superseded": ask("v3")} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, manual)
			w.until(step("quarter"))
			alertFires(w)
			d := w.turn()
			if len(d.Events) != 1 || !d.Events[0].Warning || d.Next.Rollout.Failure == nil || d.Want.Weight != 25 {
				t.Fatalf("told %+v, held for %v, wants %d %%", d.Events, d.Next.Rollout.Failure, d.Want.Weight)
			}
			w.run(time.Minute)
			decide(w)
			d = w.turn()
			var reasons []string
			for _, v := range d.Next.Rollout.Verdicts {
				if v.Phase == v1alpha1.PhaseProgressing && v.Step == "quarter" {
					reasons = append(reasons, v.Reason)
				}
			}
			want := map[string][]string{
				"aborted": {"AlertFiring", "MetricPassed", "Aborted"}, "promoted": {"AlertFiring", "Promoted"}, "superseded": {"AlertFiring", "Superseded"},
			}[name]
			if diff := gocmp.Diff(want, reasons); diff != "" {
				t.Error(diff)
			}
			if d.Next.Rollout.Failure != nil {
				t.Errorf("still held: %+v", d.Next.Rollout.Failure)
			}
		})
	}
}
