package analysis

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on several samples.
const (
	ReasonConsecutive = "TooManyFailures"  // consecutiveFailures in a row have failed
	ReasonBudget      = "BudgetSpent"      // more than failureBudget have failed
	ReasonFailing     = "Failing"          // the latest sample failed, which decides nothing yet
	ReasonTooFew      = "NotEnoughSamples" // fewer samples than minSamples
	ReasonNotSampled  = "NotSampled"       // none yet
)

// Count is a tally after one more sample. Unknown moves nothing.
func Count(tally v1alpha1.MetricTally, s Sample) v1alpha1.MetricTally {
	switch s.Outcome {
	case verdict.Failed:
		tally.Failures++
		tally.Consecutive++
	case verdict.Passed:
		tally.Consecutive = 0
	case verdict.Unknown:
	}
	return tally
}

// Judge says what the samples of a step amount to. Failing needs no patience:
// the tally of the whole release decides at once. Passing does: enough samples,
// and the latest of them good.
func Judge(m v1alpha1.Metric, r Record, tally v1alpha1.MetricTally) verdict.Verdict {
	v := judge(m, r, tally)
	v.Kind, v.Name = v1alpha1.SignalMetric, m.Name
	if r.Taken == 0 {
		return v
	}
	return verdict.With(v, evidence(r, tally))
}

func judge(m v1alpha1.Metric, r Record, tally v1alpha1.MetricTally) verdict.Verdict {
	const kind = v1alpha1.SignalMetric
	needed, latest := max(1, m.MinSamples), r.Latest
	switch {
	case tally.Consecutive >= max(1, m.ConsecutiveFailures):
		return verdict.Fail(kind, ReasonConsecutive, "Metric %q %s, in %d samples in a row", m.Name, r.failing(), tally.Consecutive)
	case m.FailureBudget != nil && tally.Failures > *m.FailureBudget:
		return verdict.Fail(kind, ReasonBudget, "Metric %q %s, in %d samples, more than its failureBudget of %d", m.Name, r.failing(), tally.Failures, *m.FailureBudget)
	case r.Taken == 0:
		return verdict.Wait(kind, ReasonNotSampled, "Metric %q has not been sampled yet", m.Name)
	case latest.Outcome == verdict.Unknown:
		return verdict.Wait(kind, latest.Reason, "Metric %q is unknown: %s. Query: %s", m.Name, latest.Message, latest.Query)
	case latest.Outcome == verdict.Failed:
		return verdict.Wait(kind, ReasonFailing, "Metric %q is failing, not yet often enough to decide: it must be %s", m.Name, latest.Threshold)
	case r.Decided < needed:
		return verdict.Wait(kind, ReasonTooFew, "Metric %q needs %d samples", m.Name, needed)
	case latest.Reason == ReasonIgnored:
		return verdict.Pass(kind, ReasonIgnored, "Metric %q has no data, which its noData policy ignores", m.Name)
	}
	return verdict.Pass(kind, ReasonWithin, "Metric %q is within its limits: %s is %s", m.Name, number(latest.Value), latest.Threshold)
}

// evidence is what the latest sample rests on.
func evidence(r Record, tally v1alpha1.MetricTally) verdict.Evidence {
	s := r.shown()
	return verdict.Evidence{
		Value: number(s.Value), Baseline: number(s.Baseline), Threshold: s.Threshold, Query: verdict.Clip(s.Query, 4096),
		Window: s.Window.String(), Source: s.Source, Samples: r.Decided, Failures: tally.Failures, Time: metav1.NewTime(s.Time),
	}
}

// failing says what the latest failing sample saw.
func (r Record) failing() string {
	if r.Failing == nil {
		return "failed before this operator started"
	}
	if r.Failing.Value == nil {
		return "had no data"
	}
	return r.Failing.Message
}

// shown is the sample that evidence shows: the failing one, where the latest
// has nothing to show.
func (r Record) shown() Sample {
	if r.Latest.Outcome == verdict.Unknown && r.Failing != nil {
		return *r.Failing
	}
	return r.Latest
}

func number(value *float64) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(text(*value))
}
