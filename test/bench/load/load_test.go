// Package load measures what it takes to send a load test, and to put together
// what its workers measured.
package load

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
	"github.com/signal-delivery/operator/internal/prober/load/openloop"
)

// BenchmarkSending tells how many requests are sent and answered for a second
// of CPU time, the server's included, as it shares the process.
func BenchmarkSending(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(server.Close)
	spec := v1alpha1.LoadTest{
		Requests: []v1alpha1.LoadRequest{{Path: "/v1/signals?id=${uuid}"}}, Shape: v1alpha1.LoadConstant,
		RatePerSecond: 500, DurationSeconds: 2, AnswerSeconds: 5, Workers: 1,
	}
	var sent, late, cpu int64
	for b.Loop() {
		r := openloop.Sender{URL: server.URL, Host: "signals", Release: "v1", Workers: 1}.Run(b.Context(), spec)
		c := r.Judged(spec)
		if c.Errors > 0 {
			b.Fatalf("%d of %d requests failed: %v", c.Errors, c.Sent, r.Classes)
		}
		sent, late, cpu = sent+c.Sent, late+c.Late, cpu+r.CPU
	}
	b.ReportMetric(float64(sent)*1000/float64(max(1, cpu)), "requests/cpu-s")
	b.ReportMetric(100*float64(late)/float64(sent), "%late")
}

// BenchmarkMerging tells how long it takes to read and merge what ten workers
// measured, in comparison with counting one request.
func BenchmarkMerging(b *testing.B) {
	spec := v1alpha1.LoadTest{Shape: v1alpha1.LoadConstant, RatePerSecond: 5000, DurationSeconds: 120, Workers: 10}
	random, parts := rand.New(rand.NewPCG(1, 2)), make([][]byte, 10)
	start, counted := time.Now(), 0
	for i := range parts {
		h := &loadtest.Histogram{}
		for range 60_000 {
			h.Add(time.Duration(random.ExpFloat64() * float64(20*time.Millisecond)))
			counted++
		}
		parts[i] = loadtest.Result{Windows: []loadtest.Counts{{Sent: 60_000, Timed: 60_000}}, Latency: h}.Encode()
	}
	once := time.Since(start) / time.Duration(counted)
	var took time.Duration
	for b.Loop() {
		begin := time.Now()
		results := make([]loadtest.Result, 0, len(parts))
		for _, text := range parts {
			r, err := loadtest.Decode(text, spec)
			if err != nil {
				b.Fatal(err)
			}
			results = append(results, r)
		}
		if got := loadtest.Merge(results).Latency.Count(); got != 600_000 {
			b.Fatalf("%d requests", got)
		}
		took += time.Since(begin)
	}
	b.ReportMetric(float64(took)/float64(b.N)/float64(max(1, once)), "merge/count")
	b.ReportMetric(float64(len(parts[0])), "B/worker")
}
