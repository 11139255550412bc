package openloop

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
)

// load is one load, and what became of its requests.
type load struct {
	sender   Sender
	spec     v1alpha1.LoadTest
	schedule loadtest.Schedule
	windows  []loadtest.Window
	total    uint64 // requests that are this worker's
	limits   [5]time.Duration
	timeout  time.Duration
	targets  func(n int64, now time.Time, into *vegeta.Target)
	wire     *wire
	pacer    vegeta.Pacer

	began time.Time // set before the first request is sent

	mu      sync.Mutex
	sent    uint64
	busy    bool // requests are late because too many before were not answered
	pending int
	late    []int64 // requests that were sent too late, by window, for no fault of the service's

	counts  []loadtest.Counts
	classes map[string]int64
	latency *loadtest.Histogram
}

// global is the number among all workers' requests of the nth of this one.
func (l *load) global(n uint64) int64 {
	return int64(n)*l.sender.Workers + l.sender.Worker //nolint:gosec // at most 600 000
}

func (l *load) due(n uint64) time.Duration { return l.schedule.Due(l.global(n)) }

// Pace says how long to wait for the next request. It ends the load when all
// have been sent, or when there is no more time for those that are left.
func (l *load) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if hits == 0 {
		l.began = time.Now().Add(-elapsed)
	}
	if hits >= l.total || elapsed > l.schedule.Lasts()+l.timeout {
		return 0, true
	}
	return l.due(hits) - elapsed, false
}

// Rate is for what vegeta would show of it.
func (l *load) Rate(time.Duration) float64 { return float64(l.spec.RatePerSecond) }

// run sends the load.
func (l *load) run(ctx context.Context) {
	if l.late = make([]int64, len(l.windows)); l.total == 0 {
		return
	}
	defer l.wire.next.CloseIdleConnections()
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{
			Transport:     l.wire,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		vegeta.Workers(uint64(min(16, l.sender.open))), vegeta.MaxWorkers(uint64(l.sender.open)), //nolint:gosec // not negative
		vegeta.MaxBody(0),
	)
	stopped := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer stopped()
	for result := range attacker.Attack(l.target, l.pacer, 0, "") {
		l.count(result)
	}
	l.left()
}

// target is the next request. That it is late is the service's doing from when
// all that may be unanswered are, until none is late any more.
func (l *load) target(into *vegeta.Target) error {
	l.mu.Lock()
	n, now := l.sent, time.Now()
	l.sent++
	l.pending++
	late := now.Sub(l.began) > l.due(n)+lateness
	switch {
	case l.pending >= l.sender.open:
		l.busy = true
	case !late:
		l.busy = false
	}
	if late && !l.busy {
		l.late[l.window(l.due(n))]++
	}
	l.mu.Unlock()
	l.targets(l.global(n), now, into)
	return nil
}

// count counts what became of a request, from when it was due.
func (l *load) count(result *vegeta.Result) {
	l.mu.Lock()
	l.pending--
	l.mu.Unlock()
	due := l.due(result.Seq)
	took := result.Timestamp.Add(result.Latency).Sub(l.began) - due
	kind := l.wire.kind(strconv.FormatUint(result.Seq, 10))
	switch {
	case result.Code == 0 && kind == "":
		kind = loadtest.Other
	case kind == "" && result.Code >= http.StatusBadRequest:
		kind = strconv.Itoa(int(result.Code))
	}
	timed := result.Code != 0 || kind == kindTimeout
	l.note(due, took, kind, timed)
}

// left counts the requests for which there was no time. What the service kept
// from being sent failed; what the sender did not get to tells nothing.
func (l *load) left() {
	for n := l.sent; n < l.total; n++ {
		due := l.due(n)
		l.note(due, l.schedule.Lasts()+l.timeout-due, kindUnsent, l.busy)
		if !l.busy {
			l.late[l.window(due)]++
		}
	}
	for i, late := range l.late {
		l.counts[i].Late = late
	}
}

// window is which of them a request is due in.
func (l *load) window(due time.Duration) int {
	at := 0
	for at < len(l.windows)-1 && due >= l.windows[at].To {
		at++
	}
	return at
}

// note adds a request to its window.
func (l *load) note(due, took time.Duration, kind string, timed bool) {
	at, c := l.window(due), loadtest.Counts{Sent: 1}
	if kind != "" {
		c.Errors = 1
	}
	if timed {
		c.Timed = 1
		for i, most := range l.limits {
			if most > 0 && took > most {
				c.Over[i] = 1
			}
		}
	}
	l.counts[at].Add(c)
	if l.windows[at].Excused {
		return
	}
	if timed {
		l.latency.Add(took)
	}
	if kind != "" {
		l.classes[kind]++
	}
}
