// Package builtin evaluates rule groups as a Prometheus server does: pending
// alerts fire once their expression has held for long enough, labels and
// annotations are templates, and recording rules make series. It has no data
// of its own, keeps nothing on disk and notifies nobody. After a restart, each
// "for" begins anew.
package builtin

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/signal-delivery/operator/internal/alert"
)

const (
	defaultMaxAlerts = 500
	stockEvery       = 5 * time.Second // which metrics there are seldom changes
)

// scrapedQuery is answered once anything has been scraped.
const scrapedQuery = "group(up)"

// Query answers an instant query with a vector; it makes one of a scalar.
type Query func(ctx context.Context, query string, at time.Time) (promql.Vector, error)

// Record takes in the samples that a recording rule made, all at one time.
// Those of series that are no more are stale markers.
type Record func(at time.Time, made promql.Vector) error

// Options of a Source.
type Options struct {
	Name      string // what evidence calls it
	Query     Query
	Record    Record // nil leaves recording rules out
	MaxAlerts int    // of one rule, pending and firing; 0 is 500. A group's limit may be lower
}

// Source evaluates the rules of one SignalDeployment. It is safe for
// concurrent use; evaluations wait for each other.
type Source struct {
	o Options

	turn    sync.Mutex // held by who evaluates, or changes what is evaluated
	groups  []*group
	scraped bool      // there is something to evaluate
	stocked time.Time // when stock was last taken
	latest  time.Time // evaluation

	mu    sync.Mutex // guards what was last seen
	live  []alert.LiveGroup
	stock alert.Stock
}

// New is a source without rules.
func New(o Options) *Source {
	if o.MaxAlerts == 0 {
		o.MaxAlerts = defaultMaxAlerts
	}
	return &Source{o: o}
}

// Name says in evidence what was asked.
func (s *Source) Name() string { return s.o.Name }

// Rules are the alert rules as they were last evaluated. One that has not been
// evaluated yet is not healthy.
func (s *Source) Rules(context.Context) ([]alert.LiveGroup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live, nil
}

// Stock is which of the metrics that the rules take there were of late; nil
// before anything was evaluated.
func (s *Source) Stock() alert.Stock {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stock
}

// Load makes the groups what is evaluated. Rules that stay as they are keep
// their alerts. The error says what Prometheus would not take, and leaves
// everything as it was.
func (s *Source) Load(groups []alert.Group) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	loaded := make([]*group, 0, len(groups))
	for _, spec := range groups {
		g, err := newGroup(spec, s.o.MaxAlerts)
		if err != nil {
			return fmt.Errorf("load group %q: %w", spec.Name, err)
		}
		loaded = append(loaded, g.inherit(s.groups))
	}
	if !reflect.DeepEqual(specsOf(loaded), specsOf(s.groups)) {
		s.stocked = time.Time{}
	}
	s.groups = loaded
	s.show(s.stock)
	return nil
}

func specsOf(groups []*group) []alert.Group {
	specs := make([]alert.Group, 0, len(groups))
	for _, g := range groups {
		specs = append(specs, g.spec)
	}
	return specs
}

// Evaluate evaluates the groups that are due at that time, which must not go
// back. Until something has been scraped, there is nothing to evaluate. What
// goes wrong with a rule is told by Rules; the error is that the context
// ended, or that series could not be recorded.
func (s *Source) Evaluate(ctx context.Context, now time.Time) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if now.Before(s.latest) {
		return fmt.Errorf("evaluate rules of %s: it is earlier than at the last evaluation", s.o.Name)
	}
	s.latest = now
	if !s.scraped {
		seen, err := s.o.Query(ctx, scrapedQuery, now)
		s.scraped = err == nil && len(seen) > 0
	}
	stock := s.stock
	if s.scraped {
		stock = s.takeStock(ctx, now)
		for _, g := range s.groups {
			if err := g.evaluate(ctx, s.o, now); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("evaluate rules of %s: %w", s.o.Name, err)
	}
	s.show(stock)
	return nil
}

// takeStock asks which metrics there are, every now and then. Without an
// answer, the last one stands.
func (s *Source) takeStock(ctx context.Context, now time.Time) alert.Stock {
	if !s.stocked.IsZero() && now.Sub(s.stocked) < stockEvery {
		return s.stock
	}
	query := alert.StockQuery(specsOf(s.groups))
	if query == "" {
		return s.stock
	}
	vector, err := s.o.Query(ctx, query, now)
	if err != nil {
		return s.stock
	}
	s.stocked = now
	series := make([]labels.Labels, 0, len(vector))
	for _, sample := range vector {
		series = append(series, sample.Metric)
	}
	return alert.StockOf(series)
}

// show makes public what was seen.
func (s *Source) show(stock alert.Stock) {
	live := make([]alert.LiveGroup, 0, len(s.groups))
	for _, g := range s.groups {
		live = append(live, g.live())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live, s.stock = live, stock
}
