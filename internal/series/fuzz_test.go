package series_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/signal-delivery/operator/internal/series"
)

// naive is what a Store promises, without a thought for memory.
type naive struct {
	age    int64
	most   int // series
	newest int64
	series []*naiveSeries
}

type naiveSeries struct {
	labels  labels.Labels
	samples []naiveSample
}

type naiveSample struct {
	at int64
	v  float64
	h  *histogram.FloatHistogram
}

func (n *naive) find(l labels.Labels) *naiveSeries {
	for _, s := range n.series {
		if labels.Equal(s.labels, l) {
			return s
		}
	}
	return nil
}

func (n *naive) append(at int64, batch []series.Sample) error {
	if at < n.newest-n.age {
		return nil
	}
	n.newest = max(n.newest, at)
	live := 0
	for _, s := range n.series {
		if last := s.samples[len(s.samples)-1].at; last >= n.newest-n.age {
			live++
		}
	}
	fresh := map[string]bool{}
	for _, sample := range batch {
		s := n.find(sample.Labels)
		if s == nil || s.samples[len(s.samples)-1].at < n.newest-n.age {
			fresh[sample.Labels.String()] = true
		}
	}
	if live+len(fresh) > n.most {
		return series.ErrTooManySeries
	}
	for _, sample := range batch {
		n.take(at, sample)
	}
	return nil
}

func (n *naive) take(at int64, sample series.Sample) {
	s := n.find(sample.Labels)
	if s == nil {
		s = &naiveSeries{labels: sample.Labels}
		n.series = append(n.series, s)
	}
	h := sample.Histogram
	if len(s.samples) > 0 {
		last := s.samples[len(s.samples)-1]
		if at <= last.at {
			return
		}
		// Where nothing of a series is left, its kind is forgotten too.
		if h == nil && value.IsStaleNaN(sample.Value) && last.h != nil && last.at >= n.newest-n.age {
			h = &histogram.FloatHistogram{Sum: sample.Value}
		}
	}
	s.samples = append(s.samples, naiveSample{at, sample.Value, h})
}

func (n *naive) held(from, to int64, matchers []*labels.Matcher) map[string][]string {
	all := map[string][]string{}
	for _, s := range n.series {
		matched := true
		for _, m := range matchers {
			matched = matched && m.Matches(s.labels.Get(m.Name))
		}
		for _, p := range s.samples {
			if matched && p.at >= max(from, n.newest-n.age) && p.at <= to {
				all[s.labels.String()] = append(all[s.labels.String()], spelled(p.at, p.v, p.h))
			}
		}
	}
	return all
}

// FuzzAgainstModel appends what comes and compares what is held with the model.
func FuzzAgainstModel(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, uint8(60), uint16(1+seed*40))
	}
	f.Fuzz(func(t *testing.T, seed uint64, steps uint8, age uint16) {
		r := rand.New(rand.NewPCG(seed, 7))
		limits := series.Limits{Series: 6, Age: time.Duration(1+int(age)) * time.Second}
		s, n := series.NewStore(limits), &naive{age: limits.Age.Milliseconds(), most: limits.Series, newest: -1 << 60}
		at := epoch.UnixMilli()
		for range steps {
			for range 1 + r.IntN(2)*r.IntN(150) { // now and then a burst, so that chunks fill
				at += r.Int64N(2500) - 200
				batch := randomBatch(r)
				if got, want := s.Append(time.UnixMilli(at), batch), n.append(at, batch); !errors.Is(got, want) {
					t.Fatalf("Append = %v, want %v", got, want)
				}
			}
			from := at - r.Int64N(2*n.age)
			compare(t, r, s, n, from, from+r.Int64N(2*n.age))
		}
	})
}

func randomBatch(r *rand.Rand) []series.Sample {
	batch := make([]series.Sample, r.IntN(3))
	for i := range batch {
		name, pod := fmt.Sprintf("m%d", r.IntN(3)), fmt.Sprint(r.IntN(3))
		batch[i] = float(float64(r.IntN(5)), name, "pod", pod)
		if r.IntN(8) == 0 {
			batch[i].Value = stale
		}
		if name == "m1" && r.IntN(3) > 0 {
			buckets := make([]float64, r.IntN(4))
			for b := range buckets {
				buckets[b] = float64(r.IntN(6))
			}
			batch[i].Histogram = native(name, int32(r.IntN(3)), buckets...).Histogram
			if pod == "2" {
				batch[i].Histogram.CounterResetHint = histogram.GaugeType
			}
		}
	}
	return batch
}

var fuzzedSelectors = []string{`m0`, `{pod="1"}`, `{__name__=~"m[01]",pod!="2"}`, `m1{pod!~"0|1"}`, `{pod=~".+"}`, `{__name__!="m2",pod!=""}`}

func compare(t *testing.T, r *rand.Rand, s *series.Store, n *naive, from, to int64) {
	t.Helper()
	matchers := selector(t, fuzzedSelectors[r.IntN(len(fuzzedSelectors))])
	want := n.held(from, to, matchers)
	if diff := cmp.Diff(want, held(t, s, time.UnixMilli(from), time.UnixMilli(to), matchers...)); diff != "" {
		t.Fatalf("held from %d to %d, %s (-want +got):\n%s", from, to, matchers, diff)
	}
	q, err := s.Queryable().Querier(from, to)
	if err != nil {
		t.Fatal(err)
	}
	for set := q.Select(t.Context(), true, nil, matchers...); set.Next(); {
		leap(t, r, set.At().Iterator(nil), want[set.At().Labels().String()], from, to)
	}
}

// leap seeks forward through a series, mixed with steps.
func leap(t *testing.T, r *rand.Rand, it chunkenc.Iterator, want []string, from, to int64) {
	t.Helper()
	last := int64(-1 << 60)
	for range 10 {
		sought := max(from, last) + r.Int64N(max(1, (to-from)/4)) - 50
		step := func() chunkenc.ValueType { return it.Seek(sought) }
		if r.IntN(2) == 0 {
			sought, step = last+1, it.Next
		}
		kind := step()
		rest := want
		for len(rest) > 0 && timeOf(t, rest[0]) < max(sought, last) {
			rest = rest[1:]
		}
		if kind == chunkenc.ValNone {
			if len(rest) > 0 {
				t.Fatalf("nothing from %d on, want %v", sought, rest)
			}
			return
		}
		if len(rest) == 0 || point(it, kind) != rest[0] {
			t.Fatalf("from %d on the first is %s, want %v", sought, point(it, kind), rest)
		}
		last = it.AtT()
	}
}

func timeOf(t *testing.T, point string) int64 {
	t.Helper()
	var seconds float64
	if _, err := fmt.Sscan(point, &seconds); err != nil {
		t.Fatal(err)
	}
	return epoch.UnixMilli() + int64(math.Round(seconds*1000))
}
