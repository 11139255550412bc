package integration

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/test/stage"
)

// quick drains at once, so that a drill is over soon.
func quick(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy.DrainSeconds = new(int32(0)) }

// drilled waits for the end of the latest drill.
func drilled(result v1alpha1.DrillResult) stage.Condition {
	return func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Status.Drill != nil && len(sd.Status.Drill.Runs) > 0 && sd.Status.Drill.Runs[0].Result == result
	}
}

// scorecard is a drill as a person reads it.
func scorecard(t *testing.T, sd *v1alpha1.SignalDeployment) string {
	t.Helper()
	text, err := json.MarshalIndent(sd.Status.Drill, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// specOf is the route's spec and metadata as they are, byte for byte but for what the
// server counts.
func specOf(t *testing.T, y *stage.Story) string {
	t.Helper()
	route := &gatewayv1.HTTPRoute{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, route); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{route.Spec, route.Annotations, route.Labels})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A drill that is asked for passes, no user reaches its pods, and everything is
// as it was.
func TestDrillOnRequest(t *testing.T) {
	t.Parallel()
	y := on.Story(t, quick).Begin()
	y.Rest("v1 is at rest", stage.Succeeded)
	route, end, stable := specOf(t, y), y.End(), *y.SD.Status.Stable
	y.Annotate(v1alpha1.AnnotationDrill, "now")
	y.Until("the drill runs", drilled(v1alpha1.DrillRunning))
	y.Until("the drill has passed", drilled(v1alpha1.DrillPassed))

	run := y.SD.Status.Drill.Runs[0]
	if run.Score != 100 || y.SD.Status.Handled.Drill != "now" {
		t.Errorf("handled %q: %s", y.SD.Status.Handled.Drill, scorecard(t, y.SD))
	}
	if c := meta.FindStatusCondition(y.SD.Status.Conditions, v1alpha1.ConditionDrillPassed); c == nil || c.Status != "True" {
		t.Errorf("condition %+v", c)
	}
	if diff := cmp.Diff(route, specOf(t, y)); diff != "" {
		t.Errorf("the route is not as before:\n%s", diff)
	}
	if diff := cmp.Diff([]int32{-1, 0, -1}, y.Weights()); diff != "" {
		t.Errorf("users may have reached the drill:\n%s", diff)
	}
	if !slices.Contains(y.CanarySelections(), release.DrillHash(stable.Hash)) {
		t.Errorf("the canary Service never selected the drill: %v", y.CanarySelections())
	}
	y.Rest("everything is at rest again", stage.Succeeded)
	y.Until("its Deployment is gone", func(*v1alpha1.SignalDeployment) bool { return !strings.Contains(y.End(), "drill") })
	after := strings.Replace(y.End(), "condition DrillPassed True DrillPassed\n", "", 1)
	if diff := cmp.Diff(end, after); diff != "" {
		t.Errorf("something is not as before:\n%s", diff)
	}
	if diff := cmp.Diff(stable, *y.SD.Status.Stable); diff != "" {
		t.Errorf("the stable release differs:\n%s", diff)
	}
}
