// Package fault is what goes wrong for a while: by the environment from some
// time after the first request, or by POST /faults at run time.
package fault

import (
	"encoding/json"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Dependencies that can be down.
const (
	Postgres = "postgres"
	Redis    = "redis"
)

const (
	down    = "down"
	longest = int64(60_000) // milliseconds of latency
)

// Switches are the faults, as JSON.
type Switches struct {
	LatencyMilliseconds int64             `json:"latencyMilliseconds"`
	ErrorRate           float64           `json:"errorRate"`
	Dependency          map[string]string `json:"dependency,omitempty"` // postgres or redis: down, or up
	Crash               bool              `json:"crash,omitempty"`
}

// Faults are the switches of a service. Make one with New.
type Faults struct {
	after time.Duration // faults begin this long after the first request
	crash func()

	mu    sync.Mutex
	now   Switches
	asked atomic.Int64 // for a deterministic share of errors
	first atomic.Int64 // when the first request came, in Unix nanoseconds
}

// New are switches in a position, which take effect some time after the first
// request. crash ends the process.
func New(now Switches, after time.Duration, crash func()) *Faults {
	return &Faults{now: now, after: after, crash: crash}
}

// Asked is how many requests for signals there were.
func (f *Faults) Asked() int64 { return f.asked.Load() }

// Strike makes one request late, and reports whether it is to fail.
func (f *Faults) Strike() bool {
	n := f.asked.Add(1)
	f.first.CompareAndSwap(0, time.Now().UnixNano())
	if time.Since(time.Unix(0, f.first.Load())) < f.after {
		return false
	}
	now := f.Now()
	time.Sleep(time.Duration(now.LatencyMilliseconds) * time.Millisecond)
	return fails(n, now.ErrorRate)
}

// fails spreads errors evenly: of the first n requests, rate x n fail.
func fails(n int64, rate float64) bool {
	return math.Floor(float64(n)*rate) > math.Floor(float64(n-1)*rate)
}

// Down reports whether a dependency is to be taken for down.
func (f *Faults) Down(dependency string) bool { return f.Now().Dependency[dependency] == down }

// Now is the position of the switches.
func (f *Faults) Now() Switches {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// ServeHTTP sets the switches: all of them, so that {} is as good as new.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10))
	decoder.DisallowUnknownFields()
	var wanted Switches
	if err := decoder.Decode(&wanted); err != nil || !wanted.valid() {
		http.Error(w, "send JSON with latencyMilliseconds (0 to 60000), errorRate (0 to 1), dependency (postgres, redis: up, down) and crash", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.now = wanted
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(wanted) // the client may be gone
	if wanted.Crash {
		_ = http.NewResponseController(w).Flush() // the client may be gone
		f.crash()
	}
}

func (s Switches) valid() bool {
	for name, state := range s.Dependency {
		if name != Postgres && name != Redis || state != down && state != "up" {
			return false
		}
	}
	return s.LatencyMilliseconds >= 0 && s.LatencyMilliseconds <= longest && s.ErrorRate >= 0 && s.ErrorRate <= 1
}
