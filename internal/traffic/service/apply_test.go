package service

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
)

// running is a Service that someone else has made and clients know.
func running(annotations map[string]string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "prod", Annotations: annotations},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeNodePort, ClusterIP: "10.0.0.7", ClusterIPs: []string{"10.0.0.7"},
			Selector: map[string]string{"app": "app"},
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("web"), Protocol: corev1.ProtocolTCP, NodePort: 30080}},
		},
	}
}

func TestAnAdoptedServiceKeepsItsAddresses(t *testing.T) {
	sd := deployment()
	sd.Spec.Service.Ports = sd.Spec.Service.Ports[:1]
	c := fake.NewClientBuilder().WithObjects(running(map[string]string{v1alpha1.AnnotationAdopt: "app"})).Build()
	if err := ApplyStable(t.Context(), c, sd, "aaa"); err != nil {
		t.Fatal(err)
	}
	var got corev1.Service
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: "app"}, &got); err != nil {
		t.Fatal(err)
	}
	want := running(nil).Spec
	want.Selector = map[string]string{"delivery.signal.dev/name": "app", "delivery.signal.dev/release": "aaa"}
	want.Ports[0].AppProtocol = new("kubernetes.io/h2c")
	if diff := cmp.Diff(want, got.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if !owned.Owns(sd, &got) {
		t.Error("the Service was not taken over")
	}
}

func TestAForeignServiceIsLeftAlone(t *testing.T) {
	before := running(nil)
	c := fake.NewClientBuilder().WithObjects(before.DeepCopy()).Build()
	err := ApplyStable(t.Context(), c, deployment(), "aaa")
	if foreign := new(owned.ForeignError); !errors.As(err, &foreign) {
		t.Errorf("Apply = %v, want a ForeignError", err)
	}
	var got corev1.Service
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: "app"}, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Spec, got.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

func TestTheCanaryServiceFollowsTheCandidate(t *testing.T) {
	c := fake.NewClientBuilder().Build()
	for _, hash := range []string{"aaa", "bbb"} {
		if err := ApplyCanary(t.Context(), c, deployment(), hash); err != nil {
			t.Fatal(err)
		}
		got, err := Read(t.Context(), c, deployment())
		if want := (Selection{Canary: hash}); err != nil || got != want {
			t.Errorf("Read = %+v, %v; want %+v", got, err, want)
		}
	}
}
