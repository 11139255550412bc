package analysis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis/statistic"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of tests.
const (
	ReasonWorse        = "WorseThanStable"  // by more than is allowed, and beyond chance
	ReasonNothing      = "NothingToCompare" // no stable release takes traffic
	ReasonInsufficient = "InsufficientData" // too few requests to tell good from bad
	ReasonUndecided    = "Undecided"        // worse than is allowed, which may be chance
	ReasonOdd          = "OddCounts"        // no counts of requests
)

// tested reports whether the metric is a test rather than a query.
func tested(m v1alpha1.Metric) bool { return m.Errors != nil || m.Latency != nil }

// share is the part of a release's alpha that each part of it has, in which
// evidence is gathered anew: the steps and, where there is an absolute limit,
// the three moves of the cutover and the verification.
func share(alpha string, s Subject, limited bool) float64 {
	parts := max(1, s.Steps)
	if limited {
		parts += 4
	}
	return number(alpha) / float64(parts)
}

// number is the value of a field that the schema has checked; NaN if absent.
func number(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return n
}

// testWindow is how far back requests are counted: since the release has been
// judged, and one interval more, for what is counted is the difference of the
// first and the last sample.
func testWindow(s Subject, now time.Time) time.Duration {
	interval := (s.Interval + time.Second - 1).Truncate(time.Second)
	return max(now.Sub(s.Since).Truncate(time.Second), 0) + max(interval, time.Second)
}

// growth is PromQL for how much counters grew in ${window}: exactly, where
// increase would guess how they grew beyond the first and last sample, which
// makes much of little. It is left to increase where a counter was reset.
func growth(selector string) string {
	over := selector + "[${window}]"
	return "((max_over_time(" + over + ") - min_over_time(" + over + ")) unless (resets(" + over + ") > 0) or increase(" + over + "))"
}

// selected is the selector of a metric's series of one release.
func selected(metric string, matchers ...string) string {
	all := []string{`namespace="${namespace}"`, `delivery_signal_dev_name="${name}"`, `delivery_signal_dev_release="${release}"`}
	for _, m := range matchers {
		if m = strings.Trim(m, " ,"); m != "" {
			all = append(all, m)
		}
	}
	return metric + "{" + strings.Join(all, ",") + "}"
}

// carrying are matchers of series that have the labels of other matchers at
// all: what has not cannot be said to match or not.
func carrying(matchers string) (string, error) {
	all, err := parser.NewParser(parser.Options{}).ParseMetricSelector("{" + stand(matchers) + "}")
	if err != nil {
		return "", err
	}
	var some []string
	for _, m := range all {
		if some = append(some, m.Name+`!=""`); m.Name == model.MetricNameLabel {
			return "", errors.New("must not match the metric's name")
		}
	}
	slices.Sort(some)
	return strings.Join(slices.Compact(some), ","), nil
}

// answer is what a query was answered with.
type answer struct {
	points  []Point
	missing *trouble
}

// askAll asks for all at one moment, side by side.
func askAll(ctx context.Context, source Source, now time.Time, queries ...string) []answer {
	answers := make([]answer, len(queries))
	var all sync.WaitGroup
	for i, query := range queries {
		all.Go(func() {
			points, err := source.Query(ctx, query, now)
			if err != nil {
				answers[i].missing = explain(source, err)
				return
			}
			answers[i].points = points
		})
	}
	all.Wait()
	return answers
}

// found is the sample with what a test has found. The words are those for the
// findings that need some.
func (s Sample) found(f statistic.Finding, words map[statistic.Finding]string) Sample {
	s.Message = words[f]
	switch f {
	case statistic.Good:
		s.Outcome, s.Reason = verdict.Passed, ReasonWithin
	case statistic.Bad:
		s.Outcome, s.Reason = verdict.Failed, ReasonWorse
	case statistic.Excessive:
		s.Outcome, s.Reason = verdict.Failed, ReasonOutside
	case statistic.Undecided:
		s.Outcome, s.Reason = verdict.Unknown, ReasonUndecided
	case statistic.TooFew:
		s.Outcome, s.Reason = verdict.Unknown, ReasonInsufficient
	}
	return s
}

// unanswered is a sample whose counts, of the stable release or else of the
// candidate, are not there.
func (s Sample) unanswered(m v1alpha1.Metric, t trouble, stable bool) Sample {
	if !stable {
		return s.without(m, t)
	}
	s.Outcome, s.Reason, s.Message = verdict.Unknown, t.reason, "there are no requests of the stable release to compare with: "+t.message
	if t.empty() {
		s.Reason = ReasonNoBaseline
	}
	return s
}

// probability says how likely it is at most that evidence came by chance, and
// from where on that is decisive.
func probability(evidence, alpha float64) string {
	p := statistic.PValue(evidence)
	if p < 1e-300 {
		return "p < 1e-300, decisive at " + text(alpha)
	}
	return "p " + strconv.FormatFloat(p, 'g', 3, 64) + ", decisive at " + text(alpha)
}

// needed says how many more requests it takes, and for how long at the rate of
// those that came in the window.
func needed(more, had float64, window time.Duration) string {
	count := fmt.Sprintf("%.0f more requests of the candidate", math.Ceil(more))
	rate := had / window.Seconds()
	if !(rate > 0) {
		return count + ", which gets none"
	}
	wait := time.Duration(min(math.Ceil(more/rate), 1e9)) * time.Second
	return fmt.Sprintf("%s, %s at the present %s a second", count, wait, strconv.FormatFloat(rate, 'g', 3, 64))
}

// queryOf is what a metric asks, for people.
func queryOf(m v1alpha1.Metric) string {
	switch {
	case m.Errors != nil:
		total, failed := errorQueries(*m.Errors)
		return ratio(total, failed)
	case m.Latency != nil:
		return latencyQuery(*m.Latency)
	}
	return m.Query
}

// testThreshold says the limits of a test.
func testThreshold(m v1alpha1.Metric, compared bool) string {
	var parts []string
	if e := m.Errors; e != nil {
		if compared {
			parts = append(parts, "<= stable + "+e.MaxIncrease)
		}
		if e.Max != "" {
			parts = append(parts, "<= "+e.Max)
		}
	}
	if l := m.Latency; l != nil {
		if compared {
			parts = append(parts, "<= "+l.MaxRatio+" * stable or stable + "+l.MaxIncreaseSeconds)
		}
		if l.MaxSeconds != "" {
			parts = append(parts, "<= "+l.MaxSeconds)
		}
	}
	return strings.Join(parts, ", ")
}
