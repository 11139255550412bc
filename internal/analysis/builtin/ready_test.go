package builtin

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/signal-delivery/operator/internal/series"
)

// Whether silence says anything, and whether it ever will.
func TestReadyAndBarren(t *testing.T) {
	w := newWorld(t, Options{})
	says := func(when, ready string, barren bool) {
		t.Helper()
		got := ""
		if err := w.b.Ready(app, w.clock.Now()); err != nil {
			got = how(err)
		}
		if !strings.Contains(got, ready) || (got == "") != (ready == "") || w.b.Barren(app) != barren {
			t.Errorf("%s: %q, barren %t", when, got, w.b.Barren(app))
		}
	}
	says("before it is watched", "only while it is under way", false)
	w.watch(pod("p", "new", "10.0.0.1"))
	says("once it refused", "refuses connections", true)
	w.text("10.0.0.1", "a 1\n")
	w.round()
	says("once it answers", "", false)
	for range 10 {
		w.round()
	}
	says("with history", "", false)
	w.mu.Lock()
	clear(w.pods)
	w.mu.Unlock()
	w.round()
	says("once it does not answer any more", "404 Not Found", false)
}

// Without a pod of the candidate that could be asked, there is nothing to
// wait for.
func TestBarrenWithoutPods(t *testing.T) {
	w := newWorld(t, Options{})
	w.text("10.0.0.9", "a 1\n")
	w.watch(pod("old", "old", "10.0.0.9"))
	if !w.b.Barren(app) {
		t.Error("a pod of the stable release counts")
	}
}

// What rules record is asked for like anything that was scraped, and goes with
// it.
func TestRecord(t *testing.T) {
	w := newWorld(t, Options{})
	made := []series.Sample{{Labels: labels.FromStrings("__name__", "made", "pod", "p"), Value: 3}}
	if err := w.b.Record(app, w.clock.Now(), made); err == nil {
		t.Error("nothing is watched")
	}
	if !w.b.Latest(app).IsZero() {
		t.Error("nothing was scraped")
	}
	w.text("10.0.0.1", "a 1\n")
	w.watch(pod("p", "new", "10.0.0.1"))
	if err := w.b.Record(app, w.clock.Now(), made); err != nil {
		t.Fatal(err)
	}
	w.shows(`made`, `{__name__="made", pod="p"} 3`)
	if !w.b.Latest(app).Equal(w.clock.Now()) {
		t.Errorf("the newest scrape was at %s", w.b.Latest(app))
	}
	was := w.b.Latest(app)
	w.round()
	if !w.b.Latest(app).After(was) {
		t.Error("another round is no news")
	}
	w.b.Forget(app)
	if _, err := w.b.Ask(t.Context(), app, "made", w.clock.Now()); err == nil {
		t.Error("it outlives the release")
	}
}
