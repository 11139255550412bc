package builtin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis/profile"
)

// worker is a pod's process that exposes what it does.
type worker struct {
	http.Handler
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	cpu      prometheus.Counter
	memory   prometheus.Gauge
}

func newWorker() *worker {
	registry := prometheus.NewRegistry()
	w := &worker{
		Handler:  promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total"}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"route", "code"}),
		cpu:    prometheus.NewCounter(prometheus.CounterOpts{Name: "process_cpu_seconds_total"}),
		memory: prometheus.NewGauge(prometheus.GaugeOpts{Name: "process_resident_memory_bytes"}),
	}
	registry.MustRegister(w.requests, w.seconds, w.cpu, w.memory)
	w.requests.WithLabelValues("/v1/signals", "GET", "200")
	return w
}

// work is a second's: as many answers, of which so many fail, each taking so
// long, a tenth of them half as long again.
func (w *worker) work(requests, errors int, took time.Duration) {
	for i := range requests {
		code, seconds := "200", took.Seconds()
		if i < errors {
			code = "500"
		}
		if i%10 == 0 {
			seconds *= 1.5
		}
		w.requests.WithLabelValues("/v1/signals", "GET", code).Inc()
		w.seconds.WithLabelValues("/v1/signals", code).Observe(seconds)
	}
	w.cpu.Add(0.08)
	w.memory.Set(40 << 20)
}

func limited(p *corev1.Pod) {
	p.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("200m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
}

// Pods that are scraped as they are in a release: what they did in a step is
// measured, and what stood out of it is found, with when it was.
func TestAStepIsMeasured(t *testing.T) {
	w := newWorld(t, Options{})
	candidate, stable := newWorker(), newWorker()
	w.serve("10.0.0.1", candidate)
	w.serve("10.0.0.2", stable)
	w.watch(pod("a", "new", "10.0.0.1", limited), pod("b", "old", "10.0.0.2", limited))
	begun := w.clock.Now()
	at := func(second int) time.Time { return begun.Add(time.Duration(second) * time.Second) }

	const checked, ended = 20, 140 // seconds
	for second := range ended {
		if second >= checked {
			took, errors := 40*time.Millisecond, 0
			switch second {
			case 80, 81, 82, 83:
				took = 400 * time.Millisecond
			case 110, 111:
				errors = 8
			}
			candidate.work(20, errors, took)
		}
		stable.work(20, 0, 40*time.Millisecond)
		w.round()
	}
	pair := profile.Pair{
		Part:   profile.Part{Phase: v1alpha1.PhaseProgressing, Step: "half", Start: at(checked), Held: at(checked), End: at(ended)},
		Before: profile.Part{Phase: v1alpha1.PhaseChecking, Start: at(0), End: at(checked)},
	}
	subject := profile.Subject{Namespace: "prod", Name: "app", Candidate: "new", Stable: "old", Interval: time.Second}
	began := time.Now()
	p, anomalies := profile.Measure(t.Context(), w.b.Past(app), subject, pair)
	t.Logf("measured in %s", time.Since(began).Round(time.Millisecond))

	want := v1alpha1.TrackProfile{
		Release: "new", Requests: new(int64(2400)), PeakSeconds: 4, ClientErrors: new(int64(0)), ServerErrors: new(int64(16)),
		CPUPercent: new(int32(40)), CPUMillicores: new(int64(80)), MemoryPercent: new(int32(63)), MemoryBytes: new(int64(40 << 20)),
	}
	got := *p.Candidate
	for name, within := range map[string]bool{
		"p50": *got.P50Microseconds > 25_000 && *got.P50Microseconds < 50_000,
		"p95": *got.P95Microseconds > 50_000 && *got.P95Microseconds < 250_000,
		"p99": *got.P99Microseconds > 250_000 && *got.P99Microseconds < 700_000,
	} {
		if !within {
			t.Errorf("%s: %d %d %d", name, *got.P50Microseconds, *got.P95Microseconds, *got.P99Microseconds)
		}
	}
	if *got.PeakPerMinute < 1200 || *got.PeakPerMinute > 1300 {
		t.Errorf("%d requests per minute", *got.PeakPerMinute)
	}
	got.P50Microseconds, got.P95Microseconds, got.P99Microseconds, got.PeakPerMinute = nil, nil, nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p.Message != "" || p.Stable == nil || *p.Stable.Requests != 2400 || *p.Stable.ServerErrors != 0 {
		t.Errorf("%q; stable %+v", p.Message, p.Stable)
	}
	found := map[string]string{}
	for _, a := range anomalies {
		found[fmt.Sprintf("%s %s %s", a.Kind, a.Severity, a.Release)] = fmt.Sprintf("%v-%v", a.StartTime.Sub(begun).Seconds(), a.EndTime.Sub(begun).Seconds())
	}
	if diff := cmp.Diff(map[string]string{"LatencySpike Medium new": "80-84", "ErrorBurst Low new": "108-112"}, found); diff != "" {
		t.Errorf("%s\n%+v", diff, anomalies)
	}
	w.answersItself(profile.Facts(subject, v1alpha1.RolloutStatus{Profiles: []v1alpha1.Profile{p}, Anomalies: anomalies}))
}

// answersItself asks each query that is given as evidence.
func (w *world) answersItself(facts []v1alpha1.Verdict) {
	w.Helper()
	for _, f := range facts {
		points, err := w.b.Past(app).Query(w.Context(), f.Evidence.Query, f.Evidence.Time.Time)
		if err != nil || len(points) != 1 || strings.TrimSpace(f.Evidence.Value) == "" {
			w.Errorf("%s: %q answers with %v: %v", f.Name, f.Evidence.Query, points, err)
		}
	}
	if len(facts) < 6 {
		w.Errorf("%d facts", len(facts))
	}
}

// What is not known is not made up.
func TestWhatIsNotKnownOfAStep(t *testing.T) {
	lasting := map[string]int{"a moment": 0, "a second": 1}
	part := func(w *world, seconds int) profile.Pair {
		now := w.clock.Now()
		return profile.Pair{Part: profile.Part{Phase: v1alpha1.PhaseVerifying, Start: now.Add(-time.Duration(seconds) * time.Second), End: now}}
	}
	rounds := func(w *world, n int) {
		for range n {
			w.round()
		}
	}
	for name, tc := range map[string]struct {
		act      func(*world)
		message  string
		measured bool
	}{
		"a moment":                      {func(*world) {}, "It was too short to be measured", false},
		"a second":                      {func(*world) {}, "It was too short to be measured", false},
		"the operator has just started": {func(*world) {}, "The built-in source scrapes the pods of a release only while it is under way", false},
		"there is no /metrics": {func(w *world) {
			w.serve("10.0.0.1", http.NotFoundHandler())
			w.watch(pod("a", "new", "10.0.0.1"))
			rounds(w, 20)
		}, `The built-in source cannot scrape pod "a", which answers with 404 Not Found at http://10.0.0.1:8080/metrics`, false},
		"there is none of the pods": {func(w *world) {
			w.watch()
			rounds(w, 20)
		}, "No pod of the candidate was scraped in it", false},
		"nothing of interest": {func(w *world) {
			w.text("10.0.0.1", "# TYPE goroutines gauge\ngoroutines 3\n")
			w.watch(pod("a", "new", "10.0.0.1"))
			rounds(w, 20)
		}, "The pods of the candidate expose no value of http_request_duration_seconds, http_requests_total, process_cpu_seconds_total, process_resident_memory_bytes", false},
		"no request": {func(w *world) {
			w.serve("10.0.0.1", newWorker())
			w.watch(pod("a", "new", "10.0.0.1"))
			rounds(w, 20)
		}, "The pods of the candidate answered no request in it", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			tc.act(w)
			seconds, is := lasting[name]
			if !is {
				seconds = 20
			}
			p, anomalies := profile.Measure(t.Context(), w.b.Past(app), profile.Subject{Namespace: "prod", Name: "app", Candidate: "new", Stable: "old", Interval: time.Second}, part(w, seconds))
			if p.Message != tc.message || len(anomalies) != 0 || (p.Candidate != nil) != tc.measured || p.Stable != nil {
				t.Errorf("%q, %v, %+v, %+v", p.Message, anomalies, p.Candidate, p.Stable)
			}
		})
	}
}

// After a restart, the part that was seen is measured, and said to be that.
func TestAStepThatIsKnownInPart(t *testing.T) {
	w := newWorld(t, Options{})
	busy := newWorker()
	w.serve("10.0.0.1", busy)
	w.watch(pod("a", "new", "10.0.0.1", limited))
	begun := w.clock.Now()
	for range 30 {
		busy.work(20, 0, 40*time.Millisecond)
		w.round()
	}
	pair := profile.Pair{Part: profile.Part{Phase: v1alpha1.PhaseVerifying, Start: begun.Add(-5 * time.Minute), End: w.clock.Now()}}
	p, anomalies := profile.Measure(t.Context(), w.b.Past(app), profile.Subject{Namespace: "prod", Name: "app", Candidate: "new", Interval: time.Second}, pair)
	since := p.StartTime.Sub(begun)
	if since < -time.Second || since > 10*time.Second || len(anomalies) != 0 {
		t.Errorf("since %s, %v", since, anomalies)
	}
	if perSecond := float64(*p.Candidate.Requests) / p.EndTime.Sub(p.StartTime.Time).Seconds(); perSecond < 18 || perSecond > 22 {
		t.Errorf("%d requests, %.1f per second", *p.Candidate.Requests, perSecond)
	}
}
