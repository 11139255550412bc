package controllers

import (
	"context"
	"fmt"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/check"
	"github.com/signal-delivery/operator/internal/prober/leaks"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// readLeaks reads which fake secrets were found, and where.
func (r *SignalDeploymentReconciler) readLeaks(ctx context.Context, sd *v1alpha1.SignalDeployment) ([]verdict.Verdict, error) {
	return check.ReadLeaks(ctx, r, sd, *sd.Status.Candidate)
}

// startLeaks starts the check of leaks once for each attempt.
func (r *SignalDeploymentReconciler) startLeaks(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	sides := check.Sides{Canary: w.services.Address, Host: release.StableName(sd.Name) + "." + sd.Namespace + ".svc"}
	return check.EnsureLeaks(ctx, r, sd, *d.Next.Candidate, sides, r.ProberImage)
}

// leaksProblem is the first problem of the check of leaks that the schema
// cannot see.
func leaksProblem(sd *v1alpha1.SignalDeployment) error {
	if sd.Spec.Checks.Leaks == nil {
		return nil
	}
	if err := leaks.Validate(*sd.Spec.Checks.Leaks); err != nil {
		return fmt.Errorf("spec.checks.leaks.%w", err)
	}
	return nil
}
