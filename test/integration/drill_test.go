package integration

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout/drill"
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

// slow makes a failing signal be noticed only after many samples, so that there
// is time for something to happen.
func slow(sd *v1alpha1.SignalDeployment) { sd.Spec.Analysis.Metrics[0].ConsecutiveFailures = 1000 }

// failing waits until the signal fails.
func failing(sd *v1alpha1.SignalDeployment) bool {
	return drill.Running(sd.Status.Drill) && !drill.FailsSince(sd.Status.Drill).IsZero()
}

// nothingLeft reports whether nothing of a drill is left.
func nothingLeft(y *stage.Story) stage.Condition {
	return func(*v1alpha1.SignalDeployment) bool {
		end := y.End()
		return !strings.Contains(end, "app-drill") && !strings.Contains(end, "weight 0")
	}
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
	y.Until("its Deployment is gone", nothingLeft(y))
	after := strings.Replace(y.End(), "condition DrillPassed True DrillPassed\n", "", 1)
	if diff := cmp.Diff(end, after); diff != "" {
		t.Errorf("something is not as before:\n%s", diff)
	}
	if diff := cmp.Diff(stable, *y.SD.Status.Stable); diff != "" {
		t.Errorf("the stable release differs:\n%s", diff)
	}
}

// A drill that is due starts by itself, and one that passed opens the gate that
// waits for it.
func TestScheduledDrillOpensAGate(t *testing.T) {
	t.Parallel()
	y := on.Story(t, quick, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Gates = []v1alpha1.Gate{{Name: "rehearsed", Drill: &v1alpha1.DrillGate{}}}
	}).Begin() // a first release has nothing to turn back to
	y.Rest("v1 is at rest", stage.Succeeded)
	y.Ask("v2")
	y.Until("v2 waits for a drill", func(sd *v1alpha1.SignalDeployment) bool {
		c := meta.FindStatusCondition(sd.Status.Conditions, v1alpha1.ConditionGatesOpen)
		return stage.In(v1alpha1.PhaseGating)(sd) && c != nil && c.Reason == "DrillMissing"
	})
	y.Change(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Rollback.Drill = &v1alpha1.DrillSpec{Schedule: "0 0 29 2 *"}
	})
	y.Until("drills are asked for", func(sd *v1alpha1.SignalDeployment) bool { return sd.Status.Drill != nil })
	before := y.SD.DeepCopy() // as if they had been for a while
	y.SD.Status.Drill.AskedSinceTime = metav1.NewTime(before.Status.Drill.AskedSinceTime.Add(-10 * time.Minute))
	if err := y.Client.Status().Patch(t.Context(), y.SD, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Rollback.Drill.Schedule = "* * * * *" })
	y.Until("a drill has started by itself", drilled(v1alpha1.DrillRunning))
	y.Until("it has passed", drilled(v1alpha1.DrillPassed))
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Rollback.Drill = nil })
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Stable.Version == y.SD.Status.Candidate.Version
	})
	if y.SD.Status.Handled.Drill != "" {
		t.Errorf("handled %q, and nobody asked", y.SD.Status.Handled.Drill)
	}
}

// A release never waits for a drill, and a dead operator leaves nothing behind.
func TestDrillMakesWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		disturb func(*stage.Story)
		result  v1alpha1.DrillResult
		reason  string
	}{
		"for a release": {func(y *stage.Story) { y.Ask("v2") }, v1alpha1.DrillInterrupted, "Superseded"},
		"for a pause":   {func(y *stage.Story) { y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Paused = true }) }, v1alpha1.DrillInterrupted, "Paused"},
		"for the time that it may take": {func(y *stage.Story) {
			y.Change(func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Rollback.Drill = &v1alpha1.DrillSpec{DetectWithinSeconds: 1}
			})
		}, v1alpha1.DrillFailed, "NotDetected"},
		"and goes on after a restart": {func(y *stage.Story) {
			y.Operator.Stop()
			y.Operator = on.Operator(t, y.Namespace, nil)
			y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Analysis.Metrics[0].ConsecutiveFailures = 1 })
		}, v1alpha1.DrillPassed, "DrillPassed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := on.Story(t, quick, slow).Begin()
			y.Rest("v1 is at rest", stage.Succeeded)
			y.Annotate(v1alpha1.AnnotationDrill, "now")
			y.Until("the signal fails", failing)
			if c := meta.FindStatusCondition(y.SD.Status.Conditions, v1alpha1.ConditionReady); c.Status != "True" || c.Reason != "DrillInProgress" {
				t.Errorf("Ready is %s, %s", c.Status, c.Reason)
			}
			tc.disturb(y)
			y.Until("the drill is over", drilled(tc.result))
			if run := y.SD.Status.Drill.Runs[0]; run.Reason != tc.reason {
				t.Errorf("%s", scorecard(t, y.SD))
			}
			y.Rest("all is at rest", stage.Succeeded)
			y.Until("nothing of the drill is left", nothingLeft(y))
			if slices.ContainsFunc(y.Weights()[:3], func(w int32) bool { return w > 0 }) {
				t.Errorf("users may have reached the drill: %v", y.Weights())
			}
		})
	}
}
