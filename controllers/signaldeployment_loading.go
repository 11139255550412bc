package controllers

import (
	"context"
	"maps"
	"slices"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/alert"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	loadingEvery  = 30 * time.Second // metric servers are asked for what was published, and for what they have
	loadingTime   = 2 * time.Minute  // that a Prometheus may take to load what was published
	mismatchAfter = 10 * time.Second // that rules have not been loaded, their selection is looked into
	mismatchEvery = time.Minute
)

// loading is what is known of a metric server that is to load the rules of a
// SignalDeployment.
type loading struct {
	asked time.Time
	said  verdict.Verdict // whether what was published is loaded

	since  time.Time // when rules were first seen not to be loaded
	sought time.Time // when it was last looked for why
	why    string

	stocked time.Time
	stock   alert.Stock
}

// stocker is a metric server that can tell which metrics it has.
type stocker interface {
	Stock(ctx context.Context, query string, at time.Time) (alert.Stock, error)
}

// stock is which of the metrics that the rules take a metric server has.
// Without an answer, nothing is said of it.
func (r *SignalDeploymentReconciler) stock(ctx context.Context, sd *v1alpha1.SignalDeployment, source alert.Source, groups []alert.Group) alert.Stock {
	server, can := source.(stocker)
	query := alert.StockQuery(groups)
	if !can || query == "" {
		return nil
	}
	known, now := r.minds.of(client.ObjectKeyFromObject(sd)).loading, r.Clock.Now()
	if !known.stocked.IsZero() && now.Sub(known.stocked) < loadingEvery {
		return known.stock
	}
	stock, err := server.Stock(ctx, query, now)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("Cannot ask which metrics there are", "metricServer", source.Name(), "error", err.Error())
	}
	known.stocked, known.stock = now, stock
	return stock
}

// read is what the rules of a metric server say. That they are not loaded
// comes with the reason, where it can be found.
func (r *SignalDeploymentReconciler) read(ctx context.Context, sd *v1alpha1.SignalDeployment, groups []alert.Group, live []alert.LiveGroup, s alert.Subject) alert.Reading {
	reading := alert.Judge(groups, live, s)
	known := r.minds.of(client.ObjectKeyFromObject(sd)).loading
	if reading.Loaded.Reason != alert.ReasonNotLoaded {
		known.since, known.why, known.sought = time.Time{}, "", time.Time{}
		return reading
	}
	now := r.Clock.Now()
	if known.since.IsZero() {
		known.since = now
	}
	if now.Sub(known.since) >= mismatchAfter && now.Sub(known.sought) >= mismatchEvery {
		known.why, known.sought = r.mismatch(ctx, sd, groups), now
	}
	if known.why == "" {
		return reading
	}
	s.Mismatch = known.why
	return alert.Judge(groups, live, s)
}

// mismatch says why no Prometheus object selects the published rules. Where
// the operator may not see what that takes, it says nothing.
func (r *SignalDeploymentReconciler) mismatch(ctx context.Context, sd *v1alpha1.SignalDeployment, groups []alert.Group) string {
	rule := alert.PrometheusRule(sd, groups, r.RuleLabels)
	if !r.Prometheuses || !r.RulesPublished || rule == nil {
		return ""
	}
	list := &monitoringv1.PrometheusList{}
	if err := r.Live.List(ctx, list); err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("Cannot see which rules are selected", "error", err.Error())
		return ""
	}
	return alert.Mismatch(list.Items, rule)
}

// observePublished sees whether a Prometheus has loaded the rules that it is
// to evaluate between two releases, where another evaluates them during one.
// No release waits for it.
func (r *SignalDeploymentReconciler) observePublished(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world) error {
	source := r.prometheus()
	if !r.RulesPublished || source == nil || sd.Spec.Alerts.Server != v1alpha1.ServerBuiltIn ||
		len(w.published) == 0 || sd.Status.Candidate == nil || !sd.DeletionTimestamp.IsZero() {
		return nil
	}
	rests := !sd.Status.Rollout.EndTime.IsZero()
	if rests && meta.IsStatusConditionTrue(sd.Status.Conditions, v1alpha1.ConditionAlertRulesLoaded) {
		return nil
	}
	known := r.minds.of(client.ObjectKeyFromObject(sd)).loading
	if now := r.Clock.Now(); known.asked.IsZero() || now.Sub(known.asked) >= loadingEvery {
		known.asked, known.said = now, r.loaded(ctx, sd, w.published, source)
	}
	w.unsure = known.said.Outcome != verdict.Passed
	switch {
	case w.unsure:
		w.loaded = known.said
		told := known.said
		told.Outcome = verdict.Unknown // nothing failed the release
		w.Told = append(slices.Clone(w.Told), told)
	case rests:
		w.loaded = known.said
	case w.loaded.Outcome == verdict.Passed:
		w.loaded.Message = verdict.Clip(w.loaded.Message+"; metric server "+source.Name()+" has loaded them for the time between releases", 2048)
	}
	return nil
}

// loaded asks a Prometheus for the published rules. What stays away for too
// long will not come by itself.
func (r *SignalDeploymentReconciler) loaded(ctx context.Context, sd *v1alpha1.SignalDeployment, published []alert.Group, source alert.Source) verdict.Verdict {
	live, err := alert.Within(interval(sd)/2, source).Rules(ctx)
	if err != nil {
		return alert.Unreachable(source.Name()).Loaded
	}
	v := r.read(ctx, sd, published, live, alertSubject(sd, source)).Loaded
	since := r.minds.of(client.ObjectKeyFromObject(sd)).loading.since
	if v.Reason == alert.ReasonNotLoaded && r.Clock.Now().Sub(since) >= loadingTime {
		v.Outcome = verdict.Failed
	}
	return v
}

// prometheus is the metric server that evaluates published rules: the one
// called default, else the first by name; nil where there is none.
func (r *SignalDeploymentReconciler) prometheus() alert.Source {
	if source, has := r.Alerts["default"]; has {
		return source
	}
	for _, name := range slices.Sorted(maps.Keys(r.Alerts)) {
		return r.Alerts[name]
	}
	return nil
}
