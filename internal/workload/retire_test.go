package workload

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

func configCopy(hash string) *corev1.ConfigMap {
	config := Copies(deployment(), hash, release.Configs{"settings": {}})[0]
	own(config)
	return config
}

func manifestOf(hash string, attempt int32) *corev1.ConfigMap {
	manifest := Manifest(deployment(), v1alpha1.Release{Hash: hash, Attempt: attempt}, release.Inputs{})
	own(manifest)
	return manifest
}

func TestRetire(t *testing.T) {
	gone := appsv1.DeploymentStatus{ObservedGeneration: 2}
	busy := appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1}
	foreign, foreignConfig := running("f0", 0, gone), configCopy("f0")
	foreign.OwnerReferences, foreignConfig.OwnerReferences = nil, nil
	report := configCopy("a0")
	report.Name = "app-report-a0"
	objects := []client.Object{
		running("a0", 0, gone), configCopy("a0"), report,
		running("b0", 0, gone), configCopy("b0"), // kept
		running("c0", 1, busy), configCopy("c0"), // serves
		running("d0", 0, busy), configCopy("d0"), // scaled down, its last pod is going
		running("e0", 1, gone), configCopy("e0"), // never got a pod
		running("e1", 1, appsv1.DeploymentStatus{ObservedGeneration: 1}), configCopy("e1"), // may get some
		foreign, foreignConfig,
		configCopy("g0"), // its Deployment went before
		manifestOf("a0", 1), manifestOf("a0", 2), manifestOf("b0", 1),
	}
	c := fake.NewClientBuilder().WithObjects(objects...).Build()
	for range 2 { // twice is once
		if err := Retire(t.Context(), c, deployment(), map[string]bool{"b0": true}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"app-b0", "app-c0", "app-e1", "app-f0",
		"app-b0-settings", "app-c0-settings", "app-e1-settings", "app-f0-settings", "app-manifest-b0", "app-report-a0",
	}
	if diff := cmp.Diff(want, names(t, c)); diff != "" {
		t.Errorf("what stays (-want +got):\n%s", diff)
	}
}

func TestRetireDeletesWhatItRead(t *testing.T) {
	old := running("a0", 0, appsv1.DeploymentStatus{})
	old.UID = "u7"
	var got []client.DeleteOptions
	c := interceptor.NewClient(fake.NewClientBuilder().WithObjects(old).Build(), interceptor.Funcs{
		Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
			options := client.DeleteOptions{}
			got = append(got, *options.ApplyOptions(opts))
			if err := c.Delete(ctx, object); err != nil { // someone is faster
				return err
			}
			return c.Delete(ctx, object, opts...)
		},
	})
	if err := Retire(t.Context(), c, deployment(), nil); err != nil {
		t.Fatalf("Retire of what is gone: %v", err)
	}
	want := []client.DeleteOptions{{
		Preconditions:     &metav1.Preconditions{UID: new(types.UID("u7"))},
		PropagationPolicy: new(metav1.DeletePropagationBackground),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}
