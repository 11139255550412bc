package profile

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/series"
)

// recorded is a source over a store.
type recorded struct {
	store  *series.Store
	engine *series.Engine
}

func (recorded) Name() string { return "recorded" }

func (r recorded) Query(ctx context.Context, query string, at time.Time) ([]analysis.Point, error) {
	answer, err := r.engine.Query(ctx, r.store, query, at)
	if err != nil {
		return nil, err
	}
	var points []analysis.Point
	for _, s := range answer.(promql.Vector) {
		points = append(points, analysis.Point{Time: time.UnixMilli(s.T), Value: s.F})
	}
	return points, nil
}

func (r recorded) QueryRange(ctx context.Context, query string, from, to time.Time, step time.Duration) ([][]analysis.Point, error) {
	answer, err := r.engine.QueryRange(ctx, r.store, query, from, to, step)
	if err != nil {
		return nil, err
	}
	var all [][]analysis.Point
	for _, one := range answer {
		var points []analysis.Point
		for _, p := range one.Floats {
			points = append(points, analysis.Point{Time: time.UnixMilli(p.T), Value: p.F})
		}
		all = append(all, points)
	}
	return all, nil
}

// record is so many pods of each track that were scraped each second: five
// routes, three codes each, with classic histograms of twelve buckets.
func record(tb testing.TB, pods, seconds int) recorded {
	tb.Helper()
	store := series.NewStore(series.Limits{})
	sample := func(name, hash string, pod int, more ...string) labels.Labels {
		return labels.FromStrings(append([]string{
			"__name__", name, "namespace", "prod", "delivery_signal_dev_name", "app", "delivery_signal_dev_release", hash, "pod", fmt.Sprintf("%s-%d", hash, pod), "container", "signal",
		}, more...)...)
	}
	var lines []labels.Labels
	for _, hash := range []string{"v2", "v1"} {
		for pod := range pods {
			for _, name := range []string{"up", "process_cpu_seconds_total", "process_resident_memory_bytes"} {
				lines = append(lines, sample(name, hash, pod))
			}
			for _, resource := range []string{"cpu", "memory"} {
				lines = append(lines, sample("kube_pod_container_resource_limits", hash, pod, "resource", resource))
			}
			for route := range 5 {
				for _, code := range []string{"200", "404", "500"} {
					lines = append(lines, sample("http_requests_total", hash, pod, "route", fmt.Sprint(route), "code", code))
					for _, le := range []string{"0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"} {
						lines = append(lines, sample("http_request_duration_seconds_bucket", hash, pod, "route", fmt.Sprint(route), "code", code, "le", le))
					}
				}
			}
		}
	}
	for second := range seconds {
		batch := make([]series.Sample, len(lines))
		for i, l := range lines {
			value := float64(second * (1 + i%7))
			switch l.Get("__name__") {
			case "up":
				value = 1
			case "kube_pod_container_resource_limits", "process_resident_memory_bytes":
				value = 1 << 26
			}
			batch[i] = series.Sample{Labels: l, Value: value}
		}
		if err := store.Append(noon.Add(time.Duration(second)*time.Second), batch); err != nil {
			tb.Fatal(err)
		}
	}
	return recorded{store, series.NewEngine(series.EngineOptions{})}
}

// spent is the processor time of this process.
func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// How long a release waits to be measured when a step ends, and what processor
// time that takes.
func BenchmarkMeasure(b *testing.B) {
	for _, tc := range []struct{ pods, seconds int }{{2, 60}, {10, 60}, {10, 300}, {20, 590}} {
		b.Run(fmt.Sprintf("%d pods a track, %d s", tc.pods, tc.seconds), func(b *testing.B) {
			source := record(b, tc.pods, tc.seconds+1)
			pair := Pair{Part: Part{Phase: v1alpha1.PhaseProgressing, Step: "half", Start: noon, End: noon.Add(time.Duration(tc.seconds) * time.Second)}}
			began := spent()
			for b.Loop() {
				p, _ := Measure(b.Context(), source, Subject{Namespace: "prod", Name: "app", Candidate: "v2", Stable: "v1", Interval: time.Second}, pair)
				if p.Candidate == nil || p.Candidate.P95Microseconds == nil || p.Candidate.MemoryPercent == nil || p.Stable == nil {
					b.Fatalf("%+v", p)
				}
			}
			b.ReportMetric(float64((spent()-began).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
