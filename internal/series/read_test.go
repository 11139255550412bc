package series_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/signal-delivery/operator/internal/series"
)

var stale = math.Float64frombits(value.StaleNaN)

// second is a number of seconds after the epoch.
func second(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }

// float is a sample of a metric with labels.
func float(v float64, name string, pairs ...string) series.Sample {
	return series.Sample{Labels: labels.FromStrings(append(pairs, model.MetricNameLabel, name)...), Value: v}
}

// native is a histogram sample with counts of buckets that begin at an offset.
func native(name string, offset int32, buckets ...float64) series.Sample {
	h := &histogram.FloatHistogram{PositiveSpans: []histogram.Span{{Offset: offset, Length: uint32(len(buckets))}}, PositiveBuckets: buckets}
	for _, n := range buckets {
		h.Count += n
		h.Sum += 2 * n
	}
	return series.Sample{Labels: labels.FromStrings(model.MetricNameLabel, name), Histogram: h}
}

func appended(t testing.TB, s *series.Store, at time.Time, batch ...series.Sample) {
	t.Helper()
	if err := s.Append(at, batch); err != nil {
		t.Fatal(err)
	}
}

// selector are the matchers of a text such as up{pod="a"}.
func selector(t testing.TB, text string) []*labels.Matcher {
	t.Helper()
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(text)
	if err != nil {
		t.Fatal(err)
	}
	return matchers
}

// held is what a store has of the series that match, from one time to another.
func held(t testing.TB, s *series.Store, from, to time.Time, matchers ...*labels.Matcher) map[string][]string {
	t.Helper()
	q, err := s.Queryable().Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	return content(t, q.Select(t.Context(), false, nil, matchers...))
}

// content spells out the samples of each series that has any. It uses one
// iterator for all, as the engine does.
func content(t testing.TB, set storage.SeriesSet) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	var it chunkenc.Iterator
	for set.Next() {
		it = set.At().Iterator(it)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			name := set.At().Labels().String()
			all[name] = append(all[name], point(it, kind))
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return all
}

// point is the sample an iterator stands at.
func point(it chunkenc.Iterator, kind chunkenc.ValueType) string {
	if kind == chunkenc.ValFloat {
		at, v := it.At()
		return spelled(at, v, nil)
	}
	at, h := it.AtFloatHistogram(nil)
	return spelled(at, 0, h)
}

// spelled is a sample as text: seconds since the epoch and the value.
func spelled(at int64, v float64, h *histogram.FloatHistogram) string {
	seconds := float64(at-epoch.UnixMilli()) / 1000
	switch {
	case h != nil && value.IsStaleNaN(h.Sum):
		return fmt.Sprint(seconds, " stale histogram")
	case h != nil:
		return fmt.Sprint(seconds, " ", h.Copy().Compact(0))
	case value.IsStaleNaN(v):
		return fmt.Sprint(seconds, " stale")
	default:
		return fmt.Sprint(seconds, " ", v)
	}
}

// answer is the value of a query as text.
func answer(t *testing.T, s *series.Store, query string, at time.Time) string {
	t.Helper()
	v, err := series.NewEngine(series.EngineOptions{}).Query(t.Context(), s, query, at)
	if err != nil {
		t.Fatal(err)
	}
	if vector, ok := v.(promql.Vector); ok && len(vector) == 1 {
		return fmt.Sprint(vector[0].F)
	}
	return v.String()
}
