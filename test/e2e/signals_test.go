package e2e

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

// bare is the sample service without a metric and without an alert rule of its
// own: what it is judged by is what the operator scrapes and its default rules.
func bare(namespace, version string) *v1alpha1.SignalDeployment {
	sd := cluster.SignalDeployment(namespace, image(version))
	sd.Spec.Analysis, sd.Spec.Alerts = v1alpha1.AnalysisSpec{}, v1alpha1.AlertsSpec{}
	return sd
}

// Nobody has to write a query: with nothing but steps, a good release gets
// through, a bad one is turned back by a default rule over what the operator
// scraped itself, and both reports have the key metrics.
func TestDefaultsTurnBack(t *testing.T) {
	namespace := space(t, "e2e-defaults")
	sd := bare(namespace, "v1.0.0")
	sd, traffic := begin(t, sd, 200)

	ask(t, sd, "v1.1.0")
	until(t, sd, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.1.0"))
	contains(t, reportOf(t, sd), "**Response Times**: p50 ", "**Throughput**: peak ", "**Error Rates**: 0.00 % server errors", "**CPU**: ", "**Memory**: ")
	dashboard := &corev1.ConfigMap{}
	if err := shared.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: sd.Name + "-dashboard"}, dashboard); err != nil {
		t.Error(err)
	}

	ask(t, sd, "v1.2.0")
	until(t, sd, cluster.Ended(v1alpha1.PhaseRolledBack, "v1.2.0"))
	m := sd.Status.Rollout
	if m.Reason != "AlertFiring" || !strings.Contains(m.Message, "SignalErrorRatio") {
		t.Errorf("turned back by %s: %s", m.Reason, m.Message)
	}
	contains(t, reportOf(t, sd), "SignalErrorRatio", "| built-in |", "**Response Times**: p50 ")
	r := traffic.Stop()
	t.Logf("%d requests, %d lost, %d errors, %s from the first to the last", r.Sent, r.Lost, r.Errors, r.LastBad.Sub(r.FirstBad))
	if r.Lost > 0 || r.Errors == 0 || r.Errors != r.ErrorsOf("v1.2.0") {
		t.Errorf("%d lost, %d errors, %d of them of v1.2.0", r.Lost, r.Errors, r.ErrorsOf("v1.2.0"))
	}
}

// A service that nobody uses is judged all the same, by synthetic requests to
// both sides: by tests of errors and latency against the stable release.
func TestAQuietServiceIsJudged(t *testing.T) {
	namespace := space(t, "e2e-quiet")
	sd := bare(namespace, "v1.0.0")
	sd.Spec.Alerts.Library.Mode = v1alpha1.LibraryDisabled
	sd.Spec.Analysis.Metrics = []v1alpha1.Metric{
		{Name: "errors", Errors: &v1alpha1.ErrorsTest{MinRequests: 50}},
		{Name: "latency", Latency: &v1alpha1.LatencyTest{MinRequests: 50}},
	}
	sd.Spec.Analysis.SLOs = []v1alpha1.SLO{cluster.Availability()}
	sd.Spec.Checks.Load.Background = &v1alpha1.BackgroundLoad{
		RatePerSecond: 40, Requests: []v1alpha1.LoadRequest{{Path: "/v1/signals"}},
	}
	if err := shared.Create(t.Context(), cluster.Route(namespace)); err != nil {
		t.Fatal(err)
	}
	if err := shared.Create(t.Context(), sd); err != nil {
		t.Fatal(err)
	}
	until(t, sd, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.0.0"))

	ask(t, sd, "v1.1.0")
	until(t, sd, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.1.0"))
	contains(t, reportOf(t, sd), "| /v1/signals | available |")
	ask(t, sd, "v1.2.0")
	until(t, sd, cluster.Ended(v1alpha1.PhaseRolledBack, "v1.2.0"))
	if m := sd.Status.Rollout; m.Reason != "WorseThanStable" || !strings.Contains(m.Message, `"errors"`) {
		t.Errorf("turned back by %s: %s", m.Reason, m.Message)
	}
}

// reportOf is the latest report, once it is written.
func reportOf(t *testing.T, sd *v1alpha1.SignalDeployment) string {
	t.Helper()
	cm := &corev1.ConfigMap{}
	until(t, sd, func(sd *v1alpha1.SignalDeployment) bool {
		if sd.Status.Report == nil || sd.Status.Report.Release != sd.Status.Candidate.ID {
			return false
		}
		err := shared.Get(t.Context(), types.NamespacedName{Namespace: sd.Namespace, Name: sd.Status.Report.ConfigMap}, cm)
		return err == nil
	})
	return cm.Data["report.md"]
}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
}
