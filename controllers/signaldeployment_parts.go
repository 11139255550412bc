package controllers

import (
	"context"
	"errors"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/check"
	"github.com/signal-delivery/operator/internal/check/critical"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// part is how a part of the validation is read, and started once for each
// attempt.
type part struct {
	read  func(*SignalDeploymentReconciler, context.Context, *v1alpha1.SignalDeployment) ([]verdict.Verdict, error)
	start func(*SignalDeploymentReconciler, context.Context, *v1alpha1.SignalDeployment, rollout.Decision, *world) error
}

// checks are the parts before the candidate takes traffic.
var checks = map[rollout.Part]part{
	rollout.PartSmoke:    {(*SignalDeploymentReconciler).readSmoke, (*SignalDeploymentReconciler).startSmoke},
	rollout.PartSecurity: {(*SignalDeploymentReconciler).readSecurity, (*SignalDeploymentReconciler).startSecurity},
	rollout.PartLeaks:    {(*SignalDeploymentReconciler).readLeaks, (*SignalDeploymentReconciler).startLeaks},
	rollout.PartLoad:     {(*SignalDeploymentReconciler).readLoadTest, (*SignalDeploymentReconciler).startLoadTest},

	rollout.PartWatermark: {(*SignalDeploymentReconciler).readWatermark, (*SignalDeploymentReconciler).startWatermark},
}

// checksAfter are the parts once the candidate serves all.
var checksAfter = map[rollout.Part]part{
	rollout.PartSmoke:     {(*SignalDeploymentReconciler).readSmokeAfter, (*SignalDeploymentReconciler).startSmokeAfter},
	rollout.PartWatermark: {(*SignalDeploymentReconciler).readWatermarkAfter, (*SignalDeploymentReconciler).startWatermarkAfter},
	rollout.PartSecurity:  {(*SignalDeploymentReconciler).readSecurityAfter, (*SignalDeploymentReconciler).startSecurityAfter},
}

// observeChecks reads what the parts say of the candidate.
func (r *SignalDeploymentReconciler) observeChecks(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) (err error) {
	w.Checks, err = r.readParts(ctx, sd, rollout.Parts(sd.Spec.Checks), checks)
	w.Critical = critical.Tell(sd.Spec.Checks, w.Checks[rollout.PartSmoke])
	return err
}

// observeAfter reads what the parts say of a candidate that serves all.
func (r *SignalDeploymentReconciler) observeAfter(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) (err error) {
	if sd.Status.Rollout.Phase == v1alpha1.PhaseVerifying {
		w.After, err = r.readParts(ctx, sd, rollout.PartsAfter(sd.Spec.Checks), checksAfter)
		w.Critical = critical.Heard(sd.Spec.Checks, w.After[rollout.PartSmoke])
	}
	return err
}

func (r *SignalDeploymentReconciler) readParts(ctx context.Context, sd *v1alpha1.SignalDeployment, asked []rollout.Asked, parts map[rollout.Part]part) (rollout.Checks, error) {
	said := rollout.Checks{}
	problems := make([]error, 0, len(asked))
	for _, a := range asked {
		verdicts, err := parts[a.Part].read(r, ctx, sd)
		said[a.Part], problems = verdicts, append(problems, err)
	}
	return said, errors.Join(problems...)
}

// checked is what the checks of the phase say.
func (w *world) checked(sd *v1alpha1.SignalDeployment) []verdict.Verdict {
	return append(w.Checks.Of(rollout.Parts(sd.Spec.Checks)), w.After.Of(rollout.PartsAfter(sd.Spec.Checks))...)
}

// applyChecks starts each part that the decision calls for. One that cannot be
// started does not keep the others from being.
func (r *SignalDeploymentReconciler) applyChecks(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	if d.Next.Candidate == nil || d.Next.Candidate.Asked != w.Asked || w.services.Address == "" {
		return nil
	}
	var problems []error
	if d.Want.Check {
		problems = append(problems, r.startParts(ctx, sd, d, w, rollout.Parts(sd.Spec.Checks), checks))
	}
	if d.Want.Verify {
		problems = append(problems, r.startParts(ctx, sd, d, w, rollout.PartsAfter(sd.Spec.Checks), checksAfter))
	}
	return errors.Join(problems...)
}

func (r *SignalDeploymentReconciler) startParts(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world, asked []rollout.Asked, parts map[rollout.Part]part) error {
	problems := make([]error, 0, len(asked))
	for _, a := range asked {
		problems = append(problems, parts[a.Part].start(r, ctx, sd, d, w))
	}
	return errors.Join(problems...)
}

// readSecurity reads what the security checks found.
func (r *SignalDeploymentReconciler) readSecurity(ctx context.Context, sd *v1alpha1.SignalDeployment) ([]verdict.Verdict, error) {
	return check.ReadSecurity(ctx, r, sd, *sd.Status.Candidate)
}
