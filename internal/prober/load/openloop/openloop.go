// Package openloop sends the load of a load test to one service, inside a Job.
// Requests are due by the clock, whether or not those before have been
// answered, and how long they took counts from when they were due: a service
// that stalls cannot hide it by keeping the sender from sending. It measures,
// and judges nothing.
package openloop

import (
	"context"
	"hash/fnv"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
)

const (
	// maxOpen is how many requests may be unanswered at once. Beyond it they
	// are sent late, which counts against the service.
	maxOpen = 1000
	// lateness is by how much a request may be sent after it was due.
	lateness = 100 * time.Millisecond
)

// Sender sends one worker's share of a load test.
type Sender struct {
	URL     string // of the service, without a path
	Host    string // Host header of all requests
	Release string // id of the release that they are sent for
	Worker  int64  // from 0
	Workers int64  // that share the load
	Start   time.Time

	open int                                                                  // requests that may be unanswered; maxOpen when it is zero
	dial func(ctx context.Context, network, address string) (net.Conn, error) // nil is the network's
}

// Run waits for the start, sends the load, then looks for the peak where that
// is asked for, and says what was measured.
func (s Sender) Run(ctx context.Context, spec v1alpha1.LoadTest) loadtest.Result {
	sleep(ctx, time.Until(s.Start))
	r := loadtest.Result{Begin: time.Now().UnixMilli(), Latency: &loadtest.Histogram{}}
	before := cpu()
	main := s.load(spec, loadtest.Main(spec), loadtest.Windows(spec))
	var beside sync.WaitGroup
	beyond, cancel := context.WithTimeout(ctx, loadtest.Main(spec).Lasts())
	defer cancel()
	if s.Worker == 0 {
		beside.Go(func() { r.Edges = s.edges(beyond, spec) })
		beside.Go(func() { r.Faults = s.faults(beyond, spec) })
	}
	main.run(ctx)
	beside.Wait()
	r.Windows, r.Classes, r.Latency = main.counts, main.classes, main.latency
	r.End, r.CPU = time.Now().UnixMilli(), cpu()-before
	for _, rate := range loadtest.Steps(spec) {
		if ctx.Err() != nil {
			break
		}
		step := s.load(spec, loadtest.Steady(rate, spec.Peak.StepSeconds), []loadtest.Window{{To: time.Hour}})
		step.run(ctx)
		r.Steps = append(r.Steps, step.counts[0])
		if !step.counts[0].Holds(spec.Limits) {
			break
		}
	}
	r.Cut = ctx.Err() != nil
	return r
}

// load is a load of this schedule, counted in these windows.
func (s Sender) load(spec v1alpha1.LoadTest, schedule loadtest.Schedule, windows []loadtest.Window) *load {
	if s.open == 0 {
		s.open = maxOpen
	}
	timeout := time.Duration(max(1, spec.AnswerSeconds)) * time.Second
	share := (schedule.Total() - s.Worker + s.Workers - 1) / s.Workers
	l := &load{
		sender: s, spec: spec, schedule: schedule, windows: windows, total: uint64(max(0, share)),
		limits: loadtest.Limits(spec.Limits), timeout: timeout, targets: targets(s, spec),
		counts: make([]loadtest.Counts, len(windows)), classes: map[string]int64{}, latency: &loadtest.Histogram{},
		wire: &wire{next: s.transport(), timeout: timeout, kinds: map[string]string{}},
	}
	l.pacer = l
	return l
}

// seed is what random values of the release follow from.
func (s Sender) seed() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.Release)) // a hash takes everything
	return h.Sum64()
}

// transport keeps connections, as clients of a service do.
func (s Sender) transport() *http.Transport {
	return &http.Transport{
		DialContext: s.dial, MaxIdleConns: s.open, MaxIdleConnsPerHost: s.open, IdleConnTimeout: 30 * time.Second,
		DisableCompression: true, MaxResponseHeaderBytes: 1 << 20,
	}
}

// cpu is how many milliseconds of CPU time the process has taken.
func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return (usage.Utime.Nano() + usage.Stime.Nano()) / int64(time.Millisecond)
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
