package controllers

import (
	"context"
	"errors"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/check"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/traffic/service"
	"github.com/signal-delivery/operator/internal/verdict"
)

// observePreview reads whether requests that name the candidate reach it, while
// something waits for that, and whether there is anything to be taken away.
func (r *SignalDeploymentReconciler) observePreview(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	if r.Router == nil {
		return nil
	}
	hash := ""
	if sd.Status.Rollout.Phase == v1alpha1.PhaseChecking && release.Previewed(&sd.Spec) {
		hash = sd.Status.Candidate.Hash
	}
	reading, err := r.Router.ReadPreview(ctx, sd, sd.Status.Rollout.Plan.Routes, hash)
	w.Preview = rollout.Preview(reading)
	return err
}

// applyPreview lets requests that name the candidate reach it, and no longer
// than that is wanted.
func (r *SignalDeploymentReconciler) applyPreview(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	if r.Router == nil || d.Want.Preview == "" && !w.Preview.Present {
		return nil
	}
	return r.Router.Preview(ctx, sd, d.Next.Rollout.Plan.Routes, d.Want.Preview)
}

// stageProblem is the first stage that a check cannot be run at.
func stageProblem(sd *v1alpha1.SignalDeployment) error { return check.Validate(sd) }

// readSmoke reads what each smoke check says of the candidate before it takes
// traffic.
func (r *SignalDeploymentReconciler) readSmoke(ctx context.Context, sd *v1alpha1.SignalDeployment) ([]verdict.Verdict, error) {
	return check.Read(ctx, r, sd, *sd.Status.Candidate, v1alpha1.StageCandidate, v1alpha1.StageGateway)
}

// startSmoke starts each smoke check once: those through the Gateway when that
// leads to the candidate.
func (r *SignalDeploymentReconciler) startSmoke(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	first := check.Ensure(ctx, r, sd, *d.Next.Candidate, target(sd, v1alpha1.StageCandidate, w.services), r.ProberImage)
	if !release.Previewed(&sd.Spec) || w.Preview.Verdict.Outcome != verdict.Passed {
		return first
	}
	return errors.Join(first, check.Ensure(ctx, r, sd, *d.Next.Candidate, target(sd, v1alpha1.StageGateway, w.services), r.ProberImage))
}

// readSmokeAfter reads what each smoke check says of a candidate that serves
// all.
func (r *SignalDeploymentReconciler) readSmokeAfter(ctx context.Context, sd *v1alpha1.SignalDeployment) ([]verdict.Verdict, error) {
	return check.Read(ctx, r, sd, *sd.Status.Candidate, v1alpha1.StageAfterCutover)
}

// startSmokeAfter starts each smoke check that is to go the way of clients.
func (r *SignalDeploymentReconciler) startSmokeAfter(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	return check.Ensure(ctx, r, sd, *d.Next.Candidate, target(sd, v1alpha1.StageAfterCutover, w.services), r.ProberImage)
}

// target is where checks of a stage go: once the candidate serves all, the way
// of clients as far as that is known.
func target(sd *v1alpha1.SignalDeployment, stage v1alpha1.CheckStage, s service.Selection) check.Target {
	at := check.Target{Stage: stage, Address: s.Address, Host: release.CanaryName(sd.Name) + "." + sd.Namespace + ".svc"}
	if stage == v1alpha1.StageAfterCutover {
		at.Address, at.Host = s.StableAddress, release.StableName(sd.Name)+"."+sd.Namespace+".svc"
	}
	at.Entry = stage != v1alpha1.StageCandidate && sd.Spec.Traffic.Entry != nil
	return at
}

// readSecurityAfter reads what the security checks found once the candidate
// serves all.
func (r *SignalDeploymentReconciler) readSecurityAfter(ctx context.Context, sd *v1alpha1.SignalDeployment) ([]verdict.Verdict, error) {
	return check.ReadSecurityAfter(ctx, r, sd, *sd.Status.Candidate)
}

// startSecurityAfter starts the security checks once more, the way of clients.
func (r *SignalDeploymentReconciler) startSecurityAfter(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	sides := check.Sides{Canary: w.services.Address, Stable: w.services.StableAddress, Host: release.StableName(sd.Name) + "." + sd.Namespace + ".svc"}
	return check.EnsureSecurityAfter(ctx, r, sd, *d.Next.Candidate, sides, r.ProberImage)
}
