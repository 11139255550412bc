package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-logr/logr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/load/openloop"
	"github.com/signal-delivery/operator/internal/verdict"
)

// ReasonMeasured is the reason of what the prober says beside the numbers.
const ReasonMeasured = "LoadMeasured"

// together is what workers that come late wait for: their clocks' next whole
// so many seconds, so that those that come a little apart begin at once.
const together = 10 * time.Second

// loadTest sends one worker's share of a load test. It answers with what it
// measured: what that amounts to is for who reads the answers of all workers.
func (p Prober) loadTest(ctx context.Context) (verdict.Answer, int, error) {
	var spec v1alpha1.LoadTest
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_LOAD_TEST")), &spec); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_LOAD_TEST: %w", err)
	}
	worker, err := strconv.Atoi(p.Env("SIGNAL_WORKER"))
	if err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_WORKER: %w", err)
	}
	s := openloop.Sender{
		URL: p.Env("SIGNAL_TARGET"), Host: p.Env("SIGNAL_HOST"), Release: p.Env("SIGNAL_RELEASE_ID"),
		Worker: int64(worker), Workers: int64(max(1, spec.Workers)),
	}
	if s.URL == "" || len(spec.Requests) == 0 || s.Worker < 0 || s.Worker >= s.Workers {
		return verdict.Answer{}, Misused, errors.New("SIGNAL_TARGET is empty, SIGNAL_LOAD_TEST has no requests, or SIGNAL_WORKER is not one of its workers")
	}
	if text := p.Env("SIGNAL_START"); text != "" {
		start, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_START: %w", err)
		}
		s.Start = begin(start, p.Clock.Now())
	}
	r := s.Run(ctx, spec)
	c := r.Judged(spec)
	logr.FromContextOrDiscard(ctx).Info("Sent", "worker", worker, "requests", c.Sent, "errors", c.Errors, "kinds", r.Classes, "p99", r.Latency.Quantile(990).String(), "cpuMilliseconds", r.CPU)
	said := verdict.Pass(v1alpha1.SignalLoad, ReasonMeasured, "Worker %d of %d sent %d requests, of which %d failed", worker+1, s.Workers, c.Sent, c.Errors)
	return verdict.Answer{Load: r.Encode(), Verdicts: []verdict.Verdict{said}}, Decided, nil
}

// begin is when a worker begins that is to begin at start.
func begin(start, now time.Time) time.Time {
	if now.After(start) {
		return now.Truncate(together).Add(together)
	}
	return start
}
