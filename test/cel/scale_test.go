package cel_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// TestScale is what an autoscaler does: it reads how many pods there are and
// which they are, and sets how many there shall be.
func TestScale(t *testing.T) {
	t.Parallel()
	u := another(t, "scale")
	create(t, u)
	u.Object["status"] = map[string]any{
		"observedGeneration": int64(1), "weight": int64(0), "replicas": int64(3), "readyReplicas": int64(2),
		"selector": "delivery.signal.dev/name=scale",
	}
	if err := apiserver.Status().Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}

	scaled := &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: u.GetNamespace(), Name: u.GetName()}}
	scale := &autoscalingv1.Scale{}
	if err := apiserver.SubResource("scale").Get(t.Context(), scaled, scale); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(autoscalingv1.ScaleSpec{Replicas: 1}, scale.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(autoscalingv1.ScaleStatus{Replicas: 3, Selector: "delivery.signal.dev/name=scale"}, scale.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}

	scale.Spec.Replicas = 5
	if err := apiserver.SubResource("scale").Update(t.Context(), scaled, client.WithSubResourceBody(scale)); err != nil {
		t.Fatal(err)
	}
	if err := apiserver.Get(t.Context(), client.ObjectKeyFromObject(u), scaled); err != nil {
		t.Fatal(err)
	}
	if got := *scaled.Spec.Replicas; got != 5 {
		t.Errorf("spec.replicas = %d after scaling; want 5", got)
	}

	scale.Spec.Replicas = 10001
	scale.ResourceVersion = ""
	err := apiserver.SubResource("scale").Update(t.Context(), scaled, client.WithSubResourceBody(scale))
	wantError(t, err, "spec.replicas in body should be less than or equal to 10000")
}
