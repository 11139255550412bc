package controllers

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/analysis/builtin"
	"github.com/signal-delivery/operator/internal/workload"
)

// scrape has the pods of a release scraped while it is under way, and only
// then.
func (r *SignalDeploymentReconciler) scrape(sd *v1alpha1.SignalDeployment, sides map[string]workload.Side) {
	key := client.ObjectKeyFromObject(sd)
	if overheard(sd) {
		r.BuiltIn.Watch(serving(sd, sides))
		return
	}
	if known, has := r.ears.Load(key); !scraped(sd) || has && known.(*ear).before { //nolint:forcetypeassert // nothing else is stored
		r.deafen(key)
	}
	if !scraped(sd) {
		return
	}
	var pods []corev1.Pod
	for _, side := range sides {
		pods = append(pods, side.Pods...)
	}
	r.BuiltIn.Watch(builtin.SubjectOf(sd, sd.Spec.Analysis.Scrape, pods))
}

// scraped reports whether there is a release under way that has pods.
func scraped(sd *v1alpha1.SignalDeployment) bool {
	if !sd.DeletionTimestamp.IsZero() {
		return false
	}
	switch sd.Status.Rollout.Phase {
	case v1alpha1.PhaseStaging, v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver,
		v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseRollingBack:
		return true
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating,
		v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return false
}

// source is the metric server of that name.
func (r *SignalDeploymentReconciler) source(sd *v1alpha1.SignalDeployment, server string) (analysis.Source, bool) {
	if server == v1alpha1.ServerBuiltIn {
		return r.BuiltIn.Source(client.ObjectKeyFromObject(sd)), true
	}
	source, known := r.Metrics[server]
	return source, known
}

// due reports whether the metric is to be sampled: of what is scraped, once for
// each round of scrapes, as soon as it is in.
func (r *SignalDeploymentReconciler) due(sd *v1alpha1.SignalDeployment, metric v1alpha1.Metric, history *analysis.History, now time.Time) bool {
	if metric.Server != v1alpha1.ServerBuiltIn {
		return history.Due(metric.Name, interval(sd), now)
	}
	scraped := r.BuiltIn.Latest(client.ObjectKeyFromObject(sd))
	return fresh(scraped, history.Record(metric.Name).Latest.Time, now, interval(sd))
}

// fresh reports whether there is something new to sample. Where nothing is
// scraped for two intervals, that is new, too. A clock that was put back does
// not keep anything from being sampled.
func fresh(scraped, sampled, now time.Time, interval time.Duration) bool {
	return scraped.After(sampled) || now.Before(sampled) || now.Sub(sampled) >= 2*interval
}
