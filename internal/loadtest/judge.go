package loadtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on load tests.
const (
	ReasonHeld        = "LoadHeld"             // every limit
	ReasonBroken      = "LoadLimitsBroken"     // one or more of them
	ReasonBehind      = "LoadSenderBehind"     // what sends could not keep up
	ReasonApart       = "LoadWorkersApart"     // they did not send at the same time
	ReasonNotSwitched = "LoadFaultNotSwitched" // the service did not take a request of faults
	ReasonCut         = "LoadCutShort"         // it was stopped
	ReasonMeasured    = "LoadMeasured"         // and held against no limit
	ReasonPeak        = "LoadPeak"             // what the search for it came to
	ReasonEdge        = "LoadEdgeCase"         // how it was answered
	ReasonNoBaseline  = "LoadNoBaseline"       // there is nothing to compare with
	ReasonNoWorse     = "LoadNoWorse"          // than the stable release
	ReasonWorse       = "LoadWorse"            // than the stable release
	ReasonNotJudged   = "LoadNotJudged"        // while the service recovers from a fault
	name              = "load"
	together          = 80 // percent of the load that all workers must share
	maxMessage        = 1024
)

// Judge says what the result amounts to, and then what it amounts to in part.
func Judge(spec v1alpha1.LoadTest, r Result, records []v1alpha1.LoadRecord, stable string) []verdict.Verdict {
	base, why := Baseline(spec, records, stable)
	details := slices.Concat(
		[]verdict.Verdict{judgeRate(spec, r), judgeErrors(spec, r, base)}, judgeLatency(spec, r, base), judgeWindows(spec, r),
		judgeEdges(spec, r), judgeFaults(spec, r), judgeStable(spec, r, base, why), tellPeak(spec, r, base), judgeSender(spec, r),
	)
	return append([]verdict.Verdict{sumUp(spec, r, details)}, details...)
}

// sumUp is what the details amount to. That requests failed is the service's
// doing; how long they took says nothing when what sends was late itself.
func sumUp(spec v1alpha1.LoadTest, r Result, details []verdict.Verdict) verdict.Verdict {
	var failed, unknown []verdict.Verdict
	decisive := false
	for _, v := range details {
		switch v.Outcome {
		case verdict.Failed:
			failed, decisive = append(failed, v), decisive || v.Name == name+" errors" || v.Reason == ReasonEdge
		case verdict.Unknown:
			unknown = append(unknown, v)
		case verdict.Passed:
		}
	}
	c := r.Judged(spec)
	v := verdict.Pass(v1alpha1.SignalLoad, ReasonHeld, "The load test held its limits: %d requests in %s, %s", c.Sent, Main(spec).Lasts(), summary(r, c))
	switch {
	case len(failed) > 0 && (decisive || len(unknown) == 0):
		v = verdict.Fail(v1alpha1.SignalLoad, ReasonBroken, "The load test broke its limits: %s", said(failed))
	case len(unknown) > 0:
		v = verdict.Wait(v1alpha1.SignalLoad, unknown[0].Reason, "The load test does not tell: %s; unless the release is aborted or tried again, its deadline ends it", said(unknown))
	}
	return verdict.With(verdict.Named(v, name), verdict.Evidence{
		Value: verdict.Clip(summary(r, c), 256), Query: describe(spec), Window: Main(spec).Lasts().String(),
		Samples: int32(min(c.Sent, 1<<31-1)), //nolint:gosec // bounded
	})
}

func said(all []verdict.Verdict) string {
	parts := make([]string, 0, len(all))
	for _, v := range all {
		parts = append(parts, v.Message)
	}
	return verdict.Clip(strings.Join(parts, "; "), maxMessage)
}

// summary is what was measured, in a line.
func summary(r Result, c Counts) string {
	parts := make([]string, 0, len(Percentiles))
	for i, p := range Percentiles {
		parts = append(parts, percentile(i)+" "+latency(r.Latency.Quantile(p)))
	}
	return fmt.Sprintf("%s, %s failed", strings.Join(parts, ", "), percent(c.errorPercent()))
}

// describe is the test in words.
func describe(spec v1alpha1.LoadTest) string {
	text := fmt.Sprintf("%s load of %d", spec.Shape, spec.RatePerSecond)
	if spec.PeakRatePerSecond > 0 {
		text += fmt.Sprintf(" to %d", spec.PeakRatePerSecond)
	}
	return text + fmt.Sprintf(" requests per second for %d s by %d workers", spec.DurationSeconds, max(1, spec.Workers))
}

func detail(v verdict.Verdict, what string, e verdict.Evidence) verdict.Verdict {
	return verdict.With(verdict.Named(v, name+" "+what), e)
}

func measured(format string, args ...any) verdict.Verdict {
	return verdict.Pass(v1alpha1.SignalLoad, ReasonMeasured, format, args...)
}

// judgeRate looks at the requests that were answered without an error.
func judgeRate(spec v1alpha1.LoadTest, r Result) verdict.Verdict {
	c, lasted := r.Judged(spec), 0.0
	for _, w := range Windows(spec) {
		if !w.Excused {
			lasted += (w.To - w.From).Seconds()
		}
	}
	rate := float64(c.Sent-c.Errors) / lasted
	e := verdict.Evidence{Value: fmt.Sprintf("%.1f/s", rate), Window: Main(spec).Lasts().String()}
	v := measured("%.1f requests per second were answered without an error", rate)
	if least := spec.Limits.MinRatePerSecond; least > 0 {
		e.Threshold = fmt.Sprintf(">= %d/s", least)
		if v.Reason = ReasonHeld; rate < float64(least) {
			v = verdict.Fail(v1alpha1.SignalLoad, ReasonBroken, "%.1f requests per second were answered without an error, of at least %d", rate, least)
		}
	}
	return detail(v, "rate", e)
}

// judgeErrors counts failures, by their kinds.
func judgeErrors(spec v1alpha1.LoadTest, r Result, base *v1alpha1.LoadRecord) verdict.Verdict {
	c, most := r.Judged(spec), allowed(spec.Limits)
	e := verdict.Evidence{
		Value: percent(c.errorPercent()), Threshold: "<= " + percent(most), Statistic: classes(r.Classes),
		Samples: int32(min(c.Sent, 1<<31-1)), Failures: int32(min(c.Errors, 1<<31-1)), //nolint:gosec // bounded
	}
	if base != nil && base.Requests > 0 {
		e.Baseline = percent(100 * float64(base.Errors) / float64(base.Requests))
	}
	kinds := ""
	if e.Statistic != "" {
		kinds = ": " + e.Statistic
	}
	v := verdict.Pass(v1alpha1.SignalLoad, ReasonHeld, "%d of %d requests failed%s", c.Errors, c.Sent, kinds)
	if c.errorPercent() > most {
		v = verdict.Fail(v1alpha1.SignalLoad, ReasonBroken, "%d of %d requests failed (%s, of at most %s)%s", c.Errors, c.Sent, percent(c.errorPercent()), percent(most), kinds)
	}
	return detail(v, "errors", e)
}

// classes are the kinds of errors, the most frequent first.
func classes(counts map[string]int64) string {
	kinds := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return int(counts[b] - counts[a])
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		parts = append(parts, fmt.Sprintf("%s %d", kind, counts[kind]))
	}
	return verdict.Clip(strings.Join(parts, ", "), 256)
}

// judgeLatency holds each percentile against its limit.
func judgeLatency(spec v1alpha1.LoadTest, r Result, base *v1alpha1.LoadRecord) []verdict.Verdict {
	all := make([]verdict.Verdict, 0, len(Percentiles))
	c := r.Judged(spec)
	for i, p := range Percentiles {
		value, at := r.Latency.Quantile(p), limit(spec.Limits, i)
		e := verdict.Evidence{Window: Main(spec).Lasts().String()}
		v := measured("%s was %s", percentile(i), latency(value))
		if at > 0 {
			e.Threshold = "<= " + at.String()
			if v.Reason = ReasonHeld; c.within(i) {
				value = min(value, at) // what was counted is more exact than the histogram
			} else {
				v = verdict.Fail(v1alpha1.SignalLoad, ReasonBroken, "%s was %s, of at most %s", percentile(i), latency(value), at)
			}
		}
		if base != nil {
			e.Baseline = latency(time.Duration(base.LatencyMicroseconds[i]) * time.Microsecond)
		}
		e.Value = latency(value)
		all = append(all, detail(v, percentile(i), e))
	}
	return all
}
