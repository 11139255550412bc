package analysis

import (
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

// The schema's bounds on evidence, in bytes.
const (
	maxQuery     = 4096
	maxThreshold = 256 // and on what is needed
	maxStatistic = 512
)

// Count is a tally after one more sample. What is Unknown moves nothing, and
// nor does data that is missing and ignored: it is no proof of recovery.
func Count(tally v1alpha1.MetricTally, s Sample) v1alpha1.MetricTally {
	switch {
	case s.Outcome == verdict.Failed:
		tally.Failures++
		tally.Consecutive++
	case s.Outcome == verdict.Passed && s.Reason != ReasonIgnored:
		tally.Consecutive = 0
	}
	return tally
}

// Judge says what the samples of a step amount to. The tally is that of the
// whole release, the record's samples included. Failing needs no patience: the
// tally decides at once. Passing does: enough samples, and the latest of them
// good.
func Judge(m v1alpha1.Metric, r Record, tally v1alpha1.MetricTally) verdict.Verdict {
	v := judge(m, r, tally)
	return verdict.With(verdict.Named(v, m.Name), evidence(v.Outcome, m, r, tally))
}

func judge(m v1alpha1.Metric, r Record, tally v1alpha1.MetricTally) verdict.Verdict {
	const kind = v1alpha1.SignalMetric
	if tested(m) {
		return judgeTest(m, r, tally)
	}
	inARow, needed := max(1, m.ConsecutiveFailures), max(1, m.MinSamples)
	switch {
	case tally.Consecutive >= inARow && inARow == 1:
		return verdict.Fail(kind, ReasonConsecutive, "Metric %q %s", m.Name, r.failing())
	case tally.Consecutive >= inARow:
		return verdict.Fail(kind, ReasonConsecutive, "Metric %q %s, in %d samples in a row", m.Name, r.failing(), inARow)
	case m.FailureBudget != nil && tally.Failures > *m.FailureBudget:
		return verdict.Fail(kind, ReasonBudget, "Metric %q %s, in more samples than its failureBudget of %d allows", m.Name, r.failing(), *m.FailureBudget)
	case r.Taken == 0:
		return verdict.Wait(kind, ReasonNotSampled, "Metric %q has not been sampled yet", m.Name)
	case r.Latest.Outcome == verdict.Unknown:
		return verdict.Wait(kind, r.Latest.Reason, "Metric %q is unknown: %s. Its query is: %s", m.Name, r.Latest.Message, m.Query)
	case r.Latest.Outcome == verdict.Failed || tally.Consecutive > 0:
		return verdict.Wait(kind, ReasonFailing, "Metric %q is failing, not yet often enough to decide: it must be %s", m.Name, r.Latest.Threshold)
	case r.Decided < needed:
		return verdict.Wait(kind, ReasonTooFew, "Metric %q needs %d samples in a step before it can pass", m.Name, needed)
	case r.Latest.Reason == ReasonIgnored:
		return verdict.Pass(kind, ReasonIgnored, "Metric %q has no data, which its noData policy ignores", m.Name)
	case r.Latest.Threshold == "":
		return verdict.Pass(kind, ReasonWithin, "Metric %q has only limits relative to a stable release, and there is none to compare with", m.Name)
	}
	return verdict.Pass(kind, ReasonWithin, "Metric %q is within its limits: %s", m.Name, r.Latest.Threshold)
}

// judgeTest says what the latest look at a test amounts to. A test that has
// found against the candidate has had all the patience there is.
func judgeTest(m v1alpha1.Metric, r Record, tally v1alpha1.MetricTally) verdict.Verdict {
	const kind = v1alpha1.SignalMetric
	switch {
	case tally.Consecutive > 0 && r.Failing != nil:
		return verdict.Fail(kind, r.Failing.Reason, "Metric %q %s", m.Name, r.failing())
	case tally.Consecutive > 0:
		return verdict.Fail(kind, ReasonWorse, "Metric %q %s", m.Name, r.failing())
	case r.Taken == 0:
		return verdict.Wait(kind, ReasonNotSampled, "Metric %q has not been sampled yet", m.Name)
	case r.Latest.Outcome == verdict.Unknown:
		return verdict.Wait(kind, r.Latest.Reason, "Metric %q is unknown: %s", m.Name, r.Latest.Message)
	case r.Latest.Reason == ReasonIgnored:
		return verdict.Pass(kind, ReasonIgnored, "Metric %q has no requests to judge, which its noData policy ignores", m.Name)
	case r.Latest.Threshold == "":
		return verdict.Pass(kind, ReasonNothing, "Metric %q has only limits relative to a stable release, and there is none under traffic to compare with", m.Name)
	}
	return verdict.Pass(kind, ReasonWithin, "Metric %q is within its limits: %s", m.Name, r.Latest.Threshold)
}

// evidence is what the verdict rests on: the latest sample, or the latest that
// failed for a verdict against. Then the failures are those of the whole
// release, else of the step.
func evidence(o v1alpha1.Outcome, m v1alpha1.Metric, r Record, tally v1alpha1.MetricTally) verdict.Evidence {
	shown, failures := r.Latest, r.Failed
	if o == verdict.Failed {
		failures = tally.Failures
		if r.Failing != nil {
			shown = *r.Failing
		}
	}
	e := verdict.Evidence{
		Value: textOf(shown.Value), Baseline: textOf(shown.Baseline), Threshold: verdict.Clip(shown.Threshold, maxThreshold),
		Query: verdict.Clip(shown.Query, maxQuery), Source: shown.Source,
		Samples: max(r.Decided, failures), Failures: failures, Time: metav1.NewTime(shown.Time),
		Statistic: verdict.Clip(shown.Statistic, maxStatistic), Needed: verdict.Clip(shown.Needed, maxThreshold),
	}
	if shown.Window > 0 {
		e.Window = shown.Window.String()
	}
	if r.Taken == 0 {
		e.Threshold, e.Query = verdict.Clip(threshold(m, true), maxThreshold), verdict.Clip(queryOf(m), maxQuery)
	}
	return e
}

// failing says what the latest failing sample saw.
func (r Record) failing() string {
	if r.Failing == nil {
		return "failed in earlier samples"
	}
	return r.Failing.Message
}
