package integration

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// begun is a story in which v1 is released and v2 holds its first weight.
func begun(t *testing.T) (y *stage.Story, stable string) {
	t.Helper()
	y = on.Story(t, stage.Hold(60)).BeginHolding(t)
	return y, y.SD.Status.Stable.Hash
}

func TestAnAlertTurnsBack(t *testing.T) {
	t.Parallel()
	y, stable := begun(t)
	y.Prometheus.Fire(y.Namespace, "Broken", map[string]string{"namespace": y.Namespace})
	y.Rest("v2 is rolled back", stage.RolledBack)
	s := y.SD.Status
	if s.Reason != "AlertFiring" || s.Stable.Hash != stable || s.Weight != 0 || s.History[0].Result != v1alpha1.ResultRolledBack {
		t.Errorf("%s, stable %s, weight %d, history %+v", s.Reason, s.Stable.Hash, s.Weight, s.History[0])
	}
	y.Stalled(s.Stable.ID, "Broken", "delivery.signal.dev/retry")
	cm := &corev1.ConfigMap{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: s.Report.ConfigMap}, cm); err != nil {
		t.Fatal(err)
	}
	if text := cm.Data["report.md"]; !strings.Contains(text, "ROLLED BACK") || !strings.Contains(text, "Broken") || cm.Immutable == nil || !*cm.Immutable {
		t.Errorf("the report does not say why:\n%s", text)
	}
}

func TestAMetricTurnsBack(t *testing.T) {
	t.Parallel()
	y, _ := begun(t)
	y.Prometheus.Set(y.Namespace, y.SD.Status.Candidate.Hash, "0.75")
	y.Rest("v2 is rolled back", stage.RolledBack)
	y.Stalled("errors", "0.75", "0.5", `value{namespace="`+y.Namespace)
}

// A label of the stable release on an alert is not the candidate's fault.
func TestAnAlertOfTheStableReleaseIsNotBlamedOnTheCandidate(t *testing.T) {
	t.Parallel()
	y, stable := begun(t)
	y.Prometheus.Fire(y.Namespace, "Broken", map[string]string{"delivery_signal_dev_release": stable})
	y.Annotate(v1alpha1.AnnotationPromote, y.SD.Status.Candidate.Hash)
	y.Change(func(*v1alpha1.SignalDeployment) {})
	y.Until("v2 is verified", stage.In(v1alpha1.PhaseVerifying))
}

func TestASmokeFailureTakesNoTraffic(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	y.World.Misbehave(y.Namespace, stage.Faults{Job: "fail"})
	y.Ask("v2")
	y.Rest("v2 has failed", stage.Failed)
	if y.SD.Status.Rollout.Exposed || y.SD.Status.Weight != 0 {
		t.Errorf("exposed %t, weight %d", y.SD.Status.Rollout.Exposed, y.SD.Status.Weight)
	}
	y.Stalled("alive", "exit code 3", "the answer was 42")

	// Retrying is a request with a fresh value; the attempt after it is new.
	y.World.Misbehave(y.Namespace, stage.Faults{})
	y.Annotate(v1alpha1.AnnotationRetry, "again")
	y.Rest("v2 is released", stage.Succeeded)
	if got := y.SD.Status.Candidate.Attempt; got != 2 {
		t.Errorf("attempt %d", got)
	}
	if y.SD.Status.Handled.Retry != "again" {
		t.Errorf("handled %+v", y.SD.Status.Handled)
	}
}

func TestFailureMode26ACrashLoopIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	y.World.Misbehave(y.Namespace, stage.Faults{CrashLoop: true})
	y.Ask("v2")
	y.Rest("v2 has failed", stage.Failed)
	if y.SD.Status.Reason != "CrashLooping" {
		t.Errorf("reason %s", y.SD.Status.Reason)
	}
}

// Silence is not consent: with the metric server down the release is neither
// promoted nor turned back before its deadline, and goes on when it is back.
func TestFailureMode38SilenceHolds(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	y.Prometheus.Down(y.Namespace, true)
	y.Ask("v2")
	y.Until("the metric is unknown", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Holding("first")(sd) && sd.Status.Verdict == v1alpha1.OutcomeUnknown
	})
	y.Prometheus.Down(y.Namespace, false)
	y.Rest("v2 is released", stage.Succeeded)
}

func TestFailureMode39NoDataIsNotAnAnswer(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy.ProgressDeadlineSeconds = new(int32(10)) })
	y.Prometheus.Set(y.Namespace, "", "")
	y.Ask("v2")
	y.Rest("v2 is rolled back by its deadline", stage.RolledBack)
	if y.SD.Status.Reason != "DeadlineExceeded" {
		t.Errorf("reason %s", y.SD.Status.Reason)
	}
	y.Stalled("no data")
}

func TestFailureMode44AnImageThatCannotBePulledIsNeitherSuccessNorSilence(t *testing.T) {
	t.Parallel()
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Checks.Smoke[0].TimeoutSeconds, sd.Spec.Strategy.ProgressDeadlineSeconds = 1, new(int32(10))
	}).Begin()
	y.World.Misbehave(y.Namespace, stage.Faults{Job: "nopull"})
	y.Ask("v2")
	y.Rest("v2 has failed by its deadline", stage.Failed)
	y.Stalled("alive", "prober")
}
