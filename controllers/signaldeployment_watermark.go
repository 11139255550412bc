package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/check"
	proof "github.com/signal-delivery/operator/internal/prober/watermark"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// readWatermark reads whether all answers were the candidate's.
func (r *SignalDeploymentReconciler) readWatermark(ctx context.Context, sd *v1alpha1.SignalDeployment) ([]verdict.Verdict, error) {
	return r.readProof(ctx, sd, check.Candidate(sd, *sd.Status.Candidate, check.Sides{}))
}

// startWatermark starts what asks the candidate itself, once for each attempt.
func (r *SignalDeploymentReconciler) startWatermark(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	sides := check.Sides{Canary: w.services.Address, Host: release.StableName(sd.Name) + "." + sd.Namespace + ".svc"}
	return check.Candidate(sd, *d.Next.Candidate, sides).Ensure(ctx, r, sd, *d.Next.Candidate, r.ProberImage)
}

// readWatermarkAfter reads whether all answers at the entry were the
// candidate's.
func (r *SignalDeploymentReconciler) readWatermarkAfter(ctx context.Context, sd *v1alpha1.SignalDeployment) ([]verdict.Verdict, error) {
	return r.readProof(ctx, sd, check.AtEntry(sd, *sd.Status.Candidate))
}

// startWatermarkAfter starts what asks at the entry, once for each attempt.
func (r *SignalDeploymentReconciler) startWatermarkAfter(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, _ *world) error {
	return check.AtEntry(sd, *d.Next.Candidate).Ensure(ctx, r, sd, *d.Next.Candidate, r.ProberImage)
}

func (r *SignalDeploymentReconciler) readProof(ctx context.Context, sd *v1alpha1.SignalDeployment, p check.Proof) ([]verdict.Verdict, error) {
	v, err := p.Read(ctx, r, sd, *sd.Status.Candidate)
	if err != nil {
		return nil, err
	}
	return []verdict.Verdict{v}, nil
}

// observeSplit reads how the step splits the traffic, once that is being
// measured.
func (r *SignalDeploymentReconciler) observeSplit(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) (err error) {
	m, stable := sd.Status.Rollout, sd.Status.Stable
	if m.Phase != v1alpha1.PhaseProgressing || m.HeldSinceTime.IsZero() || stable == nil || !release.SplitMeasured(&sd.Spec) || int(m.Step) >= len(m.Plan.Steps) {
		return nil
	}
	w.Split, err = check.Split(sd, *sd.Status.Candidate, m.Plan, m.Step, *stable).Read(ctx, r, sd, *sd.Status.Candidate)
	return err
}

// analysed is what the metrics, the objectives and the split say.
func (w *world) analysed() []verdict.Verdict {
	all := slices.Concat(w.Metrics, w.SLOs)
	if w.Split.Reason != "" {
		all = append(all, w.Split)
	}
	return all
}

// applySplit measures how the step splits the traffic, once for each.
func (r *SignalDeploymentReconciler) applySplit(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, _ *world) error {
	if !d.Want.Split {
		return nil
	}
	m := d.Next.Rollout
	return check.Split(sd, *d.Next.Candidate, m.Plan, m.Step, *d.Next.Stable).Ensure(ctx, r, sd, *d.Next.Candidate, r.ProberImage)
}

// watermarkProblem is the first problem of watermarks that the schema cannot
// see.
func watermarkProblem(sd *v1alpha1.SignalDeployment) error {
	spec := sd.Spec.Checks.Watermark
	if spec == nil {
		return nil
	}
	known := slices.ContainsFunc(sd.Spec.Service.Ports, func(p v1alpha1.ServicePort) bool { return p.Name == spec.Port })
	switch {
	case spec.Port != "" && !known:
		return fmt.Errorf("spec.checks.watermark.port: spec.service.ports has no port named %q", spec.Port)
	case spec.SplitRequests > 0 && sd.Spec.Traffic.Entry == nil:
		return errors.New("spec.checks.watermark.splitRequests: needs spec.traffic.entry, which says where they are to be sent")
	}
	if err := proof.Validate(*spec); err != nil {
		return fmt.Errorf("spec.checks.watermark.%w", err)
	}
	return nil
}
