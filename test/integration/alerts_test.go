package integration

import (
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// unserved needs no metric server: a rule of the user's own, evaluated over
// what the pods expose.
func unserved(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Analysis.Metrics = nil
	sd.Spec.Alerts.Server = v1alpha1.ServerBuiltIn
	sd.Spec.Alerts.Groups[0].Rules[0].Expr = `sum by (delivery_signal_dev_release) (broken{namespace="${namespace}"}) > 0`
}

func TestAnAlertOverWhatIsScrapedTurnsBack(t *testing.T) {
	t.Parallel()
	y := on.Story(t, stage.Hold(60), unserved)
	y.Pods.Expose(y.Namespace, "", "broken 0\n")
	y.BeginHolding(t)
	stable := y.SD.Status.Stable.Hash
	y.Pods.Expose(y.Namespace, y.SD.Status.Candidate.Hash, "broken 1\n")
	y.Rest("v2 is rolled back", stage.RolledBack)
	if s := y.SD.Status; s.Reason != "AlertFiring" || s.Stable.Hash != stable {
		t.Errorf("%s, stable %s", s.Reason, s.Stable.Hash)
	}
	y.Stalled("Broken", "broken{namespace=")
}

// A default rule turns back, and nobody asked for it.
func TestADefaultRuleTurnsBack(t *testing.T) {
	t.Parallel()
	y := on.Story(t, stage.Hold(60), unserved, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Alerts.Groups = nil })
	y.Pods.Expose(y.Namespace, "", "# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 0\nhttp_requests_total{code=\"500\"} 0\n")
	y.BeginHolding(t)
	y.Pods.Expose(y.Namespace, y.SD.Status.Candidate.Hash, "# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 90\nhttp_requests_total{code=\"500\"} 60\n")
	y.Rest("v2 is rolled back", stage.RolledBack)
	y.Stalled("SignalErrorRatioHigh", "fails 40% of its requests", "http_requests_total")
}

// Pods that serve no metrics are released by the default rules, which are
// shown not to be applicable.
func TestPodsWithoutMetricsAreReleased(t *testing.T) {
	t.Parallel()
	y := on.Story(t, unserved, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Alerts.Groups = nil }).Begin()
	y.Ask("v2")
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && strings.HasPrefix(sd.Status.Stable.Version, "v2")
	})
	c := meta.FindStatusCondition(y.SD.Status.Conditions, v1alpha1.ConditionAlertRulesLoaded)
	if c == nil || c.Status != metav1.ConditionTrue || !strings.Contains(c.Message, "not applicable") || !strings.Contains(c.Message, "SignalLatencyHigh") {
		t.Errorf("the condition does not say which rules say nothing: %+v", c)
	}
	cm := &corev1.ConfigMap{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: y.SD.Status.Report.ConfigMap}, cm); err != nil {
		t.Fatal(err)
	}
	if text := cm.Data["report.md"]; !strings.Contains(text, "these are not applicable") {
		t.Errorf("the report does not say which rules say nothing:\n%s", text)
	}
}

// A rule of the user's own is waited for: pods that serve no metrics are not
// known to be well.
func TestAnOwnRuleIsWaitedFor(t *testing.T) {
	t.Parallel()
	y := on.Story(t, unserved, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy.ProgressDeadlineSeconds = new(int32(10)) })
	y.Operator = y.Stage.Operator(t, y.Namespace, nil)
	y.Apply()
	y.Rest("v1 has failed", stage.Failed)
	if y.SD.Status.Reason == "AlertFiring" {
		t.Errorf("it was blamed for %s", y.SD.Status.Rollout.Message)
	}
	y.Stalled("Broken", "404 Not Found")
}

// The rules are published whoever evaluates them; that no Prometheus loads
// them is told, and holds nothing.
func TestRulesThatNoPrometheusLoadsAreTold(t *testing.T) {
	t.Parallel()
	y := on.Story(t, unserved)
	y.Pods.Expose(y.Namespace, "", "broken 0\n")
	y.Prometheus.Blind(y.Namespace, true)
	y.Begin()
	c := meta.FindStatusCondition(y.SD.Status.Conditions, v1alpha1.ConditionAlertRulesLoaded)
	if c == nil || c.Status == metav1.ConditionTrue || c.Reason != "RulesNotLoaded" {
		t.Errorf("the condition says %+v", c)
	}
	rule := &monitoringv1.PrometheusRule{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, rule); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, g := range rule.Spec.Groups {
		names = append(names, g.Name)
	}
	if want := y.Namespace + "/app/availability " + y.Namespace + "/app/signal-library"; strings.Join(names, " ") != want {
		t.Errorf("published are %v", names)
	}
}
