package controllers

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
)

// eventAction is what the operator does when it records an event.
const eventAction = "Release"

// tell records what has happened, after it has been remembered.
func (r *SignalDeploymentReconciler) tell(sd *v1alpha1.SignalDeployment, events []rollout.Event) {
	for _, e := range events {
		kind := corev1.EventTypeNormal
		if e.Warning {
			kind = corev1.EventTypeWarning
		}
		r.Recorder.Eventf(sd, nil, kind, e.Reason, eventAction, "%s", e.Message)
	}
}
