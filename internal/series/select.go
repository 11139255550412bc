package series

import (
	"context"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// Queryable lets Prometheus' engine, or anything else that speaks its storage
// interface, read the store. Samples older than Age are not seen. Of the hints
// it obeys the time range and the limit; the others change no answer.
//
// A querier does not see what is newer than the newest batch when it was made:
// the parts of a query agree although scrapes come in meanwhile. A batch that
// comes late, for an earlier time, shows in the parts that are read after it.
func (s *Store) Queryable() storage.Queryable {
	return storage.QueryableFunc(func(from, to int64) (storage.Querier, error) {
		s.mu.RLock()
		defer s.mu.RUnlock()
		return &querier{store: s, from: from, to: min(to, s.newest)}, nil
	})
}

type querier struct {
	store    *Store
	from, to int64 // ms, inclusive
}

// Close has nothing to release.
func (*querier) Close() error { return nil }

// Select returns the series that match, in no order unless it is asked for,
// and what they hold now: later batches do not show.
func (q *querier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	if err := ctx.Err(); err != nil {
		return storage.ErrSeriesSet(err)
	}
	from, to, limit := q.from, q.to, 0
	if hints != nil {
		from, to, limit = max(from, hints.Start), min(to, hints.End), hints.Limit
	}
	set := &set{at: -1, all: q.store.view(from, to, matchers)}
	if sorted {
		slices.SortFunc(set.all, func(a, b view) int { return labels.Compare(a.labels, b.labels) })
	}
	set.all = limited(set.all, limit)
	return set
}

// LabelValues returns the values of a label in series that have samples about
// the querier's time range.
func (q *querier) LabelValues(_ context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	values := map[string]bool{}
	for _, v := range q.store.view(q.from, q.to, matchers) {
		if value := v.labels.Get(name); value != "" {
			values[value] = true
		}
	}
	return names(values, hints), nil, nil
}

// LabelNames returns the names of labels in series that have samples about the
// querier's time range.
func (q *querier) LabelNames(_ context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	found := map[string]bool{}
	for _, v := range q.store.view(q.from, q.to, matchers) {
		v.labels.Range(func(l labels.Label) { found[l.Name] = true })
	}
	return names(found, hints), nil, nil
}

func names(set map[string]bool, hints *storage.LabelHints) []string {
	sorted := slices.Sorted(maps.Keys(set))
	if hints == nil {
		return sorted
	}
	return limited(sorted, hints.Limit)
}

// limited is the first of a list; a limit of 0 is none.
func limited[T any](list []T, limit int) []T {
	if limit > 0 && len(list) > limit {
		return list[:limit]
	}
	return list
}

// view is what matches now, of all series with a chunk in the time range.
func (s *Store) view(from, to int64, matchers []*labels.Matcher) []view {
	s.mu.RLock()
	defer s.mu.RUnlock()
	from = max(from, s.newest-s.age)
	var all []view
	for _, runs := range s.candidates(matchers) {
		for _, r := range runs {
			if v, within := viewOf(r, from, to); within && matches(r.labels, matchers) {
				v.mu = &s.mu
				all = append(all, v)
			}
		}
	}
	return all
}

// candidates are the series that have a name the matchers want.
func (s *Store) candidates(matchers []*labels.Matcher) [][]*run {
	var ofName []*labels.Matcher
	for _, m := range matchers {
		if m.Name != model.MetricNameLabel {
			continue
		}
		if m.Type == labels.MatchEqual {
			return [][]*run{s.byName[m.Value]}
		}
		ofName = append(ofName, m)
	}
	var all [][]*run
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		if !slices.ContainsFunc(ofName, func(m *labels.Matcher) bool { return !m.Matches(name) }) {
			all = append(all, s.byName[name])
		}
	}
	return all
}

func matches(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// set steps through views.
type set struct {
	all []view
	at  int
}

func (s *set) Next() bool {
	s.at++
	return s.at < len(s.all)
}
func (s *set) At() storage.Series              { return &s.all[s.at] }
func (*set) Err() error                        { return nil }
func (*set) Warnings() annotations.Annotations { return nil }
