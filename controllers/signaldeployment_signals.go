package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/release"
)

// observeSignals asks the signals that the phase listens to. They are asked
// side by side: a slow one must not keep a failing one from being heard.
func (r *SignalDeploymentReconciler) observeSignals(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	if sd.Status.Rollout.Phase != v1alpha1.PhaseGating {
		r.turns.leave(client.ObjectKeyFromObject(sd))
	}
	switch sd.Status.Rollout.Phase {
	case v1alpha1.PhaseResolving:
		return r.observeArtifact(ctx, sd, w)
	case v1alpha1.PhaseGating:
		r.watch(ctx, sd, w)
		return r.observeGates(ctx, sd, w)
	case v1alpha1.PhaseStaging:
		r.watch(ctx, sd, w)
	case v1alpha1.PhaseChecking:
		r.watch(ctx, sd, w)
		return r.observeChecks(ctx, sd, w)
	case v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying:
		var both sync.WaitGroup
		both.Go(func() { r.watch(ctx, sd, w) })
		both.Go(func() { r.judge(ctx, sd, w) })
		both.Go(func() { r.spend(ctx, sd, w) })
		both.Wait()
		return r.observeAfter(ctx, sd, w)
	case v1alpha1.PhaseSettling:
		return r.observeSeal(ctx, sd, w)
	case v1alpha1.PhasePending, v1alpha1.PhaseSucceeded,
		v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return nil
}

// watch asks which alerts fire: of the metric server, or of what is scraped.
func (r *SignalDeploymentReconciler) watch(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) {
	defer r.watchObjectives(ctx, sd, w)
	if len(w.groups) == 0 {
		w.Heard = true
		return
	}
	if sd.Spec.Alerts.Server == v1alpha1.ServerBuiltIn {
		r.listen(ctx, sd, w)
		return
	}
	source, known := r.Alerts[sd.Spec.Alerts.Server]
	if !known {
		return // the spec is not valid, and says so
	}
	live, err := alert.Within(interval(sd)/2, source).Rules(ctx)
	if err != nil {
		w.hear(alert.Unreachable(source.Name()))
		return
	}
	s := alertSubject(sd, source)
	s.Stock = r.stock(ctx, sd, source, w.groups)
	w.hear(r.read(ctx, sd, w.groups, live, s))
	w.Heard = true
}

// hear takes in what the rules say.
func (w *world) hear(reading alert.Reading) {
	w.quiet, w.loaded, w.Firing, w.Before, w.Told = reading.Verdicts, reading.Loaded, reading.Firing, reading.Before, reading.Gaps()
	w.Alerts = append(slices.Clone(reading.Verdicts), reading.Loaded)
}

func alertSubject(sd *v1alpha1.SignalDeployment, source alert.Source) alert.Subject {
	s := alert.Subject{
		Namespace: sd.Namespace, Name: sd.Name, Release: sd.Status.Candidate.Hash,
		Source: source.Name(), RollbackOn: sd.Spec.Alerts.RollbackOn, FiredBefore: sd.Status.Rollout.FiredBefore,
	}
	if sd.Status.Stable != nil {
		s.Stable = sd.Status.Stable.Hash
	}
	return s
}

// judge samples the metrics that are due and judges what has been gathered.
func (r *SignalDeploymentReconciler) judge(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) {
	history := r.minds.of(client.ObjectKeyFromObject(sd)).history
	history.Enter(judgedPart(sd))
	now, subject := r.Clock.Now(), metricSubject(sd)

	samples := make([]*analysis.Sample, len(sd.Spec.Analysis.Metrics))
	var all sync.WaitGroup
	for i, metric := range sd.Spec.Analysis.Metrics {
		source, known := r.source(sd, metric.Server)
		if !known || !r.due(sd, metric, history, now) {
			continue
		}
		all.Go(func() {
			sample := analysis.Take(ctx, source, metric, subject, now)
			samples[i] = &sample
		})
	}
	all.Wait()

	for i, metric := range sd.Spec.Analysis.Metrics {
		tally := tallyOf(sd, metric.Name)
		if samples[i] != nil {
			history.Add(metric.Name, *samples[i])
			tally = analysis.Count(tally, *samples[i])
		}
		if tally.Failures > 0 {
			w.Tallies = append(w.Tallies, tally)
		}
		w.Metrics = append(w.Metrics, analysis.Judge(metric, history.Record(metric.Name), tally))
	}
}

// judgedPart names what samples are gathered for: each step anew.
func judgedPart(sd *v1alpha1.SignalDeployment) string {
	m := sd.Status.Rollout
	return strings.Join([]string{sd.Status.Candidate.Hash, fmt.Sprint(sd.Status.Candidate.Attempt), string(m.Phase), fmt.Sprint(m.Step), string(m.Move)}, "/")
}

// metricSubject is what is judged. The stable release is something to compare
// with only while it takes traffic, too.
func metricSubject(sd *v1alpha1.SignalDeployment) analysis.Subject {
	s := analysis.Subject{
		Namespace: sd.Namespace, Name: sd.Name, Service: release.StableName(sd.Name),
		Release: sd.Status.Candidate.Hash, Since: sd.Status.Rollout.SinceTime.Time,
		Interval: interval(sd), Steps: len(sd.Status.Rollout.Plan.Steps),
	}
	shared := sd.Status.Rollout.Phase == v1alpha1.PhaseProgressing && sd.Status.Weight < 100
	if sd.Status.Stable != nil && shared {
		s.Stable = sd.Status.Stable.Hash
	}
	return s
}

// tallyOf is what is remembered of a metric's failing samples.
func tallyOf(sd *v1alpha1.SignalDeployment, metric string) v1alpha1.MetricTally {
	for _, tally := range sd.Status.Rollout.Tallies {
		if tally.Name == metric {
			return tally
		}
	}
	return v1alpha1.MetricTally{Name: metric}
}
