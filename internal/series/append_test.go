package series_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"

	"github.com/signal-delivery/operator/internal/series"
)

// A series only grows forward, and of two samples for one time the first stays.
func TestAppendInTime(t *testing.T) {
	type at struct {
		second int
		batch  []series.Sample
	}
	for name, tc := range map[string]struct {
		appends []at
		want    map[string][]string
	}{
		"in order": {
			[]at{{1, []series.Sample{float(1, "a")}}, {2, []series.Sample{float(2, "a")}}},
			map[string][]string{`{__name__="a"}`: {"1 1", "2 2"}},
		},
		"older than the series": {
			[]at{{2, []series.Sample{float(2, "a")}}, {1, []series.Sample{float(1, "a"), float(1, "b")}}},
			map[string][]string{`{__name__="a"}`: {"2 2"}, `{__name__="b"}`: {"1 1"}},
		},
		"twice for one time": {
			[]at{{1, []series.Sample{float(1, "a")}}, {1, []series.Sample{float(9, "a"), float(2, "b")}}},
			map[string][]string{`{__name__="a"}`: {"1 1"}, `{__name__="b"}`: {"1 2"}},
		},
		"twice in one batch": {
			[]at{{1, []series.Sample{float(1, "a"), float(9, "a")}}},
			map[string][]string{`{__name__="a"}`: {"1 1"}},
		},
		"a histogram for the time of a float": {
			[]at{{1, []series.Sample{float(1, "a")}}, {1, []series.Sample{native("a", 0, 1)}}},
			map[string][]string{`{__name__="a"}`: {"1 1"}},
		},
		"labels in another order": {
			[]at{{1, []series.Sample{float(1, "a", "x", "1", "y", "2")}}, {2, []series.Sample{float(2, "a", "y", "2", "x", "1")}}},
			map[string][]string{`{__name__="a", x="1", y="2"}`: {"1 1", "2 2"}},
		},
		"stale, and back": {
			[]at{{1, []series.Sample{float(1, "a")}}, {2, []series.Sample{float(stale, "a")}}, {3, []series.Sample{float(3, "a")}}},
			map[string][]string{`{__name__="a"}`: {"1 1", "2 stale", "3 3"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := series.NewStore(series.Limits{})
			for _, a := range tc.appends {
				appended(t, s, second(a.second), a.batch...)
			}
			if diff := cmp.Diff(tc.want, held(t, s, second(0), second(10))); diff != "" {
				t.Errorf("held (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAge(t *testing.T) {
	s := series.NewStore(series.Limits{Age: 10 * time.Second})
	appended(t, s, second(0), float(1, "gone"), float(1, "kept"))
	appended(t, s, second(1), float(2, "kept"))
	appended(t, s, second(11), float(3, "kept"))
	appended(t, s, second(1), float(7, "late"))
	appended(t, s, second(0), float(8, "too late"))

	want := map[string][]string{`{__name__="kept"}`: {"1 2", "11 3"}, `{__name__="late"}`: {"1 7"}}
	if diff := cmp.Diff(want, held(t, s, second(0), second(100))); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	if n, _ := s.Size(); n != 2 {
		t.Errorf("%d series, want 2: those of which every sample is too old are dropped", n)
	}
}

// Chunks that are too old are dropped from a series that lives on.
func TestAgeBoundsMemory(t *testing.T) {
	s := series.NewStore(series.Limits{Age: time.Minute})
	for i := range 10_000 {
		appended(t, s, second(i), float(float64(i), "a"))
	}
	n, samples := s.Size()
	if n != 1 || samples < 60 || samples > 300 {
		t.Errorf("%d series, %d samples; want 1 and about a minute's", n, samples)
	}
	if got := answer(t, s, `count_over_time(a[1h])`, second(9_999)); got != "61" {
		t.Errorf("%s samples are seen, want 61", got)
	}
	appended(t, s, second(20_000), float(1, "b"))
	if n, samples := s.Size(); n != 1 || samples != 1 {
		t.Errorf("%d series, %d samples; want those of b alone", n, samples)
	}
}

// A batch is taken whole or not at all.
func TestLimits(t *testing.T) {
	full := func(limits series.Limits) *series.Store {
		s := series.NewStore(limits)
		appended(t, s, second(0), float(1, "a"), float(1, "b"))
		return s
	}
	for name, tc := range map[string]struct {
		limits  series.Limits
		second  int
		batch   []series.Sample
		want    error
		message string
		size    [2]int
	}{
		"as many series as fit":           {series.Limits{Series: 3}, 1, []series.Sample{float(1, "a"), float(1, "c")}, nil, "", [2]int{3, 4}},
		"one series too many":             {series.Limits{Series: 2}, 1, []series.Sample{float(1, "a"), float(1, "c")}, series.ErrTooManySeries, "append to 2 series: too many series, the limit is 2", [2]int{2, 2}},
		"a new series counts once":        {series.Limits{Series: 3}, 1, []series.Sample{float(1, "c"), float(1, "c")}, nil, "", [2]int{3, 3}},
		"as many samples as fit":          {series.Limits{Samples: 4}, 1, []series.Sample{float(1, "a"), float(1, "b")}, nil, "", [2]int{2, 4}},
		"one sample too many":             {series.Limits{Samples: 3}, 1, []series.Sample{float(1, "a"), float(1, "b")}, series.ErrTooManySamples, "append to 2 samples: too many samples, the limit is 3", [2]int{2, 2}},
		"stale markers of what is held":   {series.Limits{Samples: 2}, 1, []series.Sample{float(stale, "a"), float(stale, "b")}, nil, "", [2]int{2, 4}},
		"a stale marker of a new series":  {series.Limits{Samples: 2}, 1, []series.Sample{float(stale, "c")}, series.ErrTooManySamples, "append to 2 samples: too many samples, the limit is 2", [2]int{2, 2}},
		"samples that are dropped anyhow": {series.Limits{Samples: 2}, 0, []series.Sample{float(2, "a"), float(2, "b")}, nil, "", [2]int{2, 2}},
		"a histogram counts its buckets":  {series.Limits{Samples: 4}, 1, []series.Sample{native("h", 0, 1, 1)}, series.ErrTooManySamples, "append to 2 samples: too many samples, the limit is 4", [2]int{2, 2}},
		"a histogram that fits":           {series.Limits{Samples: 5}, 1, []series.Sample{native("h", 0, 1, 1)}, nil, "", [2]int{3, 5}},
		"what is too old gives way":       {series.Limits{Series: 2, Samples: 2, Age: 6000 * time.Second}, 6001, []series.Sample{float(1, "c"), float(1, "d")}, nil, "", [2]int{2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			s := full(tc.limits)
			err := s.Append(second(tc.second), tc.batch)
			if !errors.Is(err, tc.want) {
				t.Fatalf("Append = %v, want %v", err, tc.want)
			}
			if err != nil && err.Error() != tc.message {
				t.Errorf("Append says %q, want %q", err, tc.message)
			}
			n, samples := s.Size()
			if diff := cmp.Diff(tc.size, [2]int{n, samples}); diff != "" {
				t.Errorf("Size (-want +got):\n%s", diff)
			}
		})
	}
}

// A full store makes room before it refuses, also between its regular sweeps.
func TestFullStoreSweeps(t *testing.T) {
	s := series.NewStore(series.Limits{Series: 1, Age: time.Minute})
	appended(t, s, second(0), float(1, "a"))
	appended(t, s, second(59).Add(500*time.Millisecond), float(2, "a")) // sweeps
	appended(t, s, second(119).Add(400*time.Millisecond))               // sweeps: a is just young enough
	appended(t, s, second(120), float(1, "b"))                          // too soon to sweep again
	if n, _ := s.Size(); n != 1 {
		t.Errorf("%d series, want b alone", n)
	}
}

func TestMalformedHistogram(t *testing.T) {
	s := series.NewStore(series.Limits{})
	bad := native("h", 0, 1, 1)
	bad.Histogram.PositiveSpans = []histogram.Span{{Length: 5}}
	err := s.Append(second(1), []series.Sample{float(1, "a"), bad})
	if !errors.Is(err, histogram.ErrHistogramSpansBucketsMismatch) {
		t.Errorf("Append = %v, want what is wrong with the histogram", err)
	}
	if n, samples := s.Size(); n != 0 || samples != 0 {
		t.Errorf("%d series, %d samples; want none of the batch", n, samples)
	}
}
