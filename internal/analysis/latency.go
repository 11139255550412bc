package analysis

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis/statistic"
)

// takeLatency counts how long requests took since the release has been judged,
// on both sides at one moment, and tests them.
func takeLatency(ctx context.Context, source Source, m v1alpha1.Metric, s Subject, now time.Time) Sample {
	l, window, compared := *m.Latency, testWindow(s, now), s.Stable != ""
	sample := Sample{
		Time: now, Source: source.Name(), Threshold: threshold(m, compared), Window: window,
		Query: Expand(latencyQuery(l), s, s.Release, window),
	}
	if sample.Threshold == "" {
		return sample.found(statistic.Good, nil)
	}
	releases := []string{s.Release}
	if compared {
		releases = append(releases, s.Stable)
	}
	sides := make([]map[float64]float64, 2)
	for i, a := range askBuckets(ctx, source, l, s, releases, window, now) {
		side, missing := cumulative(a)
		if missing != nil {
			return sample.unanswered(m, *missing, i > 0)
		}
		sides[i] = side
	}
	bounds, candidate, stable := shared(sides[0], sides[1])
	requests := statistic.Total(candidate)
	switch {
	case requests == 0 && m.NoData == v1alpha1.NoDataIgnore:
		return sample.unanswered(m, noRequests(nil), false)
	case len(bounds) < 2:
		return sample.unanswered(m, trouble{ReasonOdd, "its histogram has no bucket in common with the candidate's"}, true)
	case math.IsNaN(requests) || requests > statistic.MaxCount || math.IsNaN(statistic.Total(stable)):
		return sample.unanswered(m, trouble{ReasonOdd, "the buckets do not count requests: they cannot be negative or infinite"}, false)
	}
	return sample.testLatency(l, latencyRule(l, s), bounds, candidate, stable)
}

// testLatency is the sample with what the buckets amount to.
func (s Sample) testLatency(l v1alpha1.LatencyTest, rule statistic.Latency, bounds, candidate, stable []float64) Sample {
	finding, evidence := rule.Judge(bounds, candidate, stable)
	s.Value = quantileOf(bounds, candidate, rule.Quantile)
	seen := fmt.Sprintf("quantile %s of %.0f requests %ss", l.Quantile, statistic.Total(candidate), textOf(s.Value))
	if stable != nil {
		s.Baseline = quantileOf(bounds, stable, rule.Quantile)
		seen += fmt.Sprintf(", of %.0f of the stable release %ss", statistic.Total(stable), textOf(s.Baseline))
	}
	s.Statistic = seen + "; " + probability(evidence, rule.Share(stable != nil))
	if requests := statistic.Total(candidate); finding == statistic.TooFew || finding == statistic.Undecided {
		s.Needed = needed(rule.More(bounds, candidate, stable), requests, s.Window)
	}
	return s.found(finding, map[statistic.Finding]string{
		statistic.TooFew:    fmt.Sprintf("too few requests of the candidate to tell a good release from a bad one: it takes at least %d in a step. Send it more traffic, or hold its steps for longer", l.MinRequests),
		statistic.Undecided: "requests of the candidate take longer than is allowed, which may be chance: more requests will tell",
		statistic.Bad:       fmt.Sprintf("has found requests slower than chance can explain: %s, beyond its maxRatio %s and maxIncreaseSeconds %s", seen, l.MaxRatio, l.MaxIncreaseSeconds),
		statistic.Excessive: fmt.Sprintf("has found requests slower than chance can explain: %s, beyond its maxSeconds %s", seen, l.MaxSeconds),
	})
}

func quantileOf(bounds, counts []float64, quantile float64) *float64 {
	q := statistic.Quantile(bounds, counts, quantile)
	if math.IsNaN(q) {
		return nil
	}
	return &q
}

func latencyRule(l v1alpha1.LatencyTest, s Subject) statistic.Latency {
	return statistic.Latency{
		Quantile: number(l.Quantile), MaxRatio: number(l.MaxRatio), MaxIncrease: number(l.MaxIncreaseSeconds), Max: number(l.MaxSeconds),
		MinRequests: float64(l.MinRequests), Alpha: share(l.Alpha, s, l.MaxSeconds != ""),
	}
}

// latencyQuery counts the requests that took no longer than each bound.
func latencyQuery(l v1alpha1.LatencyTest) string {
	return "sum by (le) (" + growth(selected(l.Histogram+"_bucket", l.Matchers)) + ")"
}

// nativeBounds are those in which a native histogram is counted, in seconds.
var nativeBounds = []string{
	"0.001", "0.0015", "0.002", "0.003", "0.005", "0.0075", "0.01", "0.015", "0.02", "0.03", "0.05", "0.075", "0.1",
	"0.15", "0.2", "0.3", "0.5", "0.75", "1", "1.5", "2", "3", "5", "7.5", "10", "15", "20", "30", "60", "+Inf",
}

// nativeQuery counts the same of a native histogram. Increase guesses how it
// grew beyond its samples, by one distance of two; that is taken off again.
func nativeQuery(l v1alpha1.LatencyTest) string {
	over := selected(l.Histogram, l.Matchers) + "[${window}]"
	grown := "sum(increase(" + over + ") * (1 - 1 / count_over_time(" + over + ")))"
	parts := make([]string, 0, len(nativeBounds))
	for _, bound := range nativeBounds {
		parts = append(parts, `label_replace(histogram_count(`+grown+`) * histogram_fraction(-Inf, `+bound+`, `+grown+`), "le", "`+bound+`", "", "")`)
	}
	return strings.Join(parts, " or ")
}

// askBuckets asks for the classic histogram of each release and, if the
// candidate has none, for the native one.
func askBuckets(ctx context.Context, source Source, l v1alpha1.LatencyTest, s Subject, releases []string, window time.Duration, now time.Time) []answer {
	var answers []answer
	for _, query := range []string{latencyQuery(l), nativeQuery(l)} {
		queries := make([]string, 0, len(releases))
		for _, release := range releases {
			queries = append(queries, Expand(query, s, release, window))
		}
		answers = askAll(ctx, source, now, queries...)
		if answers[0].missing != nil || len(answers[0].points) > 0 {
			break
		}
	}
	return answers
}

// cumulative is how many requests took no longer than each bound.
func cumulative(a answer) (map[float64]float64, *trouble) {
	if a.missing != nil {
		return nil, a.missing
	}
	counts := map[float64]float64{}
	for _, p := range a.points {
		bound, err := strconv.ParseFloat(p.Bound, 64)
		if err != nil || math.IsNaN(bound) {
			return nil, &trouble{ReasonOdd, "the histogram has a bucket without a bound"}
		}
		if counts[bound] = p.Value; math.IsNaN(p.Value) {
			counts[bound] = 0 // a share of no requests
		}
	}
	if _, whole := counts[math.Inf(1)]; !whole {
		return nil, &trouble{ReasonNoData, "no requests are timed; check the name of the histogram and its labels, and that the release gets traffic"}
	}
	return counts, nil
}

// shared are the counts of each side between the bounds that both have; a nil
// side is left out.
func shared(candidate, stable map[float64]float64) (bounds, c, s []float64) {
	for _, bound := range slices.Sorted(maps.Keys(candidate)) {
		if _, both := stable[bound]; both || stable == nil {
			bounds = append(bounds, bound)
		}
	}
	return bounds, inBuckets(bounds, candidate), inBuckets(bounds, stable)
}

// inBuckets are the counts between bounds. A scrape that comes between two
// buckets of one histogram can make a later one smaller: then none lies between.
func inBuckets(bounds []float64, counts map[float64]float64) []float64 {
	if counts == nil {
		return nil
	}
	all, below := make([]float64, 0, len(bounds)), 0.0
	for _, bound := range bounds {
		n := counts[bound]
		if n < 0 {
			n = math.NaN() // no count
		}
		all = append(all, max(n-below, 0))
		below = max(below, n)
	}
	return all
}
