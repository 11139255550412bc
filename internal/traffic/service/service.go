// Package service spells out the two Services of a SignalDeployment, and says
// which release each of them reaches. It decides for neither.
package service

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// Stable is the Service that users reach, selecting the release of that hash;
// v1alpha1.NoRelease selects nothing.
func Stable(sd *v1alpha1.SignalDeployment, hash string) *corev1.Service {
	return build(sd, release.StableName(sd.Name), hash)
}

// Canary is the Service that takes a share of the traffic by the weights of
// routes, selecting the release of that hash.
func Canary(sd *v1alpha1.SignalDeployment, hash string) *corev1.Service {
	return build(sd, release.CanaryName(sd.Name), hash)
}

// ApplyStable makes the stable Service select the release of that hash. A
// foreign one is an owned.ForeignError unless it has been handed over; then its
// selector, labels and ports become ours in one write, and everything else
// stays as it was. v1alpha1.NoRelease makes a Service that selects nothing
// where there is none, and leaves alone what is there: one that was handed over
// serves until there is a release to select.
func ApplyStable(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, hash string) error {
	if hash == v1alpha1.NoRelease {
		return owned.Create(ctx, c, sd, Stable(sd, hash))
	}
	return owned.Apply(ctx, c, sd, Stable(sd, hash))
}

// ApplyCanary makes the canary Service select the release of that hash.
func ApplyCanary(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, hash string) error {
	return owned.Apply(ctx, c, sd, Canary(sd, hash))
}

// build leaves the type, the addresses and the node ports out: the server's
// default is a cluster IP, and a Service that was handed over keeps what its
// clients know it by.
func build(sd *v1alpha1.SignalDeployment, name, hash string) *corev1.Service {
	ports := make([]corev1.ServicePort, 0, len(sd.Spec.Service.Ports))
	for _, p := range sd.Spec.Service.Ports {
		ports = append(ports, port(p))
	}
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: sd.Namespace, Labels: release.Labels(sd.Name)},
		Spec:       corev1.ServiceSpec{Selector: release.Selector(sd.Name, hash), Ports: ports},
	}
}

// port is a port with its defaults filled in, so that what was applied is what
// is read back.
func port(p v1alpha1.ServicePort) corev1.ServicePort {
	out := corev1.ServicePort{
		Name: p.Name, Port: p.Port, TargetPort: intstr.FromInt32(p.Port),
		Protocol: corev1.ProtocolTCP, AppProtocol: p.AppProtocol,
	}
	if p.TargetPort != nil {
		out.TargetPort = *p.TargetPort
	}
	if p.Protocol != "" {
		out.Protocol = corev1.Protocol(p.Protocol)
	}
	return out
}
