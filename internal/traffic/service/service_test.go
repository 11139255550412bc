package service

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func deployment() *v1alpha1.SignalDeployment {
	return &v1alpha1.SignalDeployment{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "prod", UID: "u1"},
		Spec: v1alpha1.SignalDeploymentSpec{Service: v1alpha1.ServiceSpec{Ports: []v1alpha1.ServicePort{
			{Name: "http", Port: 80, TargetPort: new(intstr.FromString("web")), AppProtocol: new("kubernetes.io/h2c")},
			{Name: "dns", Port: 53, Protocol: "UDP"},
		}}},
	}
}

func TestBuild(t *testing.T) {
	want := func(name, hash string) *corev1.Service {
		return &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: "prod",
				Labels: map[string]string{"delivery.signal.dev/name": "app", "app.kubernetes.io/managed-by": "signal-operator"},
			},
			Spec: corev1.ServiceSpec{
				Selector: map[string]string{"delivery.signal.dev/name": "app", "delivery.signal.dev/release": hash},
				Ports: []corev1.ServicePort{
					{Name: "http", Port: 80, TargetPort: intstr.FromString("web"), Protocol: corev1.ProtocolTCP, AppProtocol: new("kubernetes.io/h2c")},
					{Name: "dns", Port: 53, TargetPort: intstr.FromInt32(53), Protocol: corev1.ProtocolUDP},
				},
			},
		}
	}
	for name, tc := range map[string]struct{ got, want *corev1.Service }{
		"stable":           {Stable(deployment(), "aaa"), want("app", "aaa")},
		"before a release": {Stable(deployment(), v1alpha1.NoRelease), want("app", "none")},
		"canary":           {Canary(deployment(), "bbb"), want("app-canary", "bbb")},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
