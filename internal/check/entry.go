package check

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Entry tells a Job where clients reach the service; nothing where
// spec.traffic.entry does not say.
func Entry(sd *v1alpha1.SignalDeployment) []corev1.EnvVar {
	entry := sd.Spec.Traffic.Entry
	if entry == nil {
		return nil
	}
	return []corev1.EnvVar{
		{Name: "SIGNAL_ENTRY_URL", Value: entry.URL},
		{Name: "SIGNAL_ENTRY_ADDRESS", Value: entry.Address},
	}
}
