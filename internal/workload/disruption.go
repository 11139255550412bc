package workload

import (
	"context"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// Disruption lets nodes be drained of the stable release's pods one at a time.
// It bounds what is missing rather than what is there, so that it follows the
// number of replicas by itself, and never holds a node forever: not with a
// single replica, and, by AlwaysAllow, not with pods that are broken anyway.
func Disruption(sd *v1alpha1.SignalDeployment, hash string) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: sd.Name, Namespace: sd.Namespace, Labels: release.Labels(sd.Name)},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             new(intstr.FromInt32(1)),
			Selector:                   &metav1.LabelSelector{MatchLabels: release.Selector(sd.Name, hash)},
			UnhealthyPodEvictionPolicy: new(policyv1.AlwaysAllow),
		},
	}
}

// Protect makes the disruption budget cover the release of that hash.
func Protect(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, hash string) error {
	return owned.Apply(ctx, c, sd, Disruption(sd, hash))
}
