package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/check"
	"github.com/signal-delivery/operator/internal/prober/load"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
)

// refusal is why the Job of an attempt's background load could not be made, and
// until when that is not tried again.
type refusal struct {
	attempt string
	cause   error
	until   time.Time
}

// refusedTime is how long a refusal is taken for an answer.
const refusedTime = 30 * time.Second

// observeLoad reads what became of background load, for the report.
func (r *SignalDeploymentReconciler) observeLoad(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) (err error) {
	c := sd.Status.Candidate
	if sd.Spec.Checks.Load.Background == nil || c == nil || c.Hash == "" || !sd.Status.Rollout.EndTime.IsZero() {
		return nil
	}
	w.Load, err = check.ReadBackground(ctx, r, sd, *c)
	refused := r.minds.of(client.ObjectKeyFromObject(sd)).refused
	if err == nil && w.Load.Reason == "" && refused.attempt == c.ID {
		w.Load = check.RefusedBackground(refused.cause)
	}
	return err
}

// applyLoad starts background load once for each attempt. That it cannot be
// started is told, and holds nothing else.
func (r *SignalDeploymentReconciler) applyLoad(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error { //nolint:unparam // one part of apply
	if !d.Want.Load || d.Next.Candidate.Asked != w.Asked || w.services.Address == "" {
		return nil
	}
	refused, attempt, now := r.minds.of(client.ObjectKeyFromObject(sd)).refused, d.Next.Candidate.ID, r.Clock.Now()
	if refused.attempt == attempt && now.Before(refused.until) {
		return nil
	}
	sides := check.Sides{Canary: w.services.Address, Host: release.StableName(sd.Name) + "." + sd.Namespace + ".svc"}
	if stable := d.Next.Stable; stable != nil && stable.Hash != d.Next.Candidate.Hash {
		sides.Stable = w.services.StableAddress
	}
	err := check.EnsureBackground(ctx, r, sd, *d.Next.Candidate, d.Next.Rollout.Plan, sides, r.ProberImage)
	if err == nil {
		*refused = refusal{}
		return nil
	}
	if refused.attempt != attempt || refused.cause.Error() != err.Error() {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot start background load", "release", attempt)
	}
	*refused = refusal{attempt: attempt, cause: err, until: now.Add(refusedTime)}
	return nil
}

// loadProblem is the first problem of background load that the schema cannot
// see.
func loadProblem(sd *v1alpha1.SignalDeployment) error {
	spec := sd.Spec.Checks.Load.Background
	if spec == nil {
		return nil
	}
	known := slices.ContainsFunc(sd.Spec.Service.Ports, func(p v1alpha1.ServicePort) bool { return p.Name == spec.Port })
	if spec.Port != "" && !known {
		return fmt.Errorf("spec.checks.load.background.port: spec.service.ports has no port named %q", spec.Port)
	}
	if err := load.Validate(*spec); err != nil {
		return fmt.Errorf("spec.checks.load.background.%w", err)
	}
	return nil
}
