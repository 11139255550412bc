package controllers

import (
	"context"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/slo"
	"github.com/signal-delivery/operator/internal/verdict"
)

// budgets are the accounts of one attempt, by objective. They live in memory;
// after a restart they go on from what the status remembers.
type budgets struct {
	of       string // the attempt
	accounts map[string]slo.Account
}

// spend samples the objectives that are due, and judges what the release has
// consumed of their error budgets.
func (r *SignalDeploymentReconciler) spend(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) {
	slos := sd.Spec.Analysis.SLOs
	accounts, now := r.minds.of(client.ObjectKeyFromObject(sd)).budgets.enter(sd), r.Clock.Now()
	subject := slo.Subject{Namespace: sd.Namespace, Name: sd.Name, Release: sd.Status.Candidate.Hash}

	samples := make([]*slo.Sample, len(slos))
	var all sync.WaitGroup
	for i, objective := range slos {
		account, opened := accounts[objective.Name]
		if !opened {
			account = slo.Open(exposedSince(sd), remembered(sd, objective.Name))
			accounts[objective.Name] = account
		}
		source, known := r.source(sd, slo.Server(objective))
		if !known || !account.Due(interval(sd), now) {
			continue
		}
		all.Go(func() {
			sample := slo.Take(asking(ctx, analysis.Exactly(source), now), objective, subject, account, now)
			sample.Source = source.Name()
			samples[i] = &sample
		})
	}
	all.Wait()

	for i, objective := range slos {
		if samples[i] != nil {
			accounts[objective.Name] = accounts[objective.Name].Add(*samples[i])
		}
		account := accounts[objective.Name]
		w.SLOs = append(w.SLOs, slo.Judge(objective, account))
		w.Budgets = append(w.Budgets, account.Record(objective))
	}
}

// asking puts one query at a time to a metric server.
func asking(ctx context.Context, source analysis.Source, now time.Time) func(string) slo.Answer {
	return func(query string) slo.Answer {
		sample := analysis.Take(ctx, source, v1alpha1.Metric{Query: query}, analysis.Subject{}, now)
		reason := sample.Reason
		if reason == analysis.ReasonNotANumber { // which is no data either
			reason = slo.ReasonNoData
		}
		return slo.Answer{Value: sample.Value, Reason: reason, Problem: sample.Message}
	}
}

// enter begins the accounts of an attempt; those of another are closed.
func (b *budgets) enter(sd *v1alpha1.SignalDeployment) map[string]slo.Account {
	attempt := sd.Status.Candidate.Hash + "/" + sd.Status.Rollout.StartTime.UTC().Format(time.RFC3339)
	if b.of != attempt {
		b.of, b.accounts = attempt, map[string]slo.Account{}
	}
	return b.accounts
}

// judgedPhases are those in which the candidate takes traffic.
var judgedPhases = []v1alpha1.Phase{v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying}

// exposedSince is when the candidate first took traffic.
func exposedSince(sd *v1alpha1.SignalDeployment) time.Time {
	for _, entry := range sd.Status.Rollout.Timeline {
		if slices.Contains(judgedPhases, entry.Phase) {
			return entry.Time.Time
		}
	}
	return sd.Status.Rollout.SinceTime.Time
}

// remembered is what the status has of an objective.
func remembered(sd *v1alpha1.SignalDeployment, objective string) *v1alpha1.BudgetRecord {
	for i, record := range sd.Status.Rollout.Budgets {
		if record.Name == objective {
			return &sd.Status.Rollout.Budgets[i]
		}
	}
	return nil
}

// watchObjectives asks which alerts of the objectives fire. They can turn a
// release back, as others can; that nobody evaluates them is told, and holds
// nothing up. Windows of hours and days are for a server that keeps its samples.
func (r *SignalDeploymentReconciler) watchObjectives(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) {
	source, known := r.Alerts[sd.Spec.Alerts.Server]
	if len(w.objectives) == 0 || !known {
		return
	}
	live, err := alert.Within(interval(sd)/2, source).Rules(ctx)
	if err != nil {
		w.Heard = false
		return
	}
	reading := alert.Judge(w.objectives, live, alertSubject(sd, source))
	for _, v := range reading.Verdicts {
		if v.Outcome != verdict.Unknown {
			w.Alerts, w.quiet = append(w.Alerts, v), append(w.quiet, v)
		}
	}
	w.Firing = append(w.Firing, reading.Firing...)
	if w.loaded.Outcome != verdict.Unknown {
		w.loaded = reading.Loaded
	}
}
