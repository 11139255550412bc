package controllers

import (
	"context"
	"errors"

	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/analysis/profile"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/report"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/traffic/service"
	"github.com/signal-delivery/operator/internal/workload"
)

// apply makes the world as wanted; applying twice is applying once. Traffic
// comes first, and one part that cannot be had does not keep the others from
// being applied: a full disk must not hold a rollback.
func (r *SignalDeploymentReconciler) apply(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	return errors.Join(
		r.applyRoutes(ctx, sd, d, w),
		r.applyDrill(ctx, sd, d, w),
		r.applyPreview(ctx, sd, d, w),
		r.applyServices(ctx, sd, d, w),
		r.applyWorkloads(ctx, sd, d, w),
		r.applyArtifact(ctx, sd, d, w),
		r.applyGates(ctx, sd, d, w),
		r.applyChecks(ctx, sd, d, w),
		r.applySplit(ctx, sd, d, w),
		r.applyLoad(ctx, sd, d, w),
		r.applyRules(ctx, sd, d, w),
		r.applyDashboard(ctx, sd, d, w),
		r.applyReport(ctx, sd, d, w),
		r.applyLeave(ctx, sd, d, w),
	)
}

// applyRoutes moves the weight.
func (r *SignalDeploymentReconciler) applyRoutes(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	want := d.Want
	switch {
	case want.HoldWeight || r.Router == nil || len(want.Routes) == 0:
		return nil
	case want.Weight == 0 && !w.Route.Sibling:
		return nil
	case want.Weight == 0:
		return r.Router.Rest(ctx, sd, want.Routes)
	}
	return r.Router.Write(ctx, sd, want.Routes, want.Weight)
}

// applyServices points the Services at the releases that they are to select.
func (r *SignalDeploymentReconciler) applyServices(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, _ *world) error {
	if !sd.DeletionTimestamp.IsZero() {
		return nil
	}
	return errors.Join(
		service.ApplyStable(ctx, r, sd, d.Want.Stable),
		service.ApplyCanary(ctx, r, sd, d.Want.Canary),
	)
}

// applyWorkloads starts, scales and retires the pods of releases.
func (r *SignalDeploymentReconciler) applyWorkloads(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	var problems []error
	if start := d.Want.Start; start != nil && start.Asked == w.Asked { // else the template at hand is not the release's
		problems = append(problems, workload.Start(ctx, r, sd, *start, w.inputs, d.Want.Replicas[start.Hash]))
	}
	for _, rel := range d.Want.Restore {
		problems = append(problems, workload.Restore(ctx, r, sd, rel, w.inputs))
	}
	for _, rel := range d.Want.Mend {
		problems = append(problems, workload.Mend(ctx, r, sd, rel, d.Want.Replicas[rel.Hash]))
	}
	for hash, replicas := range d.Want.Replicas {
		problems = append(problems, workload.Scale(ctx, r, sd, hash, replicas))
	}
	if stable := d.Next.Stable; stable != nil && sd.DeletionTimestamp.IsZero() {
		problems = append(problems, workload.Protect(ctx, r, sd, stable.Hash))
	}
	if d.Want.Keep != nil {
		problems = append(problems, workload.Retire(ctx, r, sd, set(d.Want.Keep)))
	}
	return errors.Join(problems...)
}

// applyRules publishes the alert rules.
func (r *SignalDeploymentReconciler) applyRules(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	if !r.RulesPublished || w.Asked == "" || !sd.DeletionTimestamp.IsZero() || d.Next.Candidate == nil {
		return nil
	}
	return alert.Publish(ctx, r, sd, w.published, r.RuleLabels)
}

// applyReport writes the report of an ended attempt, and lets old ones go.
func (r *SignalDeploymentReconciler) applyReport(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, _ *world) error {
	if !d.Want.Report {
		return nil
	}
	made := report.Make(reportInput(sd, d.Next))
	return errors.Join(
		writeReport(ctx, r, sd, *d.Next.Candidate, made),
		retireReports(ctx, r, sd, keptArchives(sd, d.Next)),
	)
}

func reportInput(sd *v1alpha1.SignalDeployment, next v1alpha1.SignalDeploymentStatus) report.Input {
	return report.Input{
		Namespace: sd.Namespace, Name: sd.Name, Environment: release.Environment(sd),
		Release: *next.Candidate, Stable: next.Stable, Rollout: next.Rollout, Drill: next.Drill,
		Measured: profile.Facts(profileSubject(sd, next), next.Rollout),
	}
}

// keptArchives are the reports of the attempts that history reaches back to.
func keptArchives(sd *v1alpha1.SignalDeployment, next v1alpha1.SignalDeploymentStatus) map[string]bool {
	limit := 10
	if sd.Spec.Report.HistoryLimit != nil {
		limit = int(*sd.Spec.Report.HistoryLimit)
	}
	keep := map[string]bool{}
	for _, ended := range next.History[:min(limit, len(next.History))] {
		keep[release.ArchiveName(sd.Name, ended.Release)] = true
	}
	return keep
}

// applyLeave lets the object go once its routes are at rest.
func (r *SignalDeploymentReconciler) applyLeave(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, _ *world) error {
	if !d.Want.Leave || !controllerutil.ContainsFinalizer(sd, v1alpha1.Finalizer) {
		return nil
	}
	before := sd.DeepCopy()
	controllerutil.RemoveFinalizer(sd, v1alpha1.Finalizer)
	return r.patch(ctx, sd, before)
}

func set(names []string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, name := range names {
		out[name] = true
	}
	return out
}
