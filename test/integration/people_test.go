package integration

import (
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

func TestApprove(t *testing.T) {
	t.Parallel()
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Strategy.Steps[1].Approval = v1alpha1.ApprovalRequired
	}).Begin()
	y.Ask("v2")
	y.Until("it waits for approval", stage.Because("AwaitingApproval"))
	y.Annotate(v1alpha1.AnnotationApprove, "some-other-release")
	y.Until("an approval of something else does not count", stage.Because("AwaitingApproval"))
	y.Annotate(v1alpha1.AnnotationApprove, y.SD.Status.Candidate.ID+"/quarter")
	y.Rest("v2 is released", stage.Succeeded)
}

func TestPromoteByHandSkipsSteps(t *testing.T) {
	t.Parallel()
	y, _ := begun(t)
	y.Change(stage.Hold(0)) // the plan is pinned: this serves the next release
	y.Annotate(v1alpha1.AnnotationPromote, y.SD.Status.Candidate.Hash)
	y.Until("v2 is verified", stage.In(v1alpha1.PhaseVerifying))
	if !y.SD.Status.Rollout.Overruled || y.SD.Status.Rollout.Plan.VerifySeconds != 60 {
		t.Errorf("overruled %t, plan %+v", y.SD.Status.Rollout.Overruled, y.SD.Status.Rollout.Plan)
	}
}

func TestAbort(t *testing.T) {
	t.Parallel()
	y, _ := begun(t)
	y.Annotate(v1alpha1.AnnotationAbort, "now")
	y.Rest("v2 is aborted", stage.RolledBack)
	if got := y.SD.Status.History[0].Result; got != v1alpha1.ResultAborted {
		t.Errorf("result %s", got)
	}
	// The same value does not abort the next release.
	y.Change(stage.Hold(0))
	y.Ask("v3")
	y.Rest("v3 is released", stage.Succeeded)
}

func TestPauseHoldsProgressButNoRollback(t *testing.T) {
	t.Parallel()
	y, _ := begun(t)
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Paused = true })
	y.Until("it is paused", stage.Because("Paused"))
	y.Prometheus.Fire(y.Namespace, "Broken", map[string]string{})
	y.Rest("v2 is rolled back all the same", stage.RolledBack)
}

func TestAutomaticFalseHoldsForPeople(t *testing.T) {
	t.Parallel()
	y := on.Story(t, stage.Hold(60), func(sd *v1alpha1.SignalDeployment) { sd.Spec.Rollback.Automatic = new(false) }).BeginHolding(t)
	y.Prometheus.Set(y.Namespace, y.SD.Status.Candidate.Hash, "0.75")
	y.Until("the failure is held", func(sd *v1alpha1.SignalDeployment) bool { return sd.Status.Rollout.Failure != nil })
	if y.SD.Status.Phase != v1alpha1.PhaseProgressing || y.SD.Status.Weight != 10 {
		t.Errorf("%s at %d %%", y.SD.Status.Phase, y.SD.Status.Weight)
	}
	y.Annotate(v1alpha1.AnnotationAbort, "now")
	y.Rest("v2 is turned back by hand", stage.RolledBack)
}
