package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// Of circuit breakers: what opens one, and how long it stays open before it
// tries again.
const (
	failuresThatOpen = 5
	openFor          = 5 * time.Second
	never            = 10 * 365 * 24 * time.Hour
)

// Options of what is kept elsewhere.
type Options struct {
	Postgres, Redis string        // their URLs; empty: there is none
	PoolSize        int           // connections to each of them
	Timeout         time.Duration // of one call, waiting for a connection included
	Rest            time.Duration // that an open breaker takes before it tries again; 0 is openFor
	Down            func(dependency string) bool
	PoolLeak        bool // a flaw: connections to PostgreSQL are not given back
	BreakerStuck    bool // a flaw: breakers open at once, and never try again
	Metrics         prometheus.Registerer
}

// guard is a circuit breaker around one dependency.
type guard struct {
	name    string
	timeout time.Duration
	down    func() bool
	breaker *gobreaker.CircuitBreaker[struct{}]
	calls   *prometheus.CounterVec
	hiccup  atomic.Bool // the next call fails
}

func newGuard(name string, o Options) *guard {
	g := &guard{name: name, timeout: o.Timeout, down: func() bool { return o.Down(name) }, calls: callsOf(o.Metrics)}
	g.hiccup.Store(o.BreakerStuck)
	rest, failures := cmp.Or(o.Rest, openFor), uint32(failuresThatOpen)
	if o.BreakerStuck {
		rest, failures = never, 1
	}
	state := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "circuit_breaker_state", Help: "0 closed, 1 half open, 2 open.", ConstLabels: prometheus.Labels{"name": name},
	})
	o.Metrics.MustRegister(state)
	g.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name: name, MaxRequests: 1, Timeout: rest,
		ReadyToTrip:   func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failures },
		OnStateChange: func(_ string, _, to gobreaker.State) { state.Set(float64(to)) },
		IsSuccessful:  func(err error) bool { return err == nil || errors.Is(err, context.Canceled) }, // who asked has gone
	})
	for _, outcome := range []string{"success", "error", "rejected"} {
		g.calls.WithLabelValues(name, outcome)
	}
	return g
}

// callsOf is the one counter of all dependencies.
func callsOf(metrics prometheus.Registerer) *prometheus.CounterVec {
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "signals_dependency_requests_total", Help: "Calls to what the service leans on."}, []string{"dependency", "outcome"})
	var there prometheus.AlreadyRegisteredError
	if err := metrics.Register(calls); errors.As(err, &there) {
		if known, is := there.ExistingCollector.(*prometheus.CounterVec); is {
			return known
		}
	}
	return calls
}

// call does something with the dependency, unless the breaker is open.
func (g *guard) call(ctx context.Context, do func(context.Context) error) error {
	_, err := g.breaker.Execute(func() (struct{}, error) {
		if g.down() || g.hiccup.Swap(false) {
			return struct{}{}, ErrUnavailable
		}
		ctx, cancel := context.WithTimeout(ctx, g.timeout)
		defer cancel()
		return struct{}{}, do(ctx)
	})
	outcome := "success"
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		outcome = "rejected"
	case err != nil:
		outcome = "error"
	}
	g.calls.WithLabelValues(g.name, outcome).Inc()
	if err != nil {
		return fmt.Errorf("call %s: %w", g.name, err)
	}
	return nil
}
