package series_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/signal-delivery/operator/internal/series"
)

const (
	benchPods    = 20
	benchSeries  = 1000 // of a pod
	benchSamples = 600  // of a series: ten minutes by the second
)

var epoch = time.UnixMilli(1_767_225_600_000)

// podSeries are the labels that a pod's series carry, as the built-in source writes them.
func podSeries(pod int) []labels.Labels {
	all := make([]labels.Labels, 0, benchSeries)
	b := labels.NewBuilder(labels.EmptyLabels())
	track := "stable"
	if pod%4 == 0 {
		track = "candidate"
	}
	for i := range benchSeries {
		b.Reset(labels.FromStrings(
			"namespace", "prod", "pod", fmt.Sprintf("signal-service-5f6d8c7b9-%05d", pod), "container", "signal",
			"instance", fmt.Sprintf("10.0.0.%d:8080", pod), "job", "prod/signal-service", "service", "signal-service",
			"delivery_signal_dev_name", "signal-service", "release", "5f6d8c7b9", "delivery_signal_dev_release", "5f6d8c7b9", "track", track,
		))
		switch {
		case i < 400:
			b.Set(model.MetricNameLabel, "http_request_duration_seconds_bucket").Set("route", fmt.Sprintf("/v1/%d", i/16)).Set("le", fmt.Sprint(i%16))
		case i < 600:
			b.Set(model.MetricNameLabel, "http_requests_total").Set("route", fmt.Sprintf("/v1/%d", i/4)).Set("code", fmt.Sprint(200+100*(i%4))).Set("method", "GET")
		default:
			b.Set(model.MetricNameLabel, fmt.Sprintf("process_metric_%d", i))
		}
		all = append(all, b.Labels())
	}
	return all
}

// workload gives each series a course: a third of them stands still, most
// count, some are arbitrary.
func workload(r *rand.Rand, i int, before float64) float64 {
	switch {
	case i%3 == 0:
		return 42
	case i%20 == 1:
		return r.Float64()
	default:
		return before + float64(r.IntN(20))
	}
}

// filled is a store with ten minutes of 20 pods.
func filled(b *testing.B, jitter int64) *series.Store {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	s := series.NewStore(series.Limits{})
	for pod := range benchPods {
		batch := make([]series.Sample, 0, benchSeries)
		for _, l := range podSeries(pod) {
			batch = append(batch, series.Sample{Labels: l})
		}
		for tick := range benchSamples {
			at := epoch.Add(time.Duration(tick) * time.Second).Add(time.Duration(r.Int64N(jitter+1)) * time.Millisecond)
			for i := range batch {
				batch[i].Value = workload(r, i, batch[i].Value)
			}
			if err := s.Append(at, batch); err != nil {
				b.Fatal(err)
			}
		}
	}
	return s
}

// BenchmarkMemory fills a store with ten minutes of 20 pods of 1,000 series
// and says what that takes.
func BenchmarkMemory(b *testing.B) {
	for name, jitter := range map[string]int64{"even": 0, "jitter": 5} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				s := filled(b, jitter)
				used := float64(heap() - before)
				count, samples := s.Size()
				b.ReportMetric(used/float64(samples), "B/sample")
				b.ReportMetric(used/float64(count), "B/series")
				b.ReportMetric(used/1e6, "MB")
				runtime.KeepAlive(s)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkHistogramMemory fills a store with native histograms of 40 buckets.
func BenchmarkHistogramMemory(b *testing.B) {
	for b.Loop() {
		before := heap()
		s := series.NewStore(series.Limits{})
		h := &histogram.FloatHistogram{Schema: 3, PositiveSpans: []histogram.Span{{Length: 40}}, PositiveBuckets: make([]float64, 40)}
		r := rand.New(rand.NewPCG(1, 2))
		for tick := range benchSamples {
			for i := range h.PositiveBuckets {
				n := float64(r.IntN(3))
				h.PositiveBuckets[i] += n
				h.Count += n
			}
			for i := range 100 {
				l := labels.FromStrings(model.MetricNameLabel, "latency", "route", fmt.Sprint(i))
				if err := s.Append(epoch.Add(time.Duration(tick)*time.Second), []series.Sample{{Labels: l, Histogram: h}}); err != nil {
					b.Fatal(err)
				}
			}
		}
		used := float64(heap() - before)
		b.ReportMetric(used/(100*benchSamples), "B/histogram")
		runtime.KeepAlive(s)
	}
}

// BenchmarkAppend is one scrape of 1,000 series.
func BenchmarkAppend(b *testing.B) {
	s := series.NewStore(series.Limits{})
	var batch []series.Sample
	for _, l := range podSeries(0) {
		batch = append(batch, series.Sample{Labels: l})
	}
	r := rand.New(rand.NewPCG(1, 2))
	at := epoch
	for b.Loop() {
		for i := range batch {
			batch[i].Value = workload(r, i, batch[i].Value)
		}
		if err := s.Append(at, batch); err != nil {
			b.Fatal(err)
		}
		at = at.Add(time.Second)
	}
}

// BenchmarkQuery is a question to a store with ten minutes of 20 pods.
func BenchmarkQuery(b *testing.B) {
	s, e := filled(b, 0), series.NewEngine(series.EngineOptions{})
	at := epoch.Add(benchSamples * time.Second)
	for name, query := range map[string]string{
		"one series":          `process_metric_601{pod="signal-service-5f6d8c7b9-00003"}`,
		"sum of 20":           `sum(process_metric_601)`,
		"error share 1m":      `sum(rate(http_requests_total{track="candidate",code="500"}[1m])) / sum(rate(http_requests_total{track="candidate"}[1m]))`,
		"p99 1m of candidate": `histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{track="candidate"}[1m])))`,
		"p99 5m of all":       `histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Query(b.Context(), s, query, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
