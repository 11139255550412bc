package analysis

import (
	"sync"
	"time"

	"github.com/signal-delivery/operator/internal/verdict"
)

// Record is what the samples of one metric in one step come down to: no more
// is kept, however long a step is held.
type Record struct {
	Taken   int32   // samples
	Decided int32   // of them, those that passed or failed
	Failed  int32   // of those, the ones that failed
	Latest  Sample  // zero when none was taken
	Failing *Sample // the latest that failed
}

// Add is the record with one more sample.
func (r Record) Add(s Sample) Record {
	r.Taken++
	r.Latest = s
	if s.Outcome != verdict.Unknown {
		r.Decided++
	}
	if s.Outcome == verdict.Failed {
		r.Failed++
		r.Failing = &s
	}
	return r
}

// History holds the records of one SignalDeployment. It lives in memory: after
// a restart, samples are gathered again, and meanwhile nothing passes.
type History struct {
	mu      sync.Mutex
	part    string
	records map[string]Record
}

// NewHistory is an empty history.
func NewHistory() *History { return &History{records: map[string]Record{}} }

// Enter begins a part of a release, such as a step: samples of another part
// are forgotten.
func (h *History) Enter(part string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.part != part {
		h.part, h.records = part, map[string]Record{}
	}
}

// Add keeps a sample of a metric.
func (h *History) Add(metric string, s Sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.records[metric] = h.records[metric].Add(s)
}

// Record is what is known of a metric.
func (h *History) Record(metric string) Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.records[metric]
}

// Due reports whether the metric has not been sampled within the interval. A
// reconcile that comes a little early does not lose a whole interval, and a
// clock that was put back does not keep the metric from being sampled.
func (h *History) Due(metric string, interval time.Duration, now time.Time) bool {
	latest := h.Record(metric).Latest.Time
	return latest.IsZero() || now.Before(latest) || now.Sub(latest) >= interval-interval/10
}
