package builtin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"

	"github.com/signal-delivery/operator/internal/alert"
)

var errSameLabels = errors.New("two series have the same labels once those of the rule are added")

// rule is a rule and what has come of it.
type rule struct {
	spec       monitoringv1.Rule
	labels     map[string]string // of the group and the rule, as templates
	hold, keep time.Duration
	limit      int

	evaluated bool
	err       error
	active    map[uint64]*active       // alerts, by the hash of their labels
	recorded  map[uint64]labels.Labels // series that the rule made last time
}

// active is an alert that is pending or fires.
type active struct {
	labels, annotations map[string]string
	value               float64
	since               time.Time // when its expression began to hold
	goneSince           time.Time // when it ceased to; zero while it holds
	firing              bool
}

// step takes in what the expression answered: alerts begin, fire once they
// have held for long enough, and end, but for those that are kept.
func (r *rule) step(ctx context.Context, vector promql.Vector, now time.Time) error {
	seen, err := r.alerts(ctx, vector, now)
	if err != nil {
		return err
	}
	for key, a := range seen {
		if known, was := r.active[key]; was {
			known.value, known.annotations, known.goneSince = a.value, a.annotations, time.Time{}
			continue
		}
		r.active[key] = a
	}
	for key, a := range r.active {
		if _, holds := seen[key]; !holds && !r.keeps(a, now) {
			delete(r.active, key)
			continue
		}
		a.firing = a.firing || now.Sub(a.since) >= r.hold
	}
	if n := len(r.active); n > r.limit {
		clear(r.active)
		return fmt.Errorf("there are %d alerts, and %d is the limit", n, r.limit)
	}
	return nil
}

// keeps reports whether an alert whose expression does not hold goes on.
func (r *rule) keeps(a *active, now time.Time) bool {
	if !a.firing {
		return false
	}
	if a.goneSince.IsZero() {
		a.goneSince = now
	}
	return now.Sub(a.goneSince) < r.keep
}

// alerts are what a vector would make, by the hash of their labels.
func (r *rule) alerts(ctx context.Context, vector promql.Vector, now time.Time) (map[uint64]*active, error) {
	seen := make(map[uint64]*active, len(vector))
	for _, sample := range vector {
		expand := expander(ctx, r.spec.Alert, sample, now)
		set := labels.NewBuilder(sample.Metric).Del(model.MetricNameLabel)
		for name, text := range r.labels {
			set.Set(name, expand(text))
		}
		full := set.Set(labels.AlertName, r.spec.Alert).Labels()
		key := full.Hash()
		if _, twice := seen[key]; twice {
			return nil, errSameLabels
		}
		annotations := make(map[string]string, len(r.spec.Annotations))
		for name, text := range r.spec.Annotations {
			annotations[name] = expand(text)
		}
		seen[key] = &active{labels: full.Map(), annotations: annotations, value: sample.F, since: now}
	}
	return seen, nil
}

// made are the series of a recording rule, with stale markers for those that
// are no more.
func (r *rule) made(vector promql.Vector, at time.Time) (promql.Vector, error) {
	if len(vector) > r.limit {
		return nil, fmt.Errorf("there are %d series, and %d is the limit", len(vector), r.limit)
	}
	series := make(map[uint64]labels.Labels, len(vector))
	made := make(promql.Vector, 0, len(vector))
	for _, sample := range vector {
		set := labels.NewBuilder(sample.Metric).Set(model.MetricNameLabel, r.spec.Record)
		for name, text := range r.labels {
			set.Set(name, text)
		}
		sample.Metric, sample.T = set.Labels(), timestamp.FromTime(at)
		key := sample.Metric.Hash()
		if _, twice := series[key]; twice {
			return nil, errSameLabels
		}
		series[key], made = sample.Metric, append(made, sample)
	}
	for key, was := range r.recorded {
		if _, still := series[key]; !still {
			made = append(made, promql.Sample{Metric: was, T: timestamp.FromTime(at), F: math.Float64frombits(value.StaleNaN)})
		}
	}
	r.recorded = series
	return made, nil
}

// live is the rule as the room knows it, with its alerts in a fixed order.
func (r *rule) live() alert.LiveRule {
	live := alert.LiveRule{Name: r.spec.Alert, Query: r.spec.Expr.String(), Labels: r.labels, Healthy: r.evaluated && r.err == nil}
	if r.err != nil {
		live.LastError = r.err.Error()
	}
	for _, a := range r.active {
		seen := alert.Firing{Labels: a.labels, Annotations: a.annotations, Value: strconv.FormatFloat(a.value, 'g', 6, 64), Since: a.since}
		if a.firing {
			live.Firing = append(live.Firing, seen)
			continue
		}
		live.Pending = append(live.Pending, seen)
	}
	slices.SortFunc(live.Firing, byLabels)
	slices.SortFunc(live.Pending, byLabels)
	return live
}

func byLabels(a, b alert.Firing) int {
	return strings.Compare(labels.FromMap(a.Labels).String(), labels.FromMap(b.Labels).String())
}
