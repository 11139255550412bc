package builtin

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"

	"github.com/signal-delivery/operator/internal/alert"
)

// group is a rule group, and when it was last evaluated.
type group struct {
	spec             alert.Group
	interval, offset time.Duration
	limit            int // of alerts or series of a rule; 0 is none
	last             time.Time
	rules            []*rule
}

// newGroup is a group that has not been evaluated.
func newGroup(spec alert.Group, maxAlerts int) (*group, error) {
	g := &group{spec: spec}
	var err error
	if g.interval, err = duration(spec.Interval); err != nil {
		return nil, fmt.Errorf("interval: %w", err)
	}
	if g.offset, err = duration(spec.QueryOffset); err != nil {
		return nil, fmt.Errorf("query_offset: %w", err)
	}
	if spec.Limit != nil {
		g.limit = *spec.Limit
	}
	for _, one := range spec.Rules {
		r, err := newRule(one, spec.Labels)
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", one.Alert+one.Record, err)
		}
		r.limit = g.limit
		if r.limit == 0 || r.limit > maxAlerts {
			r.limit = maxAlerts
		}
		g.rules = append(g.rules, r)
	}
	return g, nil
}

// newRule is a rule that has not been evaluated.
func newRule(spec monitoringv1.Rule, groupLabels map[string]string) (*rule, error) {
	r := &rule{spec: spec, labels: map[string]string{}, active: map[uint64]*active{}}
	maps.Copy(r.labels, groupLabels)
	maps.Copy(r.labels, spec.Labels)
	var err error
	if r.hold, err = duration(spec.For); err != nil {
		return nil, fmt.Errorf("for: %w", err)
	}
	if r.keep, err = duration(spec.KeepFiringFor); err != nil {
		return nil, fmt.Errorf("keep_firing_for: %w", err)
	}
	return r, nil
}

// duration is one that may be absent.
func duration[D ~string](text *D) (time.Duration, error) {
	if text == nil || *text == "" {
		return 0, nil
	}
	d, err := model.ParseDuration(string(*text))
	return time.Duration(d), err
}

// inherit is the group with the state of the one that it takes the place of:
// each rule that is the same goes on.
func (g *group) inherit(before []*group) *group {
	for _, old := range before {
		if old.spec.Name != g.spec.Name {
			continue
		}
		g.last = old.last
		free := old.rules
		for i, r := range g.rules {
			for j, was := range free {
				if r.limit == was.limit && reflect.DeepEqual(r.spec, was.spec) && maps.Equal(r.labels, was.labels) {
					g.rules[i], free = was, append(free[:j:j], free[j+1:]...)
					break
				}
			}
		}
	}
	return g
}

// evaluate evaluates the rules one after the other, if they are due: what one
// records, the next can ask for.
func (g *group) evaluate(ctx context.Context, o Options, now time.Time) error {
	if !g.last.IsZero() && now.Sub(g.last) < g.interval {
		return nil
	}
	g.last = now
	for _, r := range g.rules {
		if r.spec.Record != "" && o.Record == nil {
			continue
		}
		if err := g.take(ctx, r, o, now); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // which Evaluate tells
		}
	}
	return nil
}

// take evaluates one rule. What is wrong with it, it tells itself; the error is
// that series could not be recorded. One that was called off is as it was.
func (g *group) take(ctx context.Context, r *rule, o Options, now time.Time) error {
	at := now.Add(-g.offset)
	vector, wrong := o.Query(ctx, r.spec.Expr.String(), at)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // which Evaluate tells
	}
	if wrong == nil && r.spec.Record == "" {
		wrong = r.step(ctx, vector, now)
	}
	if wrong == nil && r.spec.Record != "" {
		vector, wrong = r.made(vector, at)
	}
	r.evaluated, r.err = true, wrong
	if wrong != nil || r.spec.Record == "" || len(vector) == 0 {
		return nil //nolint:nilerr // it is told with the rule
	}
	if err := o.Record(at, vector); err != nil {
		return fmt.Errorf("record %s of group %q: %w", r.spec.Record, g.spec.Name, err)
	}
	return nil
}

// live is the group as the room knows it.
func (g *group) live() alert.LiveGroup {
	live := alert.LiveGroup{Name: g.spec.Name}
	for _, r := range g.rules {
		if r.spec.Alert != "" {
			live.Rules = append(live.Rules, r.live())
		}
	}
	return live
}
