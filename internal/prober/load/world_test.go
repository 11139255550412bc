package load

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// hasty is a clock that goes by itself: whoever waits for it need not. Each
// wait can be made to take longer than was asked for, and real time as well.
type hasty struct {
	mu     sync.Mutex
	now    time.Time
	waits  int
	longer map[int]time.Duration // by the number of the wait
	pause  time.Duration
}

func (h *hasty) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hasty) Since(t time.Time) time.Duration { return h.Now().Sub(t) }

func (h *hasty) After(d time.Duration) <-chan time.Time {
	h.mu.Lock()
	h.now = h.now.Add(d + h.longer[h.waits])
	h.waits++
	h.mu.Unlock()
	done := make(chan time.Time, 1)
	if h.pause > 0 {
		time.AfterFunc(h.pause, func() { done <- noon }) // real connections take real time
		return done
	}
	done <- noon
	return done
}

// inbox is what a server was sent.
type inbox struct {
	mu       sync.Mutex
	requests map[string]int // by method, path and body
	marks    map[string]int // by Host, mark and User-Agent
	headers  []http.Header
}

func (g *inbox) note(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests[r.Method+" "+r.URL.RequestURI()+" "+string(body)]++
	g.marks[r.Host+" "+r.Header.Get("X-Signal-Synthetic")+" "+r.UserAgent()]++
	g.headers = append(g.headers, r.Header)
}

func (g *inbox) all() (map[string]int, int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	total := 0
	for _, n := range g.requests {
		total += n
	}
	return maps.Clone(g.requests), total
}

// serve is a release that answers so, or with 200.
func serve(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *inbox) {
	t.Helper()
	g := &inbox{requests: map[string]int{}, marks: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.note(r)
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server, g
}

// get is a load of one request.
func get(rate int32) v1alpha1.BackgroundLoad {
	return v1alpha1.BackgroundLoad{RatePerSecond: rate, TimeoutSeconds: 5, Requests: []v1alpha1.LoadRequest{{Path: "/", Weight: 1}}}
}
