package builtin

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
)

func TestIntervals(t *testing.T) {
	for name, tc := range map[string]struct {
		asked, interval, timeout time.Duration
	}{
		"none":           {0, time.Second, 900 * time.Millisecond},
		"the least":      {250 * time.Millisecond, 250 * time.Millisecond, 900 * time.Millisecond},
		"less":           {time.Millisecond, 250 * time.Millisecond, 900 * time.Millisecond},
		"some seconds":   {5 * time.Second, 5 * time.Second, 4500 * time.Millisecond},
		"many seconds":   {30 * time.Second, 30 * time.Second, 10 * time.Second},
		"the longest":    {time.Minute, time.Minute, 10 * time.Second},
		"longer":         {time.Hour, time.Minute, 10 * time.Second},
		"less than none": {-time.Second, time.Second, 900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			p := planOf(Subject{Interval: tc.asked})
			if timeout := New(Options{}).timeout(p.interval); p.interval != tc.interval || timeout != tc.timeout {
				t.Errorf("got %s and %s", p.interval, timeout)
			}
		})
	}
	if got := New(Options{Timeout: time.Millisecond}).timeout(time.Second); got != time.Millisecond {
		t.Errorf("got %s", got)
	}
}

// Rounds keep a beat that differs from subject to subject, whenever they begin.
func TestTheBeat(t *testing.T) {
	s := &subject{key: app}
	beat := noon.Add(offset(app, time.Second))
	for name, tc := range map[string]struct{ now, want time.Duration }{
		"on the beat":           {0, time.Second},
		"a little late":         {time.Millisecond, time.Second},
		"half way":              {500 * time.Millisecond, time.Second},
		"just before":           {900 * time.Millisecond, time.Second},
		"too short to count":    {901 * time.Millisecond, 2 * time.Second},
		"a nanosecond too soon": {-time.Nanosecond, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.after(beat.Add(tc.now), time.Second).Sub(beat); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	tenths := map[time.Duration]int{}
	for i := range 50 {
		key := types.NamespacedName{Namespace: "prod", Name: "app-" + strings.Repeat("x", i)}
		tenths[offset(key, time.Second)/(100*time.Millisecond)]++
	}
	for tenth, n := range tenths {
		if n > 12 || len(tenths) < 9 {
			t.Errorf("%d of 50 are in the tenth %d of %d", n, tenth, len(tenths))
		}
	}
}

func TestTheIntervalChanges(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.1", "a 1\n")
	slow := subjectWith(pod("p", "new", "10.0.0.1"))
	slow.Interval = time.Minute
	w.b.Watch(slow)
	w.await()
	w.step(time.Second) // it would wait for most of a minute
	w.b.Watch(subjectWith(slow.Pods...))
	w.until("the new interval counts", func() bool {
		w.clock.Step(100 * time.Millisecond)
		return w.times("10.0.0.1") > 1
	})
	if waited := w.clock.Since(noon); waited > 4*time.Second {
		t.Errorf("only after %s", waited)
	}
}

// Asserting the same again scrapes nothing and tells nobody.
func TestWatchingIsAState(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.1", "a 1\n")
	w.watch(pod("p", "new", "10.0.0.1"))
	for range 10 {
		w.b.Watch(subjectWith(pod("p", "new", "10.0.0.1")))
	}
	w.round()
	if got := w.times("10.0.0.1"); got != 2 {
		t.Errorf("scraped %d times, want 2", got)
	}
	select {
	case <-w.b.Scraped():
		t.Error("tells of a scrape that was none")
	default:
	}
}

// A target that hangs keeps neither the others nor the judge waiting, is asked
// once at a time, and is seen to fail.
func TestATargetHangs(t *testing.T) {
	w := newWorld(t, Options{Timeout: 300 * time.Millisecond})
	w.text("10.0.0.1", "a 1\n")
	w.serve("10.0.0.2", http.HandlerFunc(silence))
	w.b.Watch(subjectWith(pod("good", "new", "10.0.0.1"), pod("hangs", "new", "10.0.0.2")))
	w.until("it is asked", func() bool { return w.times("10.0.0.2") == 1 && w.times("10.0.0.1") == 1 && w.clock.Waiters() == 2 })
	w.clock.Step(patience)
	w.await()
	w.shows(`a`, `{__name__="a", pod="good"} 1`)
	w.clock.Step(time.Second - patience)
	w.until("the good one is asked again", func() bool { return w.times("10.0.0.1") == 2 })
	if got := w.times("10.0.0.2"); got > 2 {
		t.Errorf("the one that hangs is asked %d times", got)
	}
	want := []Health{
		{Pod: "good", Release: "new", Track: "candidate", Address: "http://10.0.0.1:8080/metrics", Up: true},
		{Pod: "hangs", Release: "new", Track: "candidate", Address: "http://10.0.0.2:8080/metrics", Reason: ReasonTimeout, Message: "does not answer within 300ms at http://10.0.0.2:8080/metrics"},
	}
	w.until("it has failed", func() bool { return cmp.Equal(want, w.b.Targets(app)) })
	w.shows(`up`, `{__name__="up", pod="good"} 1`, `{__name__="up", pod="hangs"} 0`)
}

// Whatever one target does, the others are judged.
func TestTargetsAreApart(t *testing.T) {
	w := newWorld(t, Options{Scrape: Limits{Body: 4096, Samples: 5}})
	w.text("10.0.0.1", "a 1\n")
	w.text("10.0.0.2", "a 2\n<")
	w.text("10.0.0.3", many(6))
	w.text("10.0.0.4", strings.Repeat("#", 5000))
	w.watch(pod("a", "new", "10.0.0.1"), pod("b", "new", "10.0.0.2"), pod("c", "new", "10.0.0.3"), pod("d", "new", "10.0.0.4"), pod("e", "new", "10.0.0.5"))
	w.shows(`{__name__=~"a|m.*"}`, `{__name__="a", pod="a"} 1`)
	w.shows(`up`, `{__name__="up", pod="a"} 1`, `{__name__="up", pod="b"} 0`, `{__name__="up", pod="c"} 0`, `{__name__="up", pod="d"} 0`, `{__name__="up", pod="e"} 0`)
	var got []string
	for _, h := range w.b.Targets(app) {
		got = append(got, h.Pod+" "+h.Reason)
	}
	if diff := cmp.Diff([]string{"a ", "b malformed", "c sample_limit", "d body_size", "e connection"}, got); diff != "" {
		t.Error(diff)
	}
	const metrics = `# HELP signal_operator_builtin_samples Samples in memory.
# TYPE signal_operator_builtin_samples gauge
signal_operator_builtin_samples 26
# HELP signal_operator_builtin_scrape_failures_total Scrapes of pods that failed, by reason.
# TYPE signal_operator_builtin_scrape_failures_total counter
signal_operator_builtin_scrape_failures_total{reason="body_size"} 1
signal_operator_builtin_scrape_failures_total{reason="bucket_limit"} 0
signal_operator_builtin_scrape_failures_total{reason="connection"} 1
signal_operator_builtin_scrape_failures_total{reason="content_type"} 0
signal_operator_builtin_scrape_failures_total{reason="encoding"} 0
signal_operator_builtin_scrape_failures_total{reason="label_limit"} 0
signal_operator_builtin_scrape_failures_total{reason="malformed"} 1
signal_operator_builtin_scrape_failures_total{reason="redirect"} 0
signal_operator_builtin_scrape_failures_total{reason="sample_limit"} 1
signal_operator_builtin_scrape_failures_total{reason="status"} 0
signal_operator_builtin_scrape_failures_total{reason="store_limit"} 0
signal_operator_builtin_scrape_failures_total{reason="timeout"} 0
# HELP signal_operator_builtin_series Series in memory.
# TYPE signal_operator_builtin_series gauge
signal_operator_builtin_series 26
# HELP signal_operator_builtin_targets Pods that are scraped now.
# TYPE signal_operator_builtin_targets gauge
signal_operator_builtin_targets 5
`
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(w.b)
	text, _ := exposed(r, "text/plain")
	before, after, _ := strings.Cut(string(text), "# HELP signal_operator_builtin_scrape_duration_seconds")
	_, failures, _ := strings.Cut(after, "# HELP signal_operator_builtin_scrape_failures_total")
	if diff := cmp.Diff(metrics, before+"# HELP signal_operator_builtin_scrape_failures_total"+failures); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(after, "\nsignal_operator_builtin_scrape_duration_seconds_count 5\n") {
		t.Error(after)
	}
}

// A target that goes while it is asked ends, and so does one that is forgotten.
func TestATargetGoesWhileItIsAsked(t *testing.T) {
	w := newWorld(t, Options{Timeout: time.Hour})
	w.text("10.0.0.1", "a 1\n")
	p := pod("p", "new", "10.0.0.1")
	w.watch(p)
	w.serve("10.0.0.1", http.HandlerFunc(silence))
	w.step(time.Second)
	w.until("it is asked", func() bool { return w.times("10.0.0.1") == 2 && w.clock.Waiters() == 2 })
	w.clock.Step(100 * time.Millisecond)
	w.b.Watch(subjectWith())
	w.await()
	w.shows(`{__name__=~"a|up"}`)
	w.shows(`count_over_time(up[1m])`, `{pod="p"} 1`)
}

// Nothing is left of a subject that is forgotten, or of a source that stops.
func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	func() {
		w := newWorld(t, Options{Timeout: time.Hour})
		if !w.b.NeedLeaderElection() {
			t.Error("scrapes without the lease")
		}
		w.text("10.0.0.1", "a 1\n")
		w.serve("10.0.0.2", http.HandlerFunc(silence))
		w.b.Watch(subjectWith(pod("p", "new", "10.0.0.1"), pod("q", "new", "10.0.0.2")))
		w.until("they are asked", func() bool { return w.times("10.0.0.1") == 1 && w.times("10.0.0.2") == 1 && w.clock.Waiters() == 2 })
		w.b.Forget(app)
		w.b.Forget(app)
		w.until("nothing waits", func() bool { return w.clock.Waiters() == 0 })
		if w.b.Targets(app) != nil {
			t.Error("has targets")
		}
		w.text("10.0.0.2", "a 2\n")
		w.watch(pod("q", "new", "10.0.0.2"))
		w.shows("a", `{__name__="a", pod="q"} 2`)
		w.serve("10.0.0.2", http.HandlerFunc(silence))
		w.step(time.Second)
		w.until("it is asked", func() bool { return w.times("10.0.0.2") == 3 })
		w.stop()
		if n := w.clock.Waiters(); n != 0 {
			t.Errorf("%d timers are left", n)
		}
	}()
	// The test's own server ends its connections a little later.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before+3; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, before %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// What is watched before the source starts is scraped once it does.
func TestWatchedBeforeTheStart(t *testing.T) {
	b := New(Options{})
	b.Watch(subjectWith())
	b.Watch(Subject{Key: types.NamespacedName{Name: "gone"}})
	b.Forget(types.NamespacedName{Name: "gone"})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Start(ctx) }()
	if e := <-b.Scraped(); e.Object.GetName() != "app" {
		t.Errorf("got %s", e.Object.GetName())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A reader that does not keep up loses nothing but repetition.
func TestNobodyListens(t *testing.T) {
	b := New(Options{})
	for range 2000 {
		b.announce(app)
	}
	if len(b.scraped) != cap(b.scraped) {
		t.Errorf("%d wait", len(b.scraped))
	}
}
