package controllers

import (
	"context"
	"fmt"
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/check"
	"github.com/signal-delivery/operator/internal/loadtest"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// readLoadTest reads what the load test came to.
func (r *SignalDeploymentReconciler) readLoadTest(ctx context.Context, sd *v1alpha1.SignalDeployment) ([]verdict.Verdict, error) {
	verdicts, _, err := check.ReadLoadTest(ctx, r, sd, *sd.Status.Candidate)
	return verdicts, err
}

// observeMeasured reads what is to be remembered of a load test that has
// passed.
func (r *SignalDeploymentReconciler) observeMeasured(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) (err error) {
	if said := w.Checks[rollout.PartLoad]; len(said) > 0 && said[0].Outcome == verdict.Passed {
		_, w.Measured, err = check.ReadLoadTest(ctx, r, sd, *sd.Status.Candidate)
	}
	return err
}

// startLoadTest starts the workers of the load test once for each attempt.
func (r *SignalDeploymentReconciler) startLoadTest(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	sides := check.Sides{Canary: w.services.Address, Host: release.StableName(sd.Name) + "." + sd.Namespace + ".svc"}
	return check.EnsureLoadTest(ctx, r, sd, *d.Next.Candidate, d.Next.Rollout.SinceTime.Time, sides, r.ProberImage)
}

// loadTestProblem is the first problem of the load test that the schema cannot
// see.
func loadTestProblem(sd *v1alpha1.SignalDeployment) error {
	spec := sd.Spec.Checks.Load.Test
	if spec == nil {
		return nil
	}
	known := slices.ContainsFunc(sd.Spec.Service.Ports, func(p v1alpha1.ServicePort) bool { return p.Name == spec.Port })
	if spec.Port != "" && !known {
		return fmt.Errorf("spec.checks.load.test.port: spec.service.ports has no port named %q", spec.Port)
	}
	if err := loadtest.Validate(*spec); err != nil {
		return fmt.Errorf("spec.checks.load.test.%w", err)
	}
	return nil
}
