package analysis

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of samples and verdicts.
const (
	ReasonWithin      = "WithinLimits"      // every limit is kept
	ReasonOutside     = "OutsideLimits"     // a limit is broken
	ReasonNoData      = "NoData"            // the query answers with nothing
	ReasonNotANumber  = "NotANumber"        // the query answers with NaN, which is no data either
	ReasonIgnored     = "NoDataIgnored"     // no data, and noData is Ignore
	ReasonNoBaseline  = "NoBaseline"        // the stable release has no value to compare with
	ReasonSeveral     = "SeveralSeries"     // the query answers with more than one series
	ReasonRejected    = "QueryRejected"     // the server refuses the query
	ReasonNotNumbers  = "NotNumbers"        // the answer is not made of numbers
	ReasonUnavailable = "ServerUnavailable" // the server gives no answer
)

// maxWords bounds a server's words in a message, in bytes.
const maxWords = 512

// Sample is one answer, held against the limits. What is Unknown counts for
// nothing and against nothing.
type Sample struct {
	Time      time.Time
	Outcome   v1alpha1.Outcome
	Reason    string
	Message   string // the rest of a sentence that begins with the metric; empty for what passed
	Value     *float64
	Baseline  *float64
	Threshold string
	Query     string        // with everything filled in
	Window    time.Duration // that the value covers; zero when the query does not say
	Source    string
	Statistic string // what a test came to
	Needed    string // what it would take to decide
}

// Take asks for one sample of the metric, and of the stable release's where
// the two are compared. A value that breaks min or max fails even when there
// is nothing to compare it with.
func Take(ctx context.Context, source Source, m v1alpha1.Metric, s Subject, now time.Time) Sample {
	switch {
	case m.Errors != nil:
		return takeErrors(ctx, source, m, s, now)
	case m.Latency != nil:
		return takeLatency(ctx, source, m, s, now)
	}
	window, compared := windowOf(m, s, now), m.Compare != nil && s.Stable != ""
	sample := Sample{
		Time: now, Source: source.Name(), Threshold: threshold(m, compared),
		Query: Expand(m.Query, s, s.Release, window),
	}
	if m.Range != nil || strings.Contains(m.Query, "${window}") {
		sample.Window = window
	}
	value, missing := ask(ctx, source, m, sample.Query, now, window)
	if missing != nil {
		return sample.without(m, *missing)
	}
	sample.Value = &value
	if compared {
		var baseline float64
		baseline, missing = ask(ctx, source, m, Expand(m.Query, s, s.Stable, window), now, window)
		if missing == nil {
			sample.Baseline = &baseline
		}
	}
	return sample.held(limits(m, value, sample.Baseline), missing)
}

// held is the sample, held against its limits; missing is why there is no
// baseline.
func (s Sample) held(all []limit, missing *trouble) Sample {
	problem := broken(all)
	switch {
	case problem != "":
		s.Outcome, s.Reason, s.Message = verdict.Failed, ReasonOutside, problem
	case missing != nil && missing.empty():
		s.Outcome, s.Reason, s.Message = verdict.Unknown, ReasonNoBaseline, "there is no value of the stable release to compare with: "+missing.message
	case missing != nil:
		s.Outcome, s.Reason, s.Message = verdict.Unknown, missing.reason, "there is no value of the stable release to compare with: "+missing.message
	case !measurable(all):
		s.Outcome, s.Reason, s.Message = verdict.Unknown, ReasonNoBaseline, "its value and the stable release's are both infinite, which cannot be compared"
	default:
		s.Outcome, s.Reason = verdict.Passed, ReasonWithin
	}
	return s
}

// trouble is why there is no value.
type trouble struct{ reason, message string }

// empty reports whether the server answered, with nothing.
func (t trouble) empty() bool { return t.reason == ReasonNoData || t.reason == ReasonNotANumber }

// without is a sample that has no value.
func (s Sample) without(m v1alpha1.Metric, t trouble) Sample {
	s.Outcome, s.Reason, s.Message = verdict.Unknown, t.reason, t.message
	if !t.empty() {
		return s
	}
	switch m.NoData {
	case v1alpha1.NoDataFail:
		s.Outcome, s.Message = verdict.Failed, "had no data, which its noData policy fails: "+t.message
	case v1alpha1.NoDataIgnore:
		s.Outcome, s.Reason = verdict.Passed, ReasonIgnored
	case v1alpha1.NoDataUnknown:
	}
	return s
}

// ask is the one number that the query answers with.
func ask(ctx context.Context, source Source, m v1alpha1.Metric, query string, now time.Time, window time.Duration) (float64, *trouble) {
	series, err := series(ctx, source, m, query, now, window)
	switch {
	case err != nil:
		return 0, explain(source, err)
	case len(series) > 1:
		return 0, &trouble{ReasonSeveral, "the query answers with several series; aggregate them, for example with sum()"}
	case len(series) == 0 || len(series[0]) == 0:
		return 0, &trouble{ReasonNoData, "the query answers with no data; check its labels, and that the release gets traffic"}
	}
	value := reduce(m, series[0])
	if math.IsNaN(value) {
		return 0, &trouble{ReasonNotANumber, "the query answers with NaN, as a division of zero by zero does; check that the release gets traffic"}
	}
	return value, nil
}

// explain tells a query that cannot be answered from a server that does not
// answer.
func explain(source Source, err error) *trouble {
	if errors.Is(err, ErrRejected) {
		return &trouble{ReasonRejected, verdict.Clip(err.Error(), maxWords)}
	}
	if errors.Is(err, ErrType) {
		return &trouble{ReasonNotNumbers, verdict.Clip(err.Error(), maxWords)}
	}
	how := "does not answer"
	if unavailable, ok := errors.AsType[*UnavailableError](err); ok {
		how = verdict.Clip(unavailable.How, maxWords)
	}
	return &trouble{ReasonUnavailable, "metric server " + source.Name() + " " + how + "; the operator goes on asking"}
}

// series are the answers of each series: one point each for an instant query.
// A range goes back no further than the release has been judged.
func series(ctx context.Context, source Source, m v1alpha1.Metric, query string, now time.Time, window time.Duration) ([][]Point, error) {
	if m.Range != nil {
		return source.QueryRange(ctx, query, now.Add(-window), now, time.Duration(max(1, m.Range.StepSeconds))*time.Second)
	}
	points, err := source.Query(ctx, query, now)
	all := make([][]Point, 0, len(points))
	for _, p := range points {
		all = append(all, []Point{p})
	}
	return all, err
}

// windowOf is what ${window} stands for: how long the release has been judged,
// at most the range's window.
func windowOf(m v1alpha1.Metric, s Subject, now time.Time) time.Duration {
	window := now.Sub(s.Since)
	if m.Range != nil {
		window = min(window, time.Duration(m.Range.WindowSeconds)*time.Second)
	}
	return max(window.Truncate(time.Second), time.Second)
}

// reduce makes one number of the points of a series, of which there is at
// least one. NaN in a range is no data, and left out; of nothing else, it is
// NaN.
func reduce(m v1alpha1.Metric, points []Point) float64 {
	if m.Range == nil {
		return points[len(points)-1].Value
	}
	values := make([]float64, 0, len(points))
	for _, p := range points {
		if !math.IsNaN(p.Value) {
			values = append(values, p.Value)
		}
	}
	if len(values) == 0 {
		return math.NaN()
	}
	sum, least, most := 0.0, values[0], values[0]
	for _, v := range values {
		sum, least, most = sum+v, min(least, v), max(most, v)
	}
	switch m.Range.Reduce {
	case v1alpha1.ReduceMin:
		return least
	case v1alpha1.ReduceMax:
		return most
	case v1alpha1.ReduceLast:
		return values[len(values)-1]
	case v1alpha1.ReduceSum:
		return sum
	case v1alpha1.ReduceAvg:
	}
	return sum / float64(len(values))
}
