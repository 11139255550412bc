package integration

import (
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// objective is 99.9 % of a day's requests.
func objective(name string, change ...func(*v1alpha1.SLO)) v1alpha1.SLO {
	s := v1alpha1.SLO{Name: name, Server: "default", Objective: intstr.FromString("99.9"), Availability: &v1alpha1.SLOAvailability{}, WindowDays: 1}
	for _, c := range change {
		c(&s)
	}
	return s
}

// observed is a story in which v1 serves 100 requests a second, and v2 holds its
// first weight, with objectives.
func observed(t *testing.T, hold int32, slos ...v1alpha1.SLO) *stage.Story {
	t.Helper()
	y := on.Story(t).Begin()
	y.Answer(y.SD.Status.Stable.Hash, 100, 0)
	y.Change(func(sd *v1alpha1.SignalDeployment) {
		stage.Hold(hold)(sd)
		sd.Spec.Analysis.SLOs = slos
	})
	y.Ask("v2")
	y.Until("v2 holds its first weight", stage.Holding("first"))
	return y
}

func report(y *stage.Story) string {
	y.Helper()
	cm := &corev1.ConfigMap{}
	if err := y.Client.Get(y.Context(), types.NamespacedName{Namespace: y.Namespace, Name: y.SD.Status.Report.ConfigMap}, cm); err != nil {
		y.Fatal(err)
	}
	return cm.Data["report.md"]
}

// Half of v2's requests fail. That soon is more than a thousandth of the day's
// budget of 8,640.
func TestABudgetTurnsBack(t *testing.T) {
	t.Parallel()
	y := observed(t, 60, objective("publish", func(s *v1alpha1.SLO) { s.MaxBudgetBurn = new(intstr.FromString("0.001")) }))
	y.Answer(y.SD.Status.Candidate.Hash, 10, 10)
	y.Rest("v2 is rolled back", stage.RolledBack)
	if y.SD.Status.Reason != "BudgetBurned" {
		t.Errorf("reason %s", y.SD.Status.Reason)
	}
	y.Stalled("publish", "maxBudgetBurn of 0.1 %", "http_requests_total")
	budgets := y.SD.Status.Rollout.Budgets
	if len(budgets) != 1 || budgets[0].Name != "publish" || budgets[0].Failed < 9 || budgets[0].Failed > budgets[0].Total || budgets[0].Limit != "0.001" {
		t.Errorf("budgets %+v", budgets)
	}
	text := report(y)
	if !strings.Contains(text, "| all | publish | 99.9 % succeed, 1 days |") || !strings.Contains(text, "**BudgetBurned**: Objective \"publish\"") {
		t.Errorf("the report does not say why:\n%s", text)
	}
}

// The same, without a limit: it is reported. So is that nothing is known of an
// operation. Neither holds up the release, nor do alerts that no server has.
func TestABudgetWithoutALimitIsOnlyReported(t *testing.T) {
	t.Parallel()
	y := observed(t, 2, objective("publish"), objective("unheard", func(s *v1alpha1.SLO) { s.Operation.Route = "/unheard" }))
	y.Answer(y.SD.Status.Candidate.Hash, 10, 10)
	y.Rest("v2 is released", stage.Succeeded)
	budgets := y.SD.Status.Rollout.Budgets
	if len(budgets) != 2 || budgets[0].Failed < 9 || budgets[0].Consumed == "" || budgets[0].Limit != "" || budgets[1].Total != 0 || budgets[1].Consumed != "" {
		t.Errorf("budgets %+v", budgets)
	}
	text := report(y)
	if !strings.Contains(text, "| all | publish | 99.9 % succeed, 1 days |") || !strings.Contains(text, "| /unheard | unheard | 99.9 % succeed, 1 days | 0 | 0 |  |  | unknown | none |") {
		t.Errorf("the report does not tell:\n%s", text)
	}
}

// With a limit, silence is no consent.
func TestABudgetThatCannotBeToldHolds(t *testing.T) {
	t.Parallel()
	y := observed(t, 0, objective("publish", func(s *v1alpha1.SLO) { s.MaxBudgetBurn = new(intstr.FromString("0.001")) }))
	y.Until("it says what it waits for", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Holding("first")(sd) && sd.Status.Rollout.Reason == "NoData"
	})
	y.Answer(y.SD.Status.Candidate.Hash, 20, 0)
	y.Rest("v2 is released", stage.Succeeded)
}

// The rules of the objectives are published, and turn back as others do.
func TestAnObjectivesAlertTurnsBack(t *testing.T) {
	t.Parallel()
	y := observed(t, 60, objective("publish"))
	rule := &monitoringv1.PrometheusRule{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, rule); err != nil {
		t.Fatal(err)
	}
	last := rule.Spec.Groups[len(rule.Spec.Groups)-1]
	if last.Name != y.Namespace+"/app/signal-slo-publish" {
		t.Errorf("group %s", last.Name)
	}
	y.Prometheus.Fire(y.Namespace, "SLOBudgetBurnsTooFast", map[string]string{"namespace": y.Namespace, "slo": "publish", "severity": "warning"})
	y.Prometheus.Fire(y.Namespace, "SLOBudgetBurnsWithinDays", map[string]string{"namespace": y.Namespace, "slo": "publish", "severity": "critical"})
	y.Rest("v2 is rolled back", stage.RolledBack)
	y.Stalled("SLOBudgetBurnsWithinDays")
}

// A restart of the operator in the middle of a release neither forgets what was
// spent nor counts it twice.
func TestARestartKeepsTheAccount(t *testing.T) {
	t.Parallel()
	y := observed(t, 3, objective("publish"))
	candidate := y.SD.Status.Candidate.Hash
	y.Answer(candidate, 10, 10)
	y.Until("v2 holds its second weight", stage.Holding("quarter"))
	y.Answer(candidate, 10, 0)
	failed := y.Failed(candidate)
	y.Operator.Stop()
	y.Operator = y.Stage.Operator(t, y.Namespace, nil)
	y.Rest("v2 is released", stage.Succeeded)
	if got := y.SD.Status.Rollout.Budgets[0].Failed; failed < 9 || got < failed-2 || got > failed {
		t.Errorf("%d were counted, of %d", got, failed)
	}
}
