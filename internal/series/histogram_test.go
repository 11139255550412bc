package series_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"

	"github.com/signal-delivery/operator/internal/series"
)

// A series may turn from floats to histograms and back; a stale marker is of
// the kind that the series has then.
func TestHistograms(t *testing.T) {
	s := series.NewStore(series.Limits{})
	for i, sample := range []series.Sample{
		float(1, "h"), native("h", 0, 1, 2), native("h", 0, 2, 2, 5), native("h", -1, 1, 2, 2, 5),
		float(stale, "h"), native("h", 0, 1), float(3, "h"), float(stale, "h"), native("h", 0, 7),
	} {
		appended(t, s, second(i), sample)
	}
	want := map[string][]string{`{__name__="h"}`: {
		"0 1", "1 {count:3, sum:6, (0.5,1]:1, (1,2]:2}", "2 {count:9, sum:18, (0.5,1]:2, (1,2]:2, (2,4]:5}",
		"3 {count:10, sum:20, (0.25,0.5]:1, (0.5,1]:2, (1,2]:2, (2,4]:5}", "4 stale histogram",
		"5 {count:1, sum:2, (0.5,1]:1}", "6 3", "7 stale", "8 {count:7, sum:14, (0.5,1]:7}",
	}}
	if diff := cmp.Diff(want, held(t, s, second(0), second(9))); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
}

// What was appended belongs to the caller, who may count on in it.
func TestHistogramsAreCopied(t *testing.T) {
	s := series.NewStore(series.Limits{})
	sample := native("h", 0, 1, 0, 3)
	appended(t, s, second(0), native("h", 0, 1))
	appended(t, s, second(1), native("h", 0, 1, 1, 1, 1))
	before := sample.Histogram.Copy()
	appended(t, s, second(2), sample)
	if diff := cmp.Diff(before, sample.Histogram); diff != "" {
		t.Errorf("the histogram was changed (-before +after):\n%s", diff)
	}
}

// Counters that fall begin a chunk, which tells the engine of the reset.
func TestHistogramCounterReset(t *testing.T) {
	s := series.NewStore(series.Limits{})
	for i, n := range []float64{10, 20, 5, 15} {
		appended(t, s, second(i), native("h", 0, n))
	}
	if got := answer(t, s, `round(histogram_count(increase(h[3001ms])) * 3 / 3.001)`, second(3)); got != "25" {
		t.Errorf("increase of 10, 20, 5, 15 is %s, want 10+5+10", got)
	}
	if got := answer(t, s, `resets(h[1m])`, second(3)); got != "1" {
		t.Errorf("resets = %s, want 1", got)
	}
}

func TestGaugeHistograms(t *testing.T) {
	s := series.NewStore(series.Limits{})
	for i, n := range []float64{10, 20, 5} {
		sample := native("h", int32(i), n)
		sample.Histogram.CounterResetHint = histogram.GaugeType
		appended(t, s, second(i), sample)
	}
	if got := answer(t, s, `histogram_count(avg_over_time(h[1m])) * 3`, second(3)); got != "35" {
		t.Errorf("sum of 10, 20, 5 is %s, want 35", got)
	}
}

// Large histograms are cut into chunks by their size, and none is lost.
func TestManyHistograms(t *testing.T) {
	s := series.NewStore(series.Limits{})
	buckets := slices.Repeat([]float64{1}, 160)
	for i := range 200 {
		for b := range buckets {
			buckets[b] += float64(i % (b + 1))
		}
		appended(t, s, second(i), native("h", 0, slices.Clone(buckets)...))
	}
	if got := answer(t, s, `count_over_time(h[1h])`, second(200)); got != "200" {
		t.Errorf("%s histograms, want 200", got)
	}
}
