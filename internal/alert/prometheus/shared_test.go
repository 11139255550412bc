package prometheus

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/signal-delivery/operator/internal/alert"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

const oneGroup = `{"status":"success","data":{"groups":[{"name":"g","rules":[]}]}}`

// counting is a server that counts who asks, and a view of it whose time
// stands still.
func counting(t *testing.T, h http.HandlerFunc) (*Shared, *clocktesting.FakePassiveClock, *atomic.Int32) {
	t.Helper()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		h(w, r)
	}))
	t.Cleanup(server.Close)
	clock := clocktesting.NewFakePassiveClock(noon)
	return NewShared(sourceOf(t, server.URL, 0), SharedOptions{Clock: clock}), clock, &asked
}

func TestHowOldAListingMayBe(t *testing.T) {
	for name, tc := range map[string]struct {
		age, later time.Duration
		want       int32
	}{
		"at once":                  {time.Second, 0, 1},
		"as old as may be":         {time.Second, time.Second, 1},
		"older":                    {time.Second, time.Second + 1, 2},
		"by default":               {0, 125 * time.Millisecond, 1},
		"older than by default":    {0, 126 * time.Millisecond, 2},
		"a short interval's":       {100 * time.Millisecond, 101 * time.Millisecond, 2},
		"a negative age":           {-time.Second, 126 * time.Millisecond, 2},
		"the clock was put back":   {time.Second, -time.Second, 2},
		"another view is older":    {time.Minute, 2 * time.Second, 1},
		"a view that is as strict": {2 * time.Second, 2 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			shared, clock, asked := counting(t, answer(http.StatusOK, oneGroup))
			if _, err := shared.Rules(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.SetTime(noon.Add(tc.later))
			got, err := alert.Within(tc.age, shared).Rules(t.Context())
			if diff := cmp.Diff([]alert.LiveGroup{{Name: "g"}}, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if asked.Load() != tc.want {
				t.Errorf("asked %d times", asked.Load())
			}
		})
	}
}

// The age counts from when the request began, not from when it was answered.
func TestASlowListing(t *testing.T) {
	release := make(chan struct{})
	shared, clock, asked := counting(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		answer(http.StatusOK, oneGroup)(w, r)
	})
	var all sync.WaitGroup
	ask := func() {
		all.Go(func() {
			if _, err := shared.Within(time.Second).Rules(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	for range 50 {
		ask()
	}
	until(t, func() bool { return callers(shared) == 50 })
	clock.SetTime(noon.Add(2 * time.Second))
	ask()
	until(t, func() bool { return asked.Load() == 2 })
	close(release)
	all.Wait()
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func callers(s *Shared) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest == nil {
		return 0
	}
	return s.latest.callers
}

func TestAnErrorIsShared(t *testing.T) {
	shared, clock, asked := counting(t, answer(http.StatusServiceUnavailable, "down"))
	for range 3 {
		if _, err := shared.Rules(t.Context()); err == nil || err.Error() != "ask metric server main for its rules: server_error: server error: 503" {
			t.Error(err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	clock.SetTime(noon.Add(time.Second))
	if _, err := shared.Rules(t.Context()); err == nil || asked.Load() != 2 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

// Who gives up takes the answer from nobody, until the last has given up; and
// who comes then is not given an error that is not theirs.
func TestGivingUp(t *testing.T) {
	release := make(chan struct{})
	var ended atomic.Int32
	shared, _, asked := counting(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-release:
			answer(http.StatusOK, oneGroup)(w, r)
		case <-r.Context().Done():
			ended.Add(1)
		}
	})
	before := runtime.NumGoroutine()
	begin := func() (leave context.CancelFunc, ended chan error) {
		ctx, cancel := context.WithCancel(t.Context())
		out, n := make(chan error, 1), callers(shared)
		go func() { _, err := shared.Rules(ctx); out <- err }()
		until(t, func() bool { return callers(shared) == n+1 })
		return cancel, out
	}
	leaveFirst, first := begin()
	leaveSecond, second := begin()
	until(t, func() bool { return asked.Load() == 1 })
	leaveFirst()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if callers(shared) != 1 || ended.Load() != 0 {
		t.Error("the second lost its request")
	}
	leaveSecond()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	until(t, func() bool { return ended.Load() == 1 })
	leaveThird, third := begin()
	defer leaveThird()
	close(release)
	if err := <-third; err != nil || asked.Load() != 2 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	until(t, func() bool { return runtime.NumGoroutine() <= before+2 }) // the server's own
}

// A source that shares nothing is asked as it is.
func TestWithinAnySource(t *testing.T) {
	source := sourceOf(t, "http://prometheus", 0)
	if got := alert.Within(time.Second, source); got != alert.Source(source) {
		t.Errorf("is %v", got)
	}
}

func until(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never comes")
		}
	}
}
