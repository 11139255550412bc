package integration

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// entered has the check alive run at every stage, by an entry.
func entered(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Traffic.Entry = &v1alpha1.TrafficEntry{URL: "http://signals.example", Address: "198.18.0.9:80"}
	sd.Spec.Checks.Smoke[0].Stages = []v1alpha1.CheckStage{v1alpha1.StageCandidate, v1alpha1.StageGateway, v1alpha1.StageAfterCutover}
}

// previewOf is the operator's own route, or nil.
func previewOf(t *testing.T, y *stage.Story) *gatewayv1.HTTPRoute {
	t.Helper()
	route := &gatewayv1.HTTPRoute{}
	err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name + "-preview"}, route)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		t.Fatal(err)
	}
	return route
}

// written is the user's route as they know it: without what the server and its
// gateway write into it.
func written(t *testing.T, y *stage.Story) string {
	t.Helper()
	route := &gatewayv1.HTTPRoute{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, route); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{route.Labels, route.Annotations, route.OwnerReferences, route.Finalizers, route.Spec})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// jobsOf are the Jobs of the candidate's smoke checks, by label, with what they are told.
func jobsOf(t *testing.T, y *stage.Story) map[string]map[string]string {
	t.Helper()
	list := &batchv1.JobList{}
	if err := y.Client.List(t.Context(), list, client.InNamespace(y.Namespace), client.MatchingLabels{v1alpha1.LabelRelease: y.SD.Status.Candidate.Hash}); err != nil {
		t.Fatal(err)
	}
	told := map[string]map[string]string{}
	for _, job := range list.Items {
		env := map[string]string{}
		for _, v := range job.Spec.Template.Spec.Containers[0].Env {
			if slices.Contains([]string{"SIGNAL_TARGET", "SIGNAL_HOST", "SIGNAL_ADDRESS", "SIGNAL_HEADER"}, v.Name) {
				env[v.Name] = v.Value
			}
		}
		told[job.Labels[v1alpha1.LabelCheck]] = env
	}
	return told
}

// The way by the Gateway is there while it is asked for, leads checks to the
// candidate, and is gone once the release is over; the user's route is theirs
// throughout.
func TestAReleaseIsCheckedByTheGateway(t *testing.T) {
	t.Parallel()
	y := on.Story(t, entered)
	before := written(t, y)
	y.Begin()
	y.Rest("v1 is at rest", stage.Succeeded)
	if previewOf(t, y) != nil || written(t, y) != before {
		t.Fatal("something is left of v1")
	}

	y.Change(stage.Hold(60))
	y.World.Misbehave(y.Namespace, stage.Faults{Job: "hang", JobOf: "alive.Gateway"})
	y.Ask("v2")
	y.Until("v2 is checked through the Gateway", func(sd *v1alpha1.SignalDeployment) bool {
		if !stage.In(v1alpha1.PhaseChecking)(sd) {
			return false
		}
		_, begun := jobsOf(t, y)["alive.Gateway"]
		return begun
	})
	preview, hash := previewOf(t, y), y.SD.Status.Candidate.Hash
	if preview == nil || preview.Labels[v1alpha1.LabelRelease] != hash || !metav1.IsControlledBy(preview, y.SD) {
		t.Fatalf("preview = %+v", preview)
	}
	if len(preview.Spec.Rules) != 1 || preview.Spec.ParentRefs[0].Name != "public" || written(t, y) != before {
		t.Errorf("preview has %+v, the user's route %s", preview.Spec, written(t, y))
	}
	canary := &corev1.Service{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name + "-canary"}, canary); err != nil {
		t.Fatal(err)
	}
	way := map[string]string{"SIGNAL_TARGET": "http://signals.example", "SIGNAL_HOST": "signals.example", "SIGNAL_ADDRESS": "198.18.0.9:80"}
	led := map[string]string{"SIGNAL_HEADER": "X-Signal-Release: " + hash}
	maps.Copy(led, way)
	want := map[string]map[string]string{
		"alive":         {"SIGNAL_TARGET": "http://" + canary.Spec.ClusterIP + ":80", "SIGNAL_HOST": "app-canary." + y.Namespace + ".svc"},
		"alive.Gateway": led,
	}
	if diff := cmp.Diff(want, jobsOf(t, y)); diff != "" {
		t.Error(diff)
	}

	y.Annotate(v1alpha1.AnnotationAbort, "v2")
	y.Rest("v2 is aborted", stage.Failed)
	if previewOf(t, y) != nil || written(t, y) != before {
		t.Error("something is left of v2")
	}

	y.Change(stage.Hold(0))
	y.World.Misbehave(y.Namespace, stage.Faults{})
	y.Ask("v3")
	y.Rest("v3 is stable", stage.Succeeded)
	want["alive.AfterCutover"] = way
	want["alive"]["SIGNAL_TARGET"] = "http://" + canary.Spec.ClusterIP + ":80"
	led["SIGNAL_HEADER"] = "X-Signal-Release: " + y.SD.Status.Candidate.Hash
	if diff := cmp.Diff(want, jobsOf(t, y)); diff != "" {
		t.Error(diff)
	}
	if previewOf(t, y) != nil || written(t, y) != before {
		t.Error("something is left of v3")
	}
	if report := reportOf(t, y); !strings.Contains(report, "alive.Gateway") || !strings.Contains(report, "alive.AfterCutover") {
		t.Errorf("the report does not tell the stages apart:\n%s", report)
	}
}

// A candidate that is bad only behind the Gateway, or only once it serves all,
// is found there; and the message says where.
func TestAStageThatFails(t *testing.T) {
	t.Parallel()
	for check, end := range map[string]stage.Condition{"alive.Gateway": stage.Failed, "alive.AfterCutover": stage.RolledBack} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			y := on.Story(t, entered).Begin()
			v1, before := y.SD.Status.Stable.Hash, written(t, y)
			y.World.Misbehave(y.Namespace, stage.Faults{Job: "fail", JobOf: check})
			y.Ask("v2")
			y.Rest("v2 has failed", end)
			y.Stalled(check, "the answer was 42")
			if s := y.SD.Status; s.Stable.Hash != v1 || s.Weight != 0 {
				t.Errorf("%s serves, weight %d", s.Stable.Hash, s.Weight)
			}
			if previewOf(t, y) != nil || written(t, y) != before {
				t.Error("something is left")
			}
			if report := reportOf(t, y); !strings.Contains(report, check) {
				t.Errorf("the report does not name the stage:\n%s", report)
			}
		})
	}
}

// Checks through the Gateway wait for it, and say so.
func TestAPreviewThatIsRefused(t *testing.T) {
	t.Parallel()
	y := on.Story(t, entered)
	y.SD.Spec.Strategy.ProgressDeadlineSeconds = new(int32(12))
	y.SD.Spec.Checks.Smoke[0].TimeoutSeconds = 2
	y.Begin()
	y.Change(func(sd *v1alpha1.SignalDeployment) { // where nothing is split, the user's route need not be accepted
		sd.Spec.Strategy.Steps = nil
		sd.Spec.Checks.Smoke[0].Stages = []v1alpha1.CheckStage{v1alpha1.StageGateway}
	})
	theirs := stage.Route(y.Namespace)
	theirs.Name = stage.Name + "-preview"
	if err := y.Client.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	y.Ask("v2")
	y.Until("v2 waits for the name", stage.Because("ForeignObject"))
	y.Stalled(stage.Name+"-preview", v1alpha1.AnnotationAdopt)
	y.Until("v2 has failed", stage.Failed)
	if got := previewOf(t, y); got == nil || got.OwnerReferences != nil || len(got.Spec.Rules) != 2 {
		t.Errorf("their route is %+v", got)
	}
	if y.SD.Status.Rollout.Exposed {
		t.Error("v2 took traffic")
	}
}

// The object goes with its preview, also when nothing else of it is to go.
func TestDeletedWhileItIsPreviewed(t *testing.T) {
	t.Parallel()
	y := on.Story(t, entered).Begin()
	y.World.Misbehave(y.Namespace, stage.Faults{Job: "hang", JobOf: "alive.Gateway"})
	y.Ask("v2")
	y.Until("v2 is previewed", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.In(v1alpha1.PhaseChecking)(sd) && previewOf(t, y) != nil
	})
	if err := y.Client.Delete(t.Context(), y.SD, client.PropagationPolicy(metav1.DeletePropagationOrphan)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); previewOf(t, y) != nil; time.Sleep(10 * time.Millisecond) {
		err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, y.SD)
		if err == nil && !slices.Contains(y.SD.Finalizers, v1alpha1.Finalizer) {
			err = errors.New("the operator has let it go")
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the preview is still there: %v", err)
		}
	}
}
