package series

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
)

// Append takes one scrape of one target, all at one time, whole or not at all:
// one that would exceed a limit, or that has a malformed histogram, is refused
// with an error. Stale markers of series that are held are within any limit.
//
// As in Prometheus, a series only grows forward: of two samples for one time
// the first stays, and one that is older than what its series has is dropped,
// without an error. So is what is older than Age before the newest batch; a
// batch from the future therefore ages all others, and whoever appends times
// that a target gave must bound them.
func (s *Store) Append(at time.Time, batch []Sample) error {
	t := at.UnixMilli()
	for _, sample := range batch {
		if err := wellFormed(sample); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t < s.newest-s.age {
		return nil
	}
	s.advance(t)
	if err := s.fit(t, batch); err != nil {
		s.sweep() // what is too old gives way
		if err := s.fit(t, batch); err != nil {
			return err
		}
	}
	for i, sample := range batch {
		s.take(t, sample, s.found[i])
	}
	clear(s.found)
	return nil
}

func wellFormed(sample Sample) error {
	if sample.Histogram == nil || value.IsStaleNaN(sample.Histogram.Sum) {
		return nil
	}
	if err := sample.Histogram.Validate(); err != nil {
		return fmt.Errorf("append histogram %s: %w", sample.Labels, err)
	}
	return nil
}

// advance moves the store's clock, and now and then drops what is too old.
func (s *Store) advance(t int64) {
	s.newest = max(s.newest, t)
	if s.newest-s.swept >= s.age/60 {
		s.sweep()
	}
}

// fit reports whether a batch is within the limits, and finds its series.
func (s *Store) fit(t int64, batch []Sample) error {
	s.found = slices.Grow(s.found[:0], len(batch))[:len(batch)]
	fresh := map[uint64]bool{}
	more := 0
	for i, sample := range batch {
		hash := sample.Labels.Hash()
		r := s.lookup(hash, sample.Labels)
		s.found[i] = r
		if r == nil {
			fresh[hash] = true
		}
		if r == nil || t > r.last() && !stale(sample) {
			more += sample.weight()
		}
	}
	if s.series+len(fresh) > s.limits.Series {
		return fmt.Errorf("append to %d series: %w, the limit is %d", s.series, ErrTooManySeries, s.limits.Series)
	}
	if more > 0 && s.samples+more > s.limits.Samples {
		return fmt.Errorf("append to %d samples: %w, the limit is %d", s.samples, ErrTooManySamples, s.limits.Samples)
	}
	return nil
}

func stale(sample Sample) bool {
	if sample.Histogram != nil {
		return value.IsStaleNaN(sample.Histogram.Sum)
	}
	return value.IsStaleNaN(sample.Value)
}

func (s *Store) lookup(hash uint64, l labels.Labels) *run {
	for _, r := range s.byHash[hash] {
		if labels.Equal(r.labels, l) {
			return r
		}
	}
	return nil
}

// take adds a sample to its series, which is looked up if it was not found
// before: an earlier sample of the batch may have begun it.
func (s *Store) take(t int64, sample Sample, r *run) {
	if r == nil {
		r = s.begin(sample.Labels)
	}
	if t > r.last() {
		s.samples += r.append(t, sample)
	}
}

func (s *Store) begin(l labels.Labels) *run {
	hash := l.Hash()
	if r := s.lookup(hash, l); r != nil {
		return r
	}
	r := &run{labels: l}
	r.open.max = never
	name := l.Get(model.MetricNameLabel)
	s.byHash[hash] = append(s.byHash[hash], r)
	s.byName[name] = append(s.byName[name], r)
	s.series++
	return r
}

// sweep drops what is too old: chunks of which that is true of every sample,
// and series that have nothing else.
func (s *Store) sweep() {
	s.swept = s.newest
	oldest := s.newest - s.age
	for name, runs := range s.byName {
		kept := slices.DeleteFunc(runs, func(r *run) bool {
			s.samples -= r.forget(oldest)
			if r.last() >= oldest {
				return false
			}
			s.remove(r)
			return true
		})
		if s.byName[name] = kept; len(kept) == 0 {
			delete(s.byName, name)
		}
	}
}

func (s *Store) remove(r *run) {
	hash := r.labels.Hash()
	s.series--
	if s.byHash[hash] = slices.DeleteFunc(s.byHash[hash], func(other *run) bool { return other == r }); len(s.byHash[hash]) == 0 {
		delete(s.byHash, hash)
	}
}
