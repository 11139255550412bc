package conformance_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The built-in source differs from Prometheus on purpose, so that a release is
// judged sooner, in what the comment of internal/analysis/builtin lists and in
// nothing else that these tests know of. Each difference is shown here on both.
func TestDifferences(t *testing.T) {
	const before = "# TYPE phase gauge\nphase 1\n"
	const after = "# TYPE phase gauge\nphase 2\n# TYPE errors_total counter\nerrors_total 5\n"
	counts := expose(t, "counts", "candidate", "r2", fixed(textFormat, false, "%s", before))
	lies := expose(t, "lies", "candidate", "r2", fixed(textFormat, false, "%s", before+"up 7\nscrape_samples_scraped 8\nscrape_duration_seconds 900\n"))
	both := expose(t, "both", "stable", "r1", negotiated(1, 50))
	leaves := expose(t, "leaves", "stable", "r1", fixed(textFormat, false, "%s", before))
	breaks := expose(t, "breaks", "stable", "r1", fixed(textFormat, false, "%s", before+"late 1\n"))
	s := scrape(t, counts, lies, both, leaves, breaks)
	s.await("count(phase{} == 1)", "{} 5")
	breaks.set(fixed(textFormat, false, "%s", before+"half a li"))
	s.await("count(up{} == 0)", "{} 1")
	counts.set(fixed(textFormat, false, "%s", after))
	s.await(`count(phase{} == 2)`, "{} 1")
	now := time.UnixMilli(time.Now().UnixMilli())
	for name, tc := range map[string]struct {
		query        string
		theirs, ours answer
	}{
		"a counter that is new has counted from zero": {
			`sum(increase(errors_total{job!="defaults"}[5m]) > bool 0)`, answer{"{} 0"}, answer{"{} 1"},
		},
		"and has changed since": {
			`sum(changes(errors_total{job!="defaults"}[5m]))`, answer{"{} 0"}, answer{"{} 1"},
		},
		"a gauge that is new has not": {
			`sum(changes(phase{pod="both",job!="defaults"}[5m]))`, answer{"{} 0"}, answer{"{} 0"},
		},
		"what a target says of its scrapes is dropped": {
			`count(scrape_duration_seconds{pod="lies",job!="defaults"} > 100)`, answer{"{} 1"}, nil,
		},
		"what precedes the break of an exposition is stale like the rest": {
			`count by (__name__) ({__name__=~"phase|late",pod="breaks",job!="defaults"})`, answer{`{__name__="phase"} 1`}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff([]answer{tc.theirs, tc.ours}, []answer{s.theirs(tc.query, now), s.ours(tc.query, now)}); diff != "" {
				t.Errorf("%s (-want +got; prometheus, then the source):\n%s", tc.query, diff)
			}
		})
	}
	t.Run("classic histograms are kept beside native ones", func(t *testing.T) {
		theirs, ours := s.theirs(`count(seconds_bucket{job="defaults"})`, now), s.ours(`count(seconds_bucket)`, now)
		if diff := cmp.Diff([]answer{nil, {"{} 8"}}, []answer{theirs, ours}); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("the series of a target that goes are stale at once", func(t *testing.T) {
		s.aim(counts, lies, both, breaks)
		gone := time.UnixMilli(time.Now().UnixMilli() + 5)
		const query = `count(phase{pod="leaves",job!="defaults"})`
		ours := s.ours(query, gone)
		for deadline := time.Now().Add(10 * time.Second); ours != nil && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			ours = s.ours(query, gone) // the marker is of this time, but may yet have to be written
		}
		if diff := cmp.Diff([]answer{{"{} 1"}, nil}, []answer{s.theirs(query, gone), ours}); diff != "" {
			t.Error(diff)
		}
		s.await(`count(phase{pod!="breaks",job!="defaults"})`, "{} 3") // and soon there too
	})
}
