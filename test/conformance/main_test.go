// Package conformance_test gives the same samples to a real Prometheus server
// and to the operator's own store of samples, asks both the same questions,
// and requires the same answers: labels, times, order where there is one,
// every bit of every value, and the words of every error.
//
// The samples are read from expositions, in all formats that Prometheus
// understands, by its own parser, and the rest is written by hand. They go to
// the server by remote write, so that both have the same times, stale markers
// and histograms. The questions stand in testdata, one a line. No answer
// differs. What the two do not share is not asked about: Prometheus also
// answers with warnings, which the store's face does not return, forgets
// nothing within its retention, and has a default resolution of subqueries
// that is configured, here to be one second as in the store.
//
// The same is done for scraping: processes expose metrics, a real Prometheus
// and the operator's built-in source scrape them, each in its own time, and
// what does not depend on when they do must be the same. What differs on
// purpose is listed in the comment of internal/analysis/builtin and shown in
// TestDifferences. And what internal/analysis/prometheus asks a real server in
// one request must be answered as it is alone.
package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/signal-delivery/operator/internal/series"
)

var (
	// server is a real Prometheus.
	server *prometheusServer
	// store and engine are the operator's.
	store  = series.NewStore(series.Limits{Age: time.Hour})
	engine = series.NewEngine(series.EngineOptions{})
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts the server and gives both sides the world's samples.
func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if server, err = startPrometheus(ctx, plain); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()

	batches, err := world()
	if err != nil {
		return 0, err
	}
	for _, b := range batches {
		if err := server.write(ctx, b); err != nil {
			return 0, err
		}
		if err := store.Append(b.at, b.forStore()); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}
