package analysis

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of samples and verdicts.
const (
	ReasonWithin      = "WithinLimits"      // every limit is kept
	ReasonOutside     = "OutsideLimits"     // a limit is broken
	ReasonNoData      = "NoData"            // the query answers with nothing, or with NaN
	ReasonIgnored     = "NoDataIgnored"     // as NoData, and noData is Ignore
	ReasonNoBaseline  = "NoBaseline"        // the stable release has nothing to compare with
	ReasonSeveral     = "SeveralSeries"     // the query answers with more than one series
	ReasonRejected    = "QueryRejected"     // the server refuses the query
	ReasonNotNumbers  = "NotNumbers"        // the answer is not made of numbers
	ReasonUnavailable = "ServerUnavailable" // the server gives no answer
)

// Sample is one answer, held against the limits. What is Unknown counts for
// nothing and against nothing.
type Sample struct {
	Time      time.Time
	Outcome   v1alpha1.Outcome
	Reason    string
	Message   string
	Value     *float64
	Baseline  *float64
	Threshold string
	Query     string
	Window    time.Duration
	Source    string
}

// Take asks for one sample of the metric, and of the stable release's where
// the two are compared.
func Take(ctx context.Context, source Source, m v1alpha1.Metric, s Subject, now time.Time) Sample {
	window := windowOf(m, s, now)
	sample := Sample{
		Time: now, Source: source.Name(), Window: window, Threshold: threshold(m, s.Stable != ""),
		Query: Expand(m.Query, s, s.Release, window),
	}
	value, trouble := ask(ctx, source, m, sample.Query, now)
	if trouble != nil {
		return sample.without(m, *trouble)
	}
	sample.Value = &value
	if m.Compare != nil && s.Stable != "" {
		baseline, trouble := ask(ctx, source, m, Expand(m.Query, s, s.Stable, window), now)
		if trouble != nil {
			sample.Outcome, sample.Reason = verdict.Unknown, ReasonNoBaseline
			sample.Message = "there is no value of the stable release to compare with: " + trouble.message
			return sample
		}
		sample.Baseline = &baseline
	}
	sample.Outcome, sample.Reason = verdict.Passed, ReasonWithin
	if broken := sample.breaks(m); broken != "" {
		sample.Outcome, sample.Reason, sample.Message = verdict.Failed, ReasonOutside, broken
	}
	return sample
}

// trouble is why there is no value.
type trouble struct{ reason, message string }

// without is a sample that has no value.
func (s Sample) without(m v1alpha1.Metric, t trouble) Sample {
	s.Outcome, s.Reason, s.Message = verdict.Unknown, t.reason, t.message
	if t.reason != ReasonNoData {
		return s
	}
	switch m.NoData {
	case v1alpha1.NoDataFail:
		s.Outcome = verdict.Failed
	case v1alpha1.NoDataIgnore:
		s.Outcome, s.Reason = verdict.Passed, ReasonIgnored
	case v1alpha1.NoDataUnknown:
	}
	return s
}

// ask is the one number that the query answers with.
func ask(ctx context.Context, source Source, m v1alpha1.Metric, query string, now time.Time) (float64, *trouble) {
	series, err := series(ctx, source, m, query, now)
	switch {
	case errors.Is(err, ErrRejected):
		return 0, &trouble{ReasonRejected, verdict.Clip(err.Error(), 512)}
	case errors.Is(err, ErrType):
		return 0, &trouble{ReasonNotNumbers, verdict.Clip(err.Error(), 512)}
	case err != nil:
		return 0, &trouble{ReasonUnavailable, "metric server " + source.Name() + " does not answer; the operator goes on asking"}
	case len(series) > 1:
		return 0, &trouble{ReasonSeveral, "the query answers with several series; aggregate them, for example with sum()"}
	case len(series) == 0 || len(series[0]) == 0:
		return 0, &trouble{ReasonNoData, "the query answers with no data; check its labels, and that the release gets traffic"}
	}
	value := reduce(m, series[0])
	if math.IsNaN(value) {
		return 0, &trouble{ReasonNoData, "the query answers with NaN, as a division by zero does; check that the release gets traffic"}
	}
	return value, nil
}

// series are the answers of each series: one point each for an instant query.
func series(ctx context.Context, source Source, m v1alpha1.Metric, query string, now time.Time) ([][]Point, error) {
	if m.Range != nil {
		from := now.Add(-time.Duration(m.Range.WindowSeconds) * time.Second)
		return source.QueryRange(ctx, query, from, now, time.Duration(max(1, m.Range.StepSeconds))*time.Second)
	}
	points, err := source.Query(ctx, query, now)
	all := make([][]Point, 0, len(points))
	for _, p := range points {
		all = append(all, []Point{p})
	}
	return all, err
}

// reduce makes one number of a range; NaN in it is no data, and left out.
func reduce(m v1alpha1.Metric, points []Point) float64 {
	if m.Range == nil {
		return points[len(points)-1].Value
	}
	sum, count, least, most, last := 0.0, 0, math.Inf(1), math.Inf(-1), math.NaN()
	for _, p := range points {
		if math.IsNaN(p.Value) {
			continue
		}
		sum, count, last = sum+p.Value, count+1, p.Value
		least, most = min(least, p.Value), max(most, p.Value)
	}
	if count == 0 {
		return math.NaN()
	}
	switch m.Range.Reduce {
	case v1alpha1.ReduceMin:
		return least
	case v1alpha1.ReduceMax:
		return most
	case v1alpha1.ReduceLast:
		return last
	case v1alpha1.ReduceSum:
		return sum
	case v1alpha1.ReduceAvg:
	}
	return sum / float64(count)
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
