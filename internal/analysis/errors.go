package analysis

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis/statistic"
)

// takeErrors counts the requests that came and failed since the release has
// been judged, on both sides at one moment, and tests them.
func takeErrors(ctx context.Context, source Source, m v1alpha1.Metric, s Subject, now time.Time) Sample {
	e, window, compared := *m.Errors, testWindow(s, now), s.Stable != ""
	total, failed := errorQueries(e)
	sample := Sample{
		Time: now, Source: source.Name(), Threshold: threshold(m, compared), Window: window,
		Query: Expand(ratio(total, failed), s, s.Release, window),
	}
	if sample.Threshold == "" {
		return sample.found(statistic.Good, nil)
	}
	queries := []string{Expand(total, s, s.Release, window), Expand(failed, s, s.Release, window)}
	if compared {
		queries = append(queries, Expand(total, s, s.Stable, window), Expand(failed, s, s.Stable, window))
	}
	answers := askAll(ctx, source, now, queries...)

	candidate, missing := counted(answers[0], answers[1])
	if missing != nil || candidate.Requests == 0 && m.NoData == v1alpha1.NoDataIgnore {
		return sample.unanswered(m, noRequests(missing), false)
	}
	sample.Value = ratioOf(candidate)
	var stable *statistic.Counts
	if compared {
		counts, missing := counted(answers[2], answers[3])
		if missing != nil {
			return sample.unanswered(m, *missing, true)
		}
		stable, sample.Baseline = &counts, ratioOf(counts)
	}
	return sample.testErrors(e, errorsRule(e, s), candidate, stable)
}

// testErrors is the sample with what the counts amount to.
func (s Sample) testErrors(e v1alpha1.ErrorsTest, rule statistic.Errors, candidate statistic.Counts, stable *statistic.Counts) Sample {
	finding, evidence := rule.Judge(candidate, stable)
	seen := fmt.Sprintf("%.0f of %.0f requests failed", candidate.Failed, candidate.Requests)
	enough := rule.MinRequests
	if stable != nil {
		seen += fmt.Sprintf(", of the stable release %.0f of %.0f", stable.Failed, stable.Requests)
		enough = rule.Needed()
	}
	s.Statistic = seen + "; " + probability(evidence, rule.Share(stable != nil))
	if finding == statistic.TooFew || finding == statistic.Undecided {
		s.Needed = needed(rule.More(candidate, stable), candidate.Requests, s.Window)
	}
	return s.found(finding, map[statistic.Finding]string{
		statistic.TooFew:    fmt.Sprintf("too few requests of the candidate to tell a good release from a bad one: it takes at least %.0f in a step. Send it more traffic, or hold its steps for longer", enough),
		statistic.Undecided: "more requests of the candidate fail than are allowed, which may be chance: more requests will tell",
		statistic.Bad:       fmt.Sprintf("has found more errors than chance can explain: %s, beyond its maxIncrease %s", seen, e.MaxIncrease),
		statistic.Excessive: fmt.Sprintf("has found more errors than chance can explain: %s, beyond its max %s", seen, e.Max),
	})
}

func errorsRule(e v1alpha1.ErrorsTest, s Subject) statistic.Errors {
	return statistic.Errors{
		MaxIncrease: number(e.MaxIncrease), Detect: number(e.DetectIncrease), Max: number(e.Max), MinRequests: float64(e.MinRequests),
		Alpha: share(e.Alpha, s, e.Max != ""), Beta: number(e.Beta),
	}
}

// errorQueries count the requests, and those that failed.
func errorQueries(e v1alpha1.ErrorsTest) (total, failed string) {
	if e.TotalQuery != "" {
		return e.TotalQuery, e.FailedQuery
	}
	have, err := carrying(e.Failed)
	if err != nil {
		have = "" // refused when the spec was validated
	}
	return "sum(" + growth(selected(e.Counter, e.Matchers, have)) + ")", "sum(" + growth(selected(e.Counter, e.Matchers, e.Failed)) + ")"
}

// ratio is PromQL for the share that failed, for people to ask again.
func ratio(total, failed string) string { return "(" + failed + ") / (" + total + ")" }

func ratioOf(c statistic.Counts) *float64 {
	if c.Requests == 0 {
		return nil
	}
	return new(c.Ratio())
}

// counted makes counts of two answers. Where requests are counted but no
// failed ones, none has failed. Parts of a failure, which PromQL can make of
// whole ones, are none.
func counted(total, failed answer) (statistic.Counts, *trouble) {
	requests, missing := only(total)
	if missing != nil {
		return statistic.Counts{}, missing
	}
	failures, missing := only(failed)
	if missing != nil && !missing.empty() {
		return statistic.Counts{}, missing
	}
	c := statistic.Counts{Requests: math.Round(requests), Failed: math.Floor(failures + 1e-6)}
	if !c.Valid() {
		return c, &trouble{ReasonOdd, "the queries do not count requests: what failed must be part of the total, and neither can be negative or infinite"}
	}
	return c, nil
}

// only is the one number of an answer.
func only(a answer) (float64, *trouble) {
	switch {
	case a.missing != nil:
		return 0, a.missing
	case len(a.points) > 1:
		return 0, &trouble{ReasonSeveral, "the query answers with several series; aggregate them, for example with sum()"}
	case len(a.points) == 0:
		return 0, &trouble{ReasonNoData, "no requests are counted; check the name of the counter and its labels, and that the release gets traffic"}
	case math.IsNaN(a.points[0].Value):
		return 0, &trouble{ReasonNotANumber, "the query answers with NaN instead of a count"}
	}
	return a.points[0].Value, nil
}

// noRequests is why there is nothing to judge: the trouble, or that a count is
// zero.
func noRequests(missing *trouble) trouble {
	if missing != nil {
		return *missing
	}
	return trouble{ReasonNoData, "no requests have come"}
}
