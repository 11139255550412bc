package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

func TestCopies(t *testing.T) {
	configs := release.Configs{
		"settings": {ObjectMeta: metav1.ObjectMeta{Name: "settings", UID: "x", ResourceVersion: "9"}, Data: map[string]string{"a": "1"}},
		"certs":    {BinaryData: map[string][]byte{"b": {2}}},
	}
	labels := map[string]string{v1alpha1.LabelName: "app", v1alpha1.LabelRelease: "aaa", "app.kubernetes.io/managed-by": "signal-operator"}
	want := []*corev1.ConfigMap{
		{ObjectMeta: metav1.ObjectMeta{Name: "app-aaa-certs", Namespace: "prod", Labels: labels}, Immutable: new(true), BinaryData: map[string][]byte{"b": {2}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "app-aaa-settings", Namespace: "prod", Labels: labels}, Immutable: new(true), Data: map[string]string{"a": "1"}},
	}
	got := Copies(deployment(), "aaa", configs)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got[1].Data["a"] = "2"
	if configs["settings"].Data["a"] != "1" {
		t.Error("a copy shares its data with what it was copied from")
	}
}

func TestProtectFollowsTheStableRelease(t *testing.T) {
	c := fake.NewClientBuilder().Build()
	for _, hash := range []string{"aaa", "bbb"} {
		if err := Protect(t.Context(), c, deployment(), hash); err != nil {
			t.Fatal(err)
		}
		var got policyv1.PodDisruptionBudget
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: "app"}, &got); err != nil {
			t.Fatal(err)
		}
		want := policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             new(intstr.FromInt32(1)),
			Selector:                   &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.LabelName: "app", v1alpha1.LabelRelease: hash}},
			UnhealthyPodEvictionPolicy: new(policyv1.AlwaysAllow),
		}
		if diff := cmp.Diff(want, got.Spec); diff != "" {
			t.Errorf("spec (-want +got):\n%s", diff)
		}
	}
}
