package service

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// ours is a Service as the cluster has it.
func ours(service *corev1.Service, clusterIP string) *corev1.Service {
	service.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(deployment(), v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
	service.Spec.ClusterIP = clusterIP
	return service
}

func slice(service, name string, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "prod", Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		Endpoints:  endpoints,
	}
}

func endpoint(kind, name string, ready *bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{TargetRef: &corev1.ObjectReference{Kind: kind, Name: name}, Conditions: discoveryv1.EndpointConditions{Ready: ready}}
}

func TestRead(t *testing.T) {
	for name, tc := range map[string]struct {
		objects []client.Object
		want    Selection
	}{
		"nothing there": {},
		"both reach their releases": {
			[]client.Object{
				ours(Stable(deployment(), "aaa"), "10.0.0.1"), ours(Canary(deployment(), "bbb"), "10.0.0.2"),
				slice("app", "s1", endpoint("Pod", "app-aaa-1-x", new(true)), endpoint("Pod", "app-aaa-1-y", new(true))),
				slice("app-canary", "c1", endpoint("Pod", "app-bbb-1-x", nil)),
			},
			Selection{Stable: "aaa", Endpoints: 2, Canary: "bbb", CanaryEndpoints: 1, Address: "10.0.0.2", StableAddress: "10.0.0.1"},
		},
		"endpoints that lag behind the selector do not count": {
			[]client.Object{
				ours(Stable(deployment(), "bbb"), "10.0.0.1"),
				slice("app", "s1", endpoint("Pod", "app-aaa-1-x", new(true)), endpoint("Pod", "app-bbb-1-x", new(true)), endpoint("Pod", "app-bbb1-1-x", new(true))),
			},
			Selection{Stable: "bbb", Endpoints: 1, StableAddress: "10.0.0.1"},
		},
		"only ready pods count": {
			[]client.Object{
				ours(Stable(deployment(), "aaa"), "10.0.0.1"),
				slice("app", "s1", endpoint("Pod", "app-aaa-1-x", new(false)), endpoint("Node", "app-aaa-1-y", new(true)), discoveryv1.Endpoint{}),
			},
			Selection{Stable: "aaa", StableAddress: "10.0.0.1"},
		},
		"a pod with two addresses counts once": {
			[]client.Object{
				ours(Stable(deployment(), "aaa"), "10.0.0.1"),
				slice("app", "v4", endpoint("Pod", "app-aaa-1-x", new(true))), slice("app", "v6", endpoint("Pod", "app-aaa-1-x", new(true))),
			},
			Selection{Stable: "aaa", Endpoints: 1, StableAddress: "10.0.0.1"},
		},
		"each has endpoints of its own": {
			[]client.Object{
				ours(Stable(deployment(), "aaa"), "10.0.0.1"), ours(Canary(deployment(), "aaa"), "10.0.0.2"),
				slice("app-canary", "c1", endpoint("Pod", "app-aaa-1-x", new(true))),
			},
			Selection{Stable: "aaa", Canary: "aaa", CanaryEndpoints: 1, Address: "10.0.0.2", StableAddress: "10.0.0.1"},
		},
		"a foreign Service selects nothing of ours": {
			[]client.Object{Stable(deployment(), "aaa"), slice("app", "s1", endpoint("Pod", "app-aaa-1-x", new(true)))},
			Selection{},
		},
		"a canary without an address": {
			[]client.Object{ours(Canary(deployment(), "none"), corev1.ClusterIPNone)},
			Selection{Canary: "none"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := fake.NewClientBuilder().WithObjects(tc.objects...).Build()
			got, err := Read(t.Context(), c, deployment())
			if err != nil || got != tc.want {
				t.Errorf("Read = %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}
