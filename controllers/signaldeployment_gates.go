package controllers

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/gate"
)

// gatesEvery is how often gates are asked again that say neither when they open
// nor that they have: more than often enough for what may take days.
const gatesEvery = 10 * time.Second

// observeGates asks whether the release may start.
func (r *SignalDeploymentReconciler) observeGates(sd *v1alpha1.SignalDeployment, w *world) {
	verdicts, opens := gate.Judge(sd.Spec.Gates, gate.Facts{Now: r.Clock.Now()})
	w.Gates, w.Opens = verdicts, metav1.NewTime(opens)
}

// gated reports whether the release still waits for its gates.
func gated(sd *v1alpha1.SignalDeployment) bool {
	return sd.Status.Rollout.Phase == v1alpha1.PhaseGating && len(sd.Spec.Gates) > 0
}
