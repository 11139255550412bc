package controllers

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis/profile"
)

// profileTime is how long a release waits at most to be measured.
const profileTime = 2 * time.Second

// profile measures the phases and steps that end with what is decided: it is
// remembered together with that, so that no write is needed for it.
func (r *SignalDeploymentReconciler) profile(ctx context.Context, sd *v1alpha1.SignalDeployment, next *v1alpha1.SignalDeploymentStatus) {
	ended := profile.Ended(sd.Status.Rollout, next.Rollout)
	if len(ended) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, profileTime)
	defer cancel()
	source := r.BuiltIn.Past(client.ObjectKeyFromObject(sd))
	for _, pair := range ended {
		p, anomalies := profile.Measure(ctx, source, profileSubject(sd, sd.Status), pair)
		profile.Keep(&next.Rollout, p, anomalies)
	}
}

// profileSubject is the release that is measured: as it was, since what was
// the candidate may be the stable release next.
func profileSubject(sd *v1alpha1.SignalDeployment, was v1alpha1.SignalDeploymentStatus) profile.Subject {
	s := profile.Subject{Namespace: sd.Namespace, Name: sd.Name, Interval: interval(sd)}
	if was.Candidate != nil {
		s.Candidate = was.Candidate.Hash
	}
	if was.Stable != nil {
		s.Stable = was.Stable.Hash
	}
	return s
}
