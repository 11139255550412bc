package rollout

import (
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// signals are what judges a release that takes traffic.
func (m *machine) signals() []verdict.Verdict {
	return append(slices.Clone(m.seen.Metrics), m.seen.Alerts...)
}

// judged is what the signals amount to. Silence is not consent: a metric that
// has not been heard is unknown.
func (m *machine) judged() verdict.Verdict {
	if len(m.seen.Metrics) < len(m.spec.Analysis.Metrics) {
		return verdict.Wait(v1alpha1.SignalMetric, "NotSampled", "Not every metric has been sampled yet")
	}
	var doubtful []verdict.Verdict
	for _, v := range m.signals() {
		if !m.overrules(v) {
			doubtful = append(doubtful, v)
		}
	}
	none := verdict.Pass(v1alpha1.SignalMetric, "NothingToJudge", "No metric and no alert rule was asked for")
	if len(m.signals()) > 0 {
		none = verdict.Pass(v1alpha1.SignalRequest, "Overruled", "Someone promoted %s past its metrics and alerts", m.candidate().ID)
	}
	return verdict.All(none, doubtful...)
}

// waitedFor are the unknown verdicts that a missed deadline was spent on.
func (m *machine) waitedFor(why verdict.Verdict) []verdict.Verdict {
	if why.Kind != v1alpha1.SignalDeadline {
		return nil
	}
	var unknown []verdict.Verdict
	for _, v := range m.heard() {
		if v.Outcome == verdict.Unknown && v.Reason != "" {
			unknown = append(unknown, v)
		}
	}
	return unknown
}

// otherwise are the metrics that were within their limits when something else
// ended the release: they are part of what is to be known about it.
func (m *machine) otherwise(why verdict.Verdict) []verdict.Verdict {
	var good []verdict.Verdict
	for _, v := range m.seen.Metrics {
		if v.Outcome == verdict.Passed && v.Name != why.Name {
			good = append(good, v)
		}
	}
	return good
}

// heard are the signals that the phase waits for.
func (m *machine) heard() []verdict.Verdict {
	switch m.run().Phase {
	case v1alpha1.PhasePending:
		return []verdict.Verdict{m.seen.Route.Verdict}
	case v1alpha1.PhaseResolving:
		return []verdict.Verdict{m.seen.Artifact}
	case v1alpha1.PhaseGating:
		return []verdict.Verdict{m.seen.Gates}
	case v1alpha1.PhaseStaging:
		return []verdict.Verdict{m.side(m.candidate().Hash).Verdict}
	case v1alpha1.PhaseChecking:
		return m.seen.Smoke
	case v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver:
		return append(m.signals(), m.seen.Route.Verdict, m.side(m.candidate().Hash).Verdict)
	case v1alpha1.PhaseVerifying:
		return m.signals()
	case v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded, v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return nil
}

// verdict is the latest word of the signals, for the column.
func (m *machine) verdict() v1alpha1.Outcome {
	switch m.run().Phase {
	case v1alpha1.PhaseSucceeded:
		return verdict.Passed
	case v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
		return verdict.Failed
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging,
		v1alpha1.PhaseChecking, v1alpha1.PhaseSettling:
		return verdict.Unknown
	case v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying:
		return m.judged().Outcome
	}
	return ""
}
