package conformance_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/analysis/prometheus"
)

// Every query, asked together with all others in requests of any size, is
// answered by a real Prometheus as it is alone: points, their order where there
// is one, and the words of errors.
func TestBatchesAnswerAsAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	single, err := prometheus.New("real", server.url, nil, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range files(t) {
		all = append(all, queries(t, file)...)
	}
	for round, after := range instants {
		at := epoch.Add(after)
		batch := prometheus.NewBatch(single, prometheus.BatchOptions{Parts: []int{512, 100, 30, 7}[round%4]})
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		got := make([]string, len(all))
		var asking sync.WaitGroup
		for i, query := range all {
			asking.Go(func() { got[i] = told(query)(batch.Query(t.Context(), query, at)) })
		}
		asking.Wait()
		for i, query := range all {
			if diff := cmp.Diff(told(query)(single.Query(t.Context(), query, at)), got[i]); diff != "" {
				t.Errorf("%s after %s (-alone +joined):\n%s", query, after, diff)
			}
		}
	}
}

// The server is asked a few times for hundreds of queries, and again so once
// it is known which cannot be joined.
func TestBatchesAreFew(t *testing.T) {
	counted := &counter{}
	single, err := prometheus.New("real", server.url, counted, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	batch := prometheus.NewBatch(single, prometheus.BatchOptions{Quiet: 500 * time.Millisecond, Longest: 10 * time.Second})
	n := 0
	var asking sync.WaitGroup
	for _, file := range files(t) {
		if name := filepath.Base(file); name == "errors.promql" || name == "raw.promql" {
			continue
		}
		for _, query := range queries(t, file) {
			n++
			asking.Go(func() { _, _ = batch.Query(t.Context(), query, epoch.Add(instants[1])) })
		}
	}
	asking.Wait()
	if requests := counted.requests(); requests > n/2 {
		t.Errorf("%d requests for %d queries", requests, n)
	}
}

// told is an answer as text. Where a query does not sort, no order of its
// points is promised.
func told(query string) func([]analysis.Point, error) string {
	return func(points []analysis.Point, err error) string {
		lines := make([]string, 0, len(points))
		for _, p := range points {
			lines = append(lines, fmt.Sprintf(" %s=%v", p.Time.UTC().Format(time.RFC3339Nano), p.Value))
		}
		return fmt.Sprint(err, question{query: query}.answer(lines))
	}
}

// counter counts requests.
type counter struct{ n atomic.Int32 }

// RoundTrip counts.
func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

func (c *counter) requests() int { return int(c.n.Load()) }
