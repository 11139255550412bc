package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// A rollback is rehearsed through the real Gateway, and no user notices: not a
// request is lost, the route is as it was, and the score is told.
func TestADrillPasses(t *testing.T) {
	namespace := space(t, "e2e-drill")
	sd, traffic := install(t, namespace, 200)
	route := routeOf(t, namespace)
	reportOf(t, sd)

	before := sd.DeepCopy()
	sd.Annotations = map[string]string{v1alpha1.AnnotationDrill: "first"}
	if err := shared.Patch(t.Context(), sd, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	until(t, sd, func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Status.Handled.Drill == "first" && sd.Status.Drill != nil && len(sd.Status.Drill.Runs) > 0 && sd.Status.Drill.Runs[0].Result != v1alpha1.DrillRunning
	})
	run := sd.Status.Drill.Runs[0]
	for _, part := range run.Parts {
		t.Logf("%s: %s of at most %s, %s, %d points", part.Name, part.Value, part.Threshold, part.Outcome, part.Points)
	}
	if run.Result != v1alpha1.DrillPassed || run.Score != 100 {
		t.Errorf("%s with %d of 100, %s: %s", run.Result, run.Score, run.Reason, run.Message)
	}
	if diff := cmp.Diff(route, routeOf(t, namespace)); diff != "" {
		t.Errorf("the route is not as it was:\n%s", diff)
	}
	told := &corev1.ConfigMap{}
	until(t, sd, func(sd *v1alpha1.SignalDeployment) bool {
		err := shared.Get(t.Context(), types.NamespacedName{Namespace: namespace, Name: sd.Name + "-report"}, told)
		return err == nil && told.Data["drill.md"] != ""
	})
	contains(t, told.Data["drill.md"], "100")
	r := traffic.Stop()
	t.Logf("%d requests, %d lost, %d errors", r.Sent, r.Lost, r.Errors)
	if r.Lost > 0 || r.Errors > 0 || r.Sent == 0 {
		t.Errorf("%d of %d requests were lost, %d are errors", r.Lost, r.Sent, r.Errors)
	}
}
