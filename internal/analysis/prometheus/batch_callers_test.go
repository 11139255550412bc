package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/internal/analysis"
)

// Who gives up gets an error as if alone; others get their answer.
func TestOneGivesUp(t *testing.T) {
	s := newSharers(t, BatchOptions{}, 0)
	gone, leave := context.WithCancel(t.Context())
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if got := inWhichWay(s.batch.Query(late, "tick", noon)); got != "does not answer within 5s" {
		t.Error(got)
	}
	var got told
	var all sync.WaitGroup
	left := make(chan struct{})
	go func() {
		defer close(left)
		if got := inWhichWay(s.batch.Query(gone, "one", noon)); got != "cannot be reached" {
			t.Error(got)
		}
	}()
	all.Go(func() { got = heard(s.batch.Query(t.Context(), "tick", noon)) })
	s.until(func() bool {
		s.batch.mu.Lock()
		defer s.batch.mu.Unlock()
		return len(s.batch.groups) == 1 && s.batch.groups[0].arrivals == 2
	})
	leave()
	<-left
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	s.gathered(2, done)
	if asked := s.server.queries(); !slices.Equal(asked, []string{"tick"}) {
		t.Errorf("asked %q, though nobody waits for the other", asked)
	}
	s.asAlone([]string{"tick"}, []told{got})
}

// When everybody has gone, so has the request, and nothing is left.
func TestNobodyIsLeft(t *testing.T) {
	s := newSharers(t, BatchOptions{}, time.Minute)
	var begun, ended atomic.Int32
	s.server.intercept(func(w http.ResponseWriter, r *http.Request, _ string) bool {
		begun.Add(1)
		silence(w, r)
		ended.Add(1)
		return true
	})
	before := runtime.NumGoroutine()
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() { _, _ = s.batch.Query(ctx, fmt.Sprintf("tick + %d", i), noon) })
		all.Go(func() { _, _ = s.batch.QueryRange(ctx, "tick", noon.Add(-time.Minute), noon, time.Second) })
	}
	done := make(chan struct{})
	go func() {
		s.until(func() bool { return begun.Load() == 2 })
		leave()
		all.Wait()
		close(done)
	}()
	s.gathered(5, done)
	s.until(func() bool { return ended.Load() == 2 })
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	s.until(func() bool { return runtime.NumGoroutine() <= before+2 }) // the server's own
	s.batch.mu.Lock()
	defer s.batch.mu.Unlock()
	if len(s.batch.groups)+len(s.batch.ranges) != 0 {
		t.Error("something is left")
	}
}

func TestEqualRangesAreShared(t *testing.T) {
	s := newSharers(t, BatchOptions{}, 0)
	release := make(chan struct{})
	s.server.intercept(func(w http.ResponseWriter, r *http.Request, _ string) bool {
		<-release
		result("matrix", `[{"metric":{},"values":[[1893499200,"1"]]}]`)(w, r)
		return true
	})
	var all sync.WaitGroup
	ask := func(query string, step time.Duration) {
		all.Go(func() {
			got, err := s.batch.QueryRange(t.Context(), query, noon.Add(-time.Minute), noon, step)
			if diff := cmp.Diff([][]analysis.Point{{{Time: noon, Value: 1}}}, got, alike...); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
	for range 4 {
		ask("tick", time.Second)
	}
	ask("tick", 2*time.Second)
	ask("one", time.Second)
	s.until(func() bool {
		s.batch.mu.Lock()
		defer s.batch.mu.Unlock()
		callers := 0
		for _, g := range s.batch.ranges {
			callers += g.callers
		}
		return callers == 6
	})
	close(release)
	all.Wait()
	if asked := s.server.queries(); len(asked) != 3 {
		t.Errorf("asked %q", asked)
	}
}

// inWhichWay a source is unavailable.
func inWhichWay(_ []analysis.Point, err error) string {
	if e, ok := errors.AsType[*analysis.UnavailableError](err); ok {
		return e.How
	}
	return fmt.Sprint(err)
}
