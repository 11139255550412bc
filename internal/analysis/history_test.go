package analysis

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func sample(o v1alpha1.Outcome, reason string, at int) Sample {
	return Sample{Outcome: o, Reason: reason, Time: noon.Add(time.Duration(at) * time.Second)}
}

func TestARecordKeepsWhatCounts(t *testing.T) {
	h := NewHistory()
	h.Enter("step 1")
	failed, last := sample(verdict.Failed, ReasonOutside, 3), sample(verdict.Unknown, ReasonNoData, 4)
	for _, s := range []Sample{
		sample(verdict.Passed, ReasonWithin, 1), sample(verdict.Failed, ReasonOutside, 2), failed, last,
	} {
		h.Add("errors", s)
	}
	h.Add("latency", sample(verdict.Passed, ReasonWithin, 1))
	want := Record{Taken: 4, Decided: 3, Failed: 2, Latest: last, Failing: &failed}
	if diff := cmp.Diff(want, h.Record("errors")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Record{}, h.Record("other")); diff != "" {
		t.Error(diff)
	}
}

func TestAnotherPartBeginsAnew(t *testing.T) {
	h := NewHistory()
	h.Enter("step 1")
	h.Add("errors", sample(verdict.Passed, ReasonWithin, 1))
	h.Enter("step 1")
	if got := h.Record("errors").Taken; got != 1 {
		t.Errorf("entered again: %d samples, want 1", got)
	}
	h.Enter("step 2")
	if got := h.Record("errors").Taken; got != 0 {
		t.Errorf("another step: %d samples, want none", got)
	}
}

func TestDue(t *testing.T) {
	const interval = time.Second
	for name, tc := range map[string]struct {
		since time.Duration
		want  bool
	}{
		"just sampled":        {0, false},
		"too early":           {899 * time.Millisecond, false},
		"a little early":      {900 * time.Millisecond, true},
		"in time":             {interval, true},
		"late":                {time.Hour, true},
		"the clock went back": {-time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := NewHistory()
			h.Add("errors", sample(verdict.Passed, ReasonWithin, 0))
			if got := h.Due("errors", interval, noon.Add(tc.since)); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
			if !h.Due("never sampled", interval, noon) {
				t.Error("a metric without samples is due")
			}
		})
	}
}

func TestAHistoryIsSharedSafely(t *testing.T) {
	h := NewHistory()
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			h.Enter("step 1")
			h.Add("errors", sample(verdict.Passed, ReasonWithin, 1))
			h.Due("errors", time.Second, noon)
		})
	}
	all.Wait()
	if got := h.Record("errors").Taken; got != 100 {
		t.Errorf("got %d samples, want 100", got)
	}
}
