package builtin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/series"
)

// told is what the source answers with, in a line.
func (w *world) told(query string) string {
	points, err := w.b.Source(app).Query(w.Context(), query, w.clock.Now())
	if err == nil {
		values := []string{}
		for _, p := range points {
			values = append(values, fmt.Sprintf("%v@%s", p.Value, w.clock.Now().Sub(p.Time).Round(time.Millisecond)))
		}
		return strings.Join(values, " ")
	}
	if _, ok := errors.AsType[*analysis.UnavailableError](err); ok {
		return "unavailable: " + how(err)
	}
	return err.Error()
}

func (w *world) tells(query, want string) {
	w.Helper()
	if diff := cmp.Diff(want, w.told(query)); diff != "" {
		w.Errorf("%s: %s", query, diff)
	}
}

func TestAnswers(t *testing.T) {
	w := newWorld(t, Options{})
	r := prometheus.NewRegistry()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "h", NativeHistogramBucketFactor: 2})
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "g", Help: "g"}, []string{"x"})
	r.MustRegister(h, g)
	g.WithLabelValues("1").Set(1)
	g.WithLabelValues("2").Set(2)
	h.Observe(1)
	w.serve("10.0.0.1", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	w.watch(pod("p", "new", "10.0.0.1"))
	for query, want := range map[string]string{
		`sum(g)`:         "3@0s",
		`sort(g)`:        "1@0s 2@0s",
		`g{x="3"}`:       "",
		`scalar(sum(g))`: "3@0s",
		`1`:              "1@0s",
		`"text"`:         "the query does not answer with numbers: it answers with a string",
		`g[1m]`:          "the query does not answer with numbers: it answers with a matrix",
		`h`:              "the query does not answer with numbers: it answers with a histogram; take a quantile or a count of it",
		`sum(`:           "the server rejects the query: 1:5: parse error: unclosed left parenthesis",
		`g * on(pod) g`:  `the server rejects the query: found duplicate series for the match group {pod="p"} on the right hand-side of the operation`,
	} {
		got := w.told(query)
		if strings.Contains(want, "duplicate") {
			got = got[:min(len(got), len(want))] // the rest names the series
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
	if got := w.told(`g{` + strings.Repeat("é", 1000)); !strings.HasPrefix(got, "the server rejects the query: ") || len(got) > maxWords+40 {
		t.Errorf("%d bytes: %s", len(got), got)
	}
	if got := w.b.Source(app).Name(); got != "built-in" {
		t.Errorf("is called %q", got)
	}
}

// Buckets can be told apart, by bounds.
func TestBucketsHaveTheirBounds(t *testing.T) {
	w := newWorld(t, Options{})
	r := prometheus.NewRegistry()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "h", Buckets: []float64{1, 2}})
	r.MustRegister(h)
	h.Observe(1.5)
	w.serve("10.0.0.1", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	w.watch(pod("p", "new", "10.0.0.1"))
	points, err := w.b.Source(app).Query(t.Context(), "sum by (le) (h_bucket)", w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, p := range points {
		got[p.Bound] = p.Value
	}
	if diff := cmp.Diff(map[string]float64{"1.0": 0, "2.0": 1, "+Inf": 1}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRanges(t *testing.T) {
	w := newWorld(t, Options{})
	r := prometheus.NewRegistry()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "h", Help: "h", NativeHistogramBucketFactor: 2})
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "g", Help: "g"})
	r.MustRegister(h, g)
	w.serve("10.0.0.1", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	w.watch(pod("p", "new", "10.0.0.1"))
	g.Set(2)
	w.round()
	now := w.clock.Now()
	ask := func(query string, from time.Duration) ([][]analysis.Point, error) {
		return w.b.Source(app).QueryRange(t.Context(), query, now.Add(from), now, time.Second)
	}
	got, err := ask("g", -2*time.Second)
	want := [][]analysis.Point{{{Time: time.UnixMilli(now.Add(-time.Second).UnixMilli()), Value: 0}, {Time: time.UnixMilli(now.UnixMilli()), Value: 2}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if got, err := ask("nothing", -time.Second); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	if _, err := ask("h", -time.Second); !errors.Is(err, analysis.ErrType) {
		t.Error(err)
	}
	if _, err := ask("g[", -time.Second); !errors.Is(err, analysis.ErrRejected) {
		t.Error(err)
	}
	if _, err := ask("g", time.Second); !errors.Is(err, analysis.ErrRejected) {
		t.Error(err)
	}
	w.serve("10.0.0.1", http.NotFoundHandler())
	w.round()
	if _, err := ask("g", -time.Second); !strings.HasPrefix(how(err), "cannot scrape pod") {
		t.Error(err)
	}
}

func TestAQueryThatTakesTooLong(t *testing.T) {
	w := newWorld(t, Options{Engine: series.NewEngine(series.EngineOptions{Timeout: time.Nanosecond})})
	w.text("10.0.0.1", "a 1\n")
	w.watch(pod("p", "new", "10.0.0.1"))
	w.tells("a", "unavailable: does not answer in time")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.b.Source(app).Query(ctx, "a", w.clock.Now()); how(err) != "does not answer in time" {
		t.Error(err)
	}
}

// Law 8: what is not known is neither passed nor failed, whatever number the
// query falls back to.
func TestSilenceIsNotConsent(t *testing.T) {
	const zero = "sum(errors) or vector(0)"
	const other = `, which answers with 404 Not Found at http://10.0.0.1:8080/metrics`
	w := newWorld(t, Options{})
	w.tells(zero, "unavailable: scrapes the pods of a release only while it is under way")
	_, err := w.b.Ask(t.Context(), app, zero, w.clock.Now())
	if got := how(err); got != "scrapes the pods of a release only while it is under way" {
		t.Error(got)
	}
	w.watch()
	w.tells(zero, "unavailable: sees no pod of the candidate")
	w.text("10.0.0.9", "a 1\n")
	stable := pod("stable", "old", "10.0.0.9")
	w.step(100 * time.Millisecond)
	w.watch(stable)
	w.tells(zero, "unavailable: sees no pod of the candidate")
	w.b.Watch(subjectWith(stable, pod("p", "new", "")))
	w.tells(zero, "unavailable: finds no pod of the candidate that it can scrape: they need an address, which the node's own is not, and the port of spec.analysis.scrape")
	w.serve("10.0.0.1", http.NotFoundHandler())
	w.serve("10.0.0.2", http.NotFoundHandler())
	w.step(100 * time.Millisecond)
	w.watch(stable, pod("p", "new", "10.0.0.1"), pod("q", "new", "10.0.0.2"))
	w.tells(zero, `unavailable: cannot scrape pod "p"`+other)
	w.text("10.0.0.2", "a 2\n")
	w.step(800 * time.Millisecond)
	w.await()
	w.tells(zero, "0@0s") // one of two can speak for the candidate
	w.tells("errors", `unavailable: cannot scrape pod "p"`+other)
	w.shows("errors")
	w.text("10.0.0.1", "a 3\n")
	w.round()
	w.tells("errors", "")
	w.serve("10.0.0.1", http.NotFoundHandler())
	w.serve("10.0.0.2", http.NotFoundHandler())
	w.round()
	w.tells("sum(a)", `unavailable: cannot scrape pod "p"`+other)
	w.shows("sum(a)", "{} 1")
	w.b.Forget(app)
	w.tells(zero, "unavailable: scrapes the pods of a release only while it is under way")
}

func TestNothingIsScrapedYet(t *testing.T) {
	w := newWorld(t, Options{})
	w.stop()
	w.b.Watch(subjectWith(pod("p", "new", "10.0.0.1")))
	w.tells("1", "unavailable: finds no pod of the candidate that it can scrape: they need an address, which the node's own is not, and the port of spec.analysis.scrape")
}

// After a restart, the operator does not judge by the last two scrapes.
func TestHistoryIsGatheredAgain(t *testing.T) {
	const gathering = "unavailable: has too little history yet, which it gathers anew after the operator has started"
	for name, tc := range map[string]struct {
		judged  time.Duration // before the watch began
		unknown int           // rounds, from the first, that are not enough
	}{
		"judged from the beginning":   {0, 0},
		"judged a little longer":      {3 * time.Second, 0},
		"judged longer":               {3001 * time.Millisecond, 7},
		"judged for long":             {time.Hour, 7},
		"to be judged in some moment": {-time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.text("10.0.0.1", "a 1\n")
			s := subjectWith(pod("p", "new", "10.0.0.1"))
			s.Since = w.clock.Now().Add(-tc.judged)
			w.b.Watch(s)
			w.await()
			for i := range tc.unknown {
				if got := w.told("a"); got != gathering {
					t.Errorf("round %d: got %s", i, got)
				}
				w.round()
			}
			w.tells("a", "1@0s")
			w.shows("a", `{__name__="a", pod="p"} 1`)
		})
	}
}

// A port that no pod has is not a reason to wait in silence.
func TestThePortIsNotThere(t *testing.T) {
	w := newWorld(t, Options{})
	s := subjectWith(pod("p", "new", "10.0.0.1"))
	s.Scrape = v1alpha1.ScrapeSpec{Port: new(intstr.FromString("other"))}
	w.b.Watch(s)
	w.await()
	if got := w.told("1"); !strings.HasPrefix(got, "unavailable: finds no pod of the candidate that it can scrape") {
		t.Error(got)
	}
}

// What one release exposes is not seen by another's queries.
func TestSubjectsAreApart(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.1", "a 1\n")
	w.watch(pod("p", "new", "10.0.0.1"))
	s := subjectWith()
	s.Key = types.NamespacedName{Namespace: "prod", Name: "other"}
	w.b.Watch(s)
	answer, err := w.b.Ask(t.Context(), s.Key, "a", w.clock.Now())
	if err != nil || answer.String() != "" {
		t.Error(answer, err)
	}
}

func TestFactsAreKept(t *testing.T) {
	w := newWorld(t, Options{})
	restarted := func(n int32) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "signal", RestartCount: n}}
			if n > 0 {
				p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}
			}
		}
	}
	const restarts = `kube_pod_container_status_restarts_total{track="candidate",release="new"}`
	w.watch(pod("p", "new", "", restarted(0)))
	w.shows(restarts, `{__name__="kube_pod_container_status_restarts_total", pod="p"} 0`)
	w.step(100 * time.Millisecond)
	w.b.Watch(subjectWith(pod("p", "new", "", restarted(1)))) // is known at once, to whoever judges now
	w.shows(restarts, `{__name__="kube_pod_container_status_restarts_total", pod="p"} 1`)
	w.shows(`kube_pod_container_status_waiting_reason`, `{__name__="kube_pod_container_status_waiting_reason", pod="p", reason="CrashLoopBackOff"} 1`)
	w.step(900 * time.Millisecond)
	w.await()
	w.shows(`count_over_time(`+restarts+`[1m])`, `{pod="p"} 3`)
	w.step(100 * time.Millisecond)
	w.b.Watch(subjectWith(pod("p", "new", "", restarted(0))))
	w.shows(`kube_pod_container_status_waiting_reason`)
	w.step(100 * time.Millisecond)
	w.b.Watch(subjectWith())
	w.shows(restarts)
}
