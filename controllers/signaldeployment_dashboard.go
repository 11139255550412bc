package controllers

import (
	"context"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/dashboard"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// delivery is what this process has seen of a dashboard's way. After a restart
// it is not known how long an import took, and nothing is said of it.
type delivery struct {
	start          time.Time // of the release that the rest is about
	handed, landed time.Time
	problem        error // that kept it from being written
}

// observeDashboard says whether the dashboard has arrived, while a release is
// under way.
func (r *SignalDeploymentReconciler) observeDashboard(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	if sd.Spec.Dashboard == nil || !underWay(sd.Status) {
		return nil
	}
	v, err := dashboard.Read(ctx, r, sd, *sd.Status.Candidate, r.dashboards())
	if err != nil {
		return err
	}
	seen, now := r.deliveryOf(sd), r.Clock.Now()
	switch {
	case v.Reason == dashboard.ReasonUndelivered && seen.problem != nil:
		v = dashboard.Problem(seen.problem)
	case v.Reason == dashboard.ReasonImported:
		if seen.landed.IsZero() {
			seen.landed = now
		}
		now = seen.landed
	}
	if timed(sd) && !seen.handed.IsZero() {
		v = dashboard.Timed(v, now.Sub(seen.handed), sd.Spec.Dashboard)
	}
	if v.Evidence != nil {
		v.Evidence.Time.Time = r.Clock.Now().UTC().Truncate(time.Second)
	}
	w.Dashboard = v
	return nil
}

// applyDashboard hands the dashboard over. That it cannot be holds up nothing,
// not even the next look at a release under way: it is told with the release.
func (r *SignalDeploymentReconciler) applyDashboard(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	if w.Asked == "" || !sd.DeletionTimestamp.IsZero() || d.Next.Candidate == nil {
		return nil
	}
	seen := r.deliveryOf(sd)
	if timed(sd) && underWay(d.Next) {
		if v, err := dashboard.Read(ctx, r, sd, *d.Next.Candidate, r.dashboards()); err == nil && v.Reason == dashboard.ReasonUndelivered {
			seen.handed, seen.landed = r.Clock.Now(), time.Time{} // it is written now
		}
	}
	was := seen.problem
	seen.problem = dashboard.Deliver(ctx, r, sd, *d.Next.Candidate, underWay(d.Next), r.dashboards())
	switch {
	case seen.problem == nil:
		return nil
	case !underWay(d.Next) && dashboard.Problem(seen.problem).Outcome == verdict.Unknown:
		return seen.problem // nothing waits for another look, and one may help
	case was == nil || was.Error() != seen.problem.Error():
		ctrl.LoggerFrom(ctx).Error(seen.problem, "Cannot deliver the dashboard")
	}
	return nil
}

// deliveryOf is what has been seen of the present release's dashboard.
func (r *SignalDeploymentReconciler) deliveryOf(sd *v1alpha1.SignalDeployment) *delivery {
	seen := r.minds.of(client.ObjectKeyFromObject(sd)).dashboard
	if start := sd.Status.Rollout.StartTime.Time; !seen.start.Equal(start) {
		*seen = delivery{start: start, problem: seen.problem}
	}
	return seen
}

// timed reports whether this process times the import; a Job has a clock of its
// own.
func timed(sd *v1alpha1.SignalDeployment) bool {
	return sd.Spec.Dashboard != nil && sd.Spec.Dashboard.Delivery == v1alpha1.DeliverGrafanaDashboard
}

func (r *SignalDeploymentReconciler) dashboards() dashboard.Settings {
	return dashboard.Settings{Installed: r.DashboardsKnown, ProberImage: r.ProberImage}
}

// underWay reports whether there is a release that has not ended.
func underWay(status v1alpha1.SignalDeploymentStatus) bool {
	return status.Candidate != nil && !status.Rollout.StartTime.IsZero() && status.Rollout.EndTime.IsZero() && status.Rollout.Phase != v1alpha1.PhaseSucceeded
}
