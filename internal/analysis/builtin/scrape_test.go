package builtin

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/internal/series"
)

func TestPodsAreScrapedSideBySide(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.1", "a 1\n")
	w.text("10.0.0.2", "a 2\n")
	w.watch(pod("new-1", "new", "10.0.0.1"), pod("old-1", "old", "10.0.0.2"))
	w.shows(`a`, `{__name__="a", pod="new-1"} 1`, `{__name__="a", pod="old-1"} 2`)
	w.shows(`a{track="candidate"}`, `{__name__="a", pod="new-1"} 1`)
	w.shows(`a{release="old"}`, `{__name__="a", pod="old-1"} 2`)
	w.shows(`up`, `{__name__="up", pod="new-1"} 1`, `{__name__="up", pod="old-1"} 1`)
	w.text("10.0.0.1", "a 3\n")
	w.text("10.0.0.2", "a 4\n")
	w.round()
	w.shows(`a`, `{__name__="a", pod="new-1"} 3`, `{__name__="a", pod="old-1"} 4`)
	w.shows(`count(count by (t) (label_replace(timestamp(a), "t", "$1", "", "x")))`, `{} 1`)
}

func TestWhatTheScraperSays(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.1", "a 1\nb 1\nup 0\n")
	w.watch(pod("p", "new", "10.0.0.1"))
	w.shows(`{__name__=~"up|scrape_.*"}`, `{__name__="up", pod="p"} 1`, `{__name__="scrape_duration_seconds", pod="p"} 0`,
		`{__name__="scrape_samples_scraped", pod="p"} 3`, `{__name__="scrape_samples_post_metric_relabeling", pod="p"} 2`, `{__name__="scrape_series_added", pod="p"} 2`)
	w.shows(`up{container="signal",instance="10.0.0.1:8080",job="prod/app",service="app",delivery_signal_dev_name="app",delivery_signal_dev_release="new"}`, `{__name__="up", pod="p"} 1`)
	w.serve("10.0.0.1", http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
		w.clock.Step(100 * time.Millisecond) // it takes its time
		says(plain, "a 1\n<")(to, r)
	}))
	w.round()
	w.shows(`{__name__=~"up|scrape_.*"}`, `{__name__="up", pod="p"} 0`, `{__name__="scrape_duration_seconds", pod="p"} 0.1`,
		`{__name__="scrape_samples_scraped", pod="p"} 1`, `{__name__="scrape_samples_post_metric_relabeling", pod="p"} 1`, `{__name__="scrape_series_added", pod="p"} 0`)
}

// Series end when they vanish, when the target fails and when it goes.
func TestStaleness(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.1", "a 1\nb 1\n")
	p := pod("p", "new", "10.0.0.1")
	w.watch(p)
	w.text("10.0.0.1", "a 2\n")
	w.round()
	w.shows(`{__name__=~"a|b"}`, `{__name__="a", pod="p"} 2`)
	w.shows(`count_over_time(b[10s])`, `{pod="p"} 1`)
	w.serve("10.0.0.1", http.NotFoundHandler())
	w.round()
	w.shows(`{__name__=~"a|b|up"}`, `{__name__="up", pod="p"} 0`)
	w.text("10.0.0.1", "a 3\n")
	w.round()
	w.shows(`{__name__=~"a|b|up"}`, `{__name__="a", pod="p"} 3`, `{__name__="up", pod="p"} 1`)
	w.step(100 * time.Millisecond)
	w.b.Watch(subjectWith())
	w.until("the series are stale", func() bool { return len(w.b.Targets(app)) == 0 })
	w.shows(`{__name__=~"a|b|up|scrape_.*"}`)
	w.shows(`count_over_time(a[10s])`, `{pod="p"} 3`)
}

func TestNewPodsAreScrapedAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.1", "a 1\n")
	w.text("10.0.0.2", "a 2\n")
	first, second := pod("first", "new", "10.0.0.1"), pod("second", "new", "10.0.0.2")
	w.watch(first)
	w.step(300 * time.Millisecond)
	w.watch(first, second)
	w.shows(`a`, `{__name__="a", pod="first"} 1`, `{__name__="a", pod="second"} 2`)
	if w.times("10.0.0.1") != 1 {
		t.Errorf("the other is scraped %d times, want once", w.times("10.0.0.1"))
	}
	w.step(700 * time.Millisecond)
	w.await()
	if w.times("10.0.0.1") != 2 || w.times("10.0.0.2") != 2 {
		t.Errorf("scraped %d and %d times, want twice each: the beat does not change", w.times("10.0.0.1"), w.times("10.0.0.2"))
	}
}

// A pod that comes back under its name is another.
func TestAPodIsReplaced(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.1", "# TYPE c counter\nc 100\n")
	w.text("10.0.0.2", "# TYPE c counter\nc 5\n")
	old, elsewhere := pod("p", "new", "10.0.0.1"), pod("p", "new", "10.0.0.2")
	elsewhere.UID = "another"
	w.watch(old)
	w.round()
	w.step(300 * time.Millisecond)
	w.watch(elsewhere)
	w.shows(`c`, `{__name__="c", pod="p"} 5`)
	w.shows(`c{instance="10.0.0.1:8080"}`)
	here := pod("p", "new", "10.0.0.2")
	here.UID = "a third"
	w.text("10.0.0.2", "# TYPE c counter\nc 3\n")
	w.step(300 * time.Millisecond)
	w.watch(here)
	w.shows(`c`, `{__name__="c", pod="p"} 3`)
	w.shows(`up`, `{__name__="up", pod="p"} 1`)
}

// The judge must see the first errors in one scrape.
func TestTheFirstErrorsAreAnIncrease(t *testing.T) {
	w := newWorld(t, Options{})
	const fine = "# TYPE r_total counter\nr_total{code=\"200\"} 100\n"
	w.text("10.0.0.1", fine)
	w.watch(pod("p", "new", "10.0.0.1"))
	w.round()
	w.text("10.0.0.1", fine+"r_total{code=\"500\"} 10\n")
	w.round()
	w.shows(`increase(r_total[1500ms])`, `{code="200", pod="p"} 0`, `{code="500", pod="p"} 10`)
	w.shows(`increase(r_total[1s])`) // a range leaves out its beginning
	w.shows(`max_over_time(r_total{code="500"}[5s]) - min_over_time(r_total{code="500"}[5s])`, `{code="500", pod="p"} 10`)
	w.text("10.0.0.1", fine)
	w.round()
	w.text("10.0.0.1", fine+"r_total{code=\"500\"} 12\n")
	w.round()
	w.shows(`min_over_time(r_total{code="500"}[1900ms])`, `{code="500", pod="p"} 12`) // it is back, but not new
}

// A counter that is only seen again has not begun again.
func TestATargetThatWasAwayHasNothingNew(t *testing.T) {
	w := newWorld(t, Options{})
	const fine = "# TYPE r_total counter\nr_total 100000\n"
	w.text("10.0.0.1", fine)
	w.watch(pod("p", "new", "10.0.0.1"))
	w.serve("10.0.0.1", http.NotFoundHandler())
	w.round()
	w.text("10.0.0.1", fine+"r_total{code=\"500\"} 10\n")
	w.round()
	w.shows(`increase(r_total[10s])`, `{pod="p"} 0`, `{code="500", pod="p"} 10`)
}

func TestACounterIsReset(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.1", "# TYPE r_total counter\nr_total 100\n")
	w.watch(pod("p", "new", "10.0.0.1"))
	for _, value := range []string{"110", "4"} {
		w.text("10.0.0.1", "# TYPE r_total counter\nr_total "+value+"\n")
		w.round()
	}
	w.shows(`resets(r_total[10s])`, `{pod="p"} 1`)
	w.shows(`increase(r_total[3s])`, `{pod="p"} 21`) // 14 in two seconds, and in one more as it goes
}

// What a container counts that started while it was watched, it counted since.
func TestAContainerThatStartsUnderWatch(t *testing.T) {
	for name, tc := range map[string]struct {
		started time.Duration // since the watch began
		want    []string
	}{
		"before":        {-time.Second, nil},
		"while":         {500 * time.Millisecond, []string{`{pod="p"} 10`}},
		"in the future": {time.Hour, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.watch()
			w.text("10.0.0.1", "# TYPE r_total counter\nr_total 10\n")
			w.step(900 * time.Millisecond)
			w.watch(pod("p", "new", "10.0.0.1", func(p *corev1.Pod) {
				p.Status.ContainerStatuses = []corev1.ContainerStatus{{
					Name:  "signal",
					State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(noon.Add(offset(app, time.Second) + tc.started))}},
				}}
			}))
			w.shows(`max_over_time(r_total[5s]) - min_over_time(r_total[5s]) > 0`, tc.want...)
			w.shows(`r_total`, `{__name__="r_total", pod="p"} 10`)
		})
	}
}

func TestNativeHistograms(t *testing.T) {
	w := newWorld(t, Options{})
	r := prometheus.NewRegistry()
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "seconds", Help: "h", NativeHistogramBucketFactor: 2, Buckets: []float64{1}}, []string{"code"})
	r.MustRegister(h)
	w.serve("10.0.0.1", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	h.WithLabelValues("200").Observe(2)
	w.watch(pod("p", "new", "10.0.0.1"))
	h.WithLabelValues("200").Observe(2)
	h.WithLabelValues("500").Observe(2)
	w.round()
	w.shows(`histogram_count(seconds)`, `{code="200", pod="p"} 2`, `{code="500", pod="p"} 1`)
	w.shows(`histogram_quantile(0.5, sum(seconds)) > 1 < 2`, `{} 1.414213562373095`)
	w.shows(`histogram_count(increase(seconds[2s])) > 0`, `{code="200", pod="p"} 2`, `{code="500", pod="p"} 1`)
	w.shows(`seconds_count`, `{__name__="seconds_count", code="200", pod="p"} 2`, `{__name__="seconds_count", code="500", pod="p"} 1`)
	w.serve("10.0.0.1", http.NotFoundHandler())
	w.round()
	w.shows(`seconds`)
}

func TestTimesThatATargetGives(t *testing.T) {
	w := newWorld(t, Options{})
	at := func(d time.Duration) string { return " " + inMillis(w.clock.Now().Add(d)) + "\n" }
	w.text("10.0.0.1", "past 1"+at(-30*time.Second)+"past 2"+at(-20*time.Second)+"ahead 1"+at(time.Minute)+"far 1"+at(time.Minute+time.Millisecond)+"old 1"+at(-time.Hour)+"a 1\n")
	w.watch(pod("p", "new", "10.0.0.1"))
	w.shows(`past`, `{__name__="past", pod="p"} 2`)
	w.shows(`past offset 25s`, `{__name__="past", pod="p"} 1`)
	w.shows(`{__name__=~"a|ahead|far|old"}`, `{__name__="a", pod="p"} 1`)
	w.shows(`{__name__=~"ahead|far"} offset -1m`, `{__name__="ahead", pod="p"} 1`)
	w.text("10.0.0.1", "a 1\n")
	w.round()
	w.shows(`past`, `{__name__="past", pod="p"} 2`) // what has a time of its own is not stale
}

// One target that holds too much fails; the others, and what was known of it,
// do not.
func TestTheStoreIsFull(t *testing.T) {
	w := newWorld(t, Options{Store: series.Limits{Series: 20}})
	w.text("10.0.0.1", "a 1\n")
	w.text("10.0.0.2", "a 2\n")
	w.watch(pod("calm", "new", "10.0.0.1"), pod("huge", "new", "10.0.0.2"))
	w.text("10.0.0.2", "a 3\n"+many(9))
	w.b.Watch(subjectWith(pod("calm", "new", "10.0.0.1"), pod("huge", "new", "10.0.0.2")))
	w.round()
	want := []Health{
		{Pod: "calm", Release: "new", Track: "candidate", Address: "http://10.0.0.1:8080/metrics", Up: true},
		{Pod: "huge", Release: "new", Track: "candidate", Address: "http://10.0.0.2:8080/metrics", Reason: ReasonStoreLimit, Message: "exposes more than there is room for at http://10.0.0.2:8080/metrics"},
	}
	if diff := cmp.Diff(want, w.b.Targets(app)); diff != "" {
		t.Error(diff)
	}
	_, err := w.b.Ask(t.Context(), app, "up", w.clock.Now())
	if diff := cmp.Diff("holds as many series of this release as it may; let its pods expose less, or raise the limit", how(err)); diff != "" {
		t.Error(diff)
	}
	w.text("10.0.0.2", "a 4\n")
	w.round()
	w.shows(`a`, `{__name__="a", pod="calm"} 1`, `{__name__="a", pod="huge"} 4`)
	w.shows(`up offset 1s`, `{__name__="up", pod="calm"} 1`, `{__name__="up", pod="huge"} 0`)
	w.shows(`a offset 1s`, `{__name__="a", pod="calm"} 1`)
}
