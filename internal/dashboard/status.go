package dashboard

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Conditions of a GrafanaDashboard: whether it is in every Grafana that it
// selects, and why it is in none.
const (
	conditionSynchronized = "DashboardSynchronized"
	conditionNoInstance   = "NoMatchingInstance"
	conditionInvalid      = "InvalidSpec"
)

// readObject says what the grafana-operator says of the GrafanaDashboard.
func readObject(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, s Settings) (verdict.Verdict, error) {
	if !s.Installed {
		return fail(ReasonNoAPI, "dashboard.delivery GrafanaDashboard needs the grafana-operator, whose GrafanaDashboards the cluster did not have when the operator started: install it and restart the operator, or choose another delivery"), nil
	}
	live := Object()
	err := c.Get(ctx, client.ObjectKey{Namespace: sd.Namespace, Name: Name(sd)}, live)
	switch {
	case apierrors.IsNotFound(err):
		return undelivered(), nil
	case err != nil:
		return verdict.Verdict{}, fmt.Errorf("read GrafanaDashboard %s/%s: %w", sd.Namespace, Name(sd), err)
	}
	d := Build(sd)
	if text, _, _ := unstructured.NestedString(live.Object, "spec", "json"); text != string(d.JSON) {
		return undelivered(), nil
	}
	return judgeObject(sd, d, live), nil
}

func judgeObject(sd *v1alpha1.SignalDeployment, d Dashboard, live *unstructured.Unstructured) verdict.Verdict {
	seen := verdict.Evidence{Value: "content " + d.Content, Source: "status of GrafanaDashboard " + live.GetName()}
	said := conditions(live)
	switch synchronized := said[conditionSynchronized]; {
	case said[conditionInvalid].is("True"):
		return verdict.With(fail(ReasonNotImported, "The grafana-operator does not take the dashboard: %s", said[conditionInvalid].message), seen)
	case said[conditionNoInstance].is("True"):
		return verdict.With(fail(ReasonNotImported, "No Grafana takes the dashboard: none has the labels %s; set dashboard.instanceLabels to those of yours", selector(sd)), seen)
	case synchronized.is("False"):
		return verdict.With(fail(ReasonNotImported, "The grafana-operator could not import the dashboard (%s): %s", synchronized.reason, synchronized.message), seen)
	case synchronized.is("True"):
		return verdict.With(verdict.Pass(v1alpha1.SignalDashboard, ReasonImported, "The grafana-operator has imported the dashboard %q into Grafana", d.Title), seen)
	}
	return wait(ReasonImporting, "The grafana-operator has not said yet that Grafana has the dashboard")
}

// said is a condition that speaks of the object as it is now.
type said struct{ status, reason, message string }

func (s said) is(status string) bool { return s.status == status }

// conditions are those of the present generation.
func conditions(live *unstructured.Unstructured) map[string]said {
	all := map[string]said{}
	list, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
	for _, item := range list {
		condition, ok := item.(map[string]any)
		if !ok {
			continue
		}
		text := func(field string) string { s, _, _ := unstructured.NestedString(condition, field); return s }
		if generation, _, _ := unstructured.NestedInt64(condition, "observedGeneration"); generation < live.GetGeneration() {
			continue
		}
		all[text("type")] = said{status: text("status"), reason: jobs.Fit(text("reason"), 64), message: jobs.Quote(text("message"))}
	}
	return all
}

func selector(sd *v1alpha1.SignalDeployment) string {
	set := labels.Set{}
	for key, value := range instanceLabels(sd) {
		set[key] = fmt.Sprint(value)
	}
	return set.String()
}
