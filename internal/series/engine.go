package series

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxPoints is how many steps a range query may have, as in Prometheus.
const maxPoints = 11_000

// EngineOptions bound each query. Zero fields mean the defaults.
type EngineOptions struct {
	MaxSamples int           // that a query may hold at a time; default 5,000,000, some 80 MB
	Timeout    time.Duration // of a query; default 10 s
	Lookback   time.Duration // how old a sample may be and still be current; default 5 min
}

// Engine evaluates PromQL: all that Prometheus has on by default, the @
// modifier and negative offsets included, experimental functions not. The
// default resolution of a subquery, as in [5m:], is 1 s. It is safe for
// concurrent use; a process needs one.
type Engine struct {
	engine *promql.Engine
}

// NewEngine returns an engine.
func NewEngine(o EngineOptions) *Engine {
	return &Engine{engine: promql.NewEngine(promql.EngineOpts{
		MaxSamples:               cmp.Or(o.MaxSamples, 5_000_000),
		Timeout:                  cmp.Or(o.Timeout, 10*time.Second),
		LookbackDelta:            cmp.Or(o.Lookback, 5*time.Minute),
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Second.Milliseconds() },
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		Parser:                   parser.NewParser(parser.Options{}),
	})}
}

// Query evaluates a query at a time. The value is a promql.Vector, Scalar,
// String or Matrix.
func (e *Engine) Query(ctx context.Context, s *Store, query string, at time.Time) (parser.Value, error) {
	q, err := e.engine.NewInstantQuery(ctx, s.Queryable(), nil, query, at)
	if err != nil {
		return nil, fmt.Errorf("read query %q: %w", query, err)
	}
	// The query stays open: closing it would hand the memory of its result to
	// the next one.
	result := q.Exec(ctx)
	if result.Err != nil {
		return nil, fmt.Errorf("evaluate %q: %w", query, result.Err)
	}
	return result.Value, nil
}

// QueryRange evaluates a query at each step of a time range, both ends
// included, of 11,000 steps at most.
func (e *Engine) QueryRange(ctx context.Context, s *Store, query string, from, to time.Time, step time.Duration) (promql.Matrix, error) {
	if step < time.Millisecond || to.Before(from) || to.Sub(from)/step > maxPoints {
		return nil, fmt.Errorf("evaluate %q from %s to %s by %s: a range must not end before it begins and has at most %d steps of 1 ms or more",
			query, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339), step, maxPoints)
	}
	q, err := e.engine.NewRangeQuery(ctx, s.Queryable(), nil, query, from, to, step)
	if err != nil {
		return nil, fmt.Errorf("read query %q: %w", query, err)
	}
	result := q.Exec(ctx)
	m, err := result.Matrix()
	if err != nil {
		return nil, fmt.Errorf("evaluate %q: %w", query, err)
	}
	return m, nil
}
