package integration

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/traffic/gatewayapi"
	"github.com/signal-delivery/operator/test/stage"
)

// An autoscaler that scales up after an abort revives nothing, and the canary
// Service does not change its mind again.
func TestFailureMode07AnAutoscalerRevivesTheAborted(t *testing.T) {
	t.Parallel()
	y, _ := begun(t)
	aborted := y.SD.Status.Candidate.Hash
	y.Annotate(v1alpha1.AnnotationAbort, "now")
	y.Rest("v2 is aborted", stage.RolledBack)
	before := y.CanarySelections()
	for _, replicas := range []int32{6, 3} {
		y.Read()
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
		if err := y.Client.SubResource("scale").Update(t.Context(), y.SD, client.WithSubResourceBody(scale)); err != nil {
			t.Fatal(err)
		}
		y.Rest("the stable side has been scaled", func(sd *v1alpha1.SignalDeployment) bool {
			return stage.RolledBack(sd) && sd.Status.ReadyReplicas == replicas
		})
	}
	d := &appsv1.Deployment{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: release.DeploymentName(stage.Name, aborted)}, d); err != nil {
		t.Fatal(err)
	}
	if *d.Spec.Replicas != 0 || d.Status.Replicas != 0 {
		t.Errorf("the aborted release has %d of %d pods", d.Status.Replicas, *d.Spec.Replicas)
	}
	if diff := cmp.Diff(before, y.CanarySelections()); diff != "" {
		t.Errorf("the canary Service was pointed elsewhere:\n%s", diff)
	}
}

// A promotion writes each weight once: nothing resets what another reconcile
// has set.
func TestFailureMode19WeightsAreSetOnceEach(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	first := y.SD.Status.Stable.Hash
	y.Ask("v2")
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != first })
	want := []int32{-1, 10, 25, 50, 100, 0, -1}
	got := y.Weights()
	if i := slices.Index(got, 0); i < 0 { // weight 0 and rest may be one write
		want = slices.DeleteFunc(want, func(w int32) bool { return w == 0 })
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// While the operator is down, nothing of anybody's is held up: it has no
// webhook that would have to answer.
func TestFailureMode34NothingWaitsForAnOperatorThatIsDown(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	y.Operator.Stop()
	labels := map[string]string{"app": "unrelated"}
	unrelated := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: y.Namespace, Name: "unrelated"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "registry.example/web:1"}}},
			},
		},
	}
	if err := y.Client.Create(t.Context(), unrelated); err != nil {
		t.Fatal(err)
	}
	if out, err := y.Kubectl("set", "image", "deployment/unrelated", "web=registry.example/web:2"); err != nil {
		t.Errorf("%s %v", out, err)
	}
	if out, err := y.Kubectl("delete", "deployment/unrelated", "--wait=false"); err != nil {
		t.Errorf("%s %v", out, err)
	}
	y.Ask("v2")
	on.Operator(t, y.Namespace, nil)
	y.Rest("v2 is released once it is back", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Candidate.Version == "v2-"+y.Namespace
	})
}

// A GitOps agent that applies what Git has, by force and in every step, revives
// no canary; the release goes on, and the route ends as Git has it.
func TestFailureMode46GitOpsAppliesItsManifestsAgain(t *testing.T) {
	t.Parallel()
	y := on.Story(t, stage.Hold(1)).Begin()
	y.Reapply(stage.Route(y.Namespace), gatewayapi.Kind)
	want := routeOf(t, y)
	first := y.SD.Status.Stable.Hash
	y.Ask("v2")
	git := &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: y.Namespace, Name: stage.Name}, Spec: y.SD.Spec}
	for _, step := range []string{"first", "quarter", "half"} {
		y.Until("v2 holds "+step, stage.Holding(step))
		y.Reapply(git.DeepCopy(), v1alpha1.GroupVersion.WithKind("SignalDeployment"))
		y.Reapply(stage.Route(y.Namespace), gatewayapi.Kind)
	}
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != first })
	got := routeOf(t, y)
	if diff := cmp.Diff(want.Spec, got.Spec); diff != "" || len(got.Annotations) != 0 {
		t.Errorf("the route is not as Git has it, annotations %v:\n%s", got.Annotations, diff)
	}
}

func routeOf(t *testing.T, y *stage.Story) *gatewayv1.HTTPRoute {
	t.Helper()
	route := &gatewayv1.HTTPRoute{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: stage.Name}, route); err != nil {
		t.Fatal(err)
	}
	return route
}
