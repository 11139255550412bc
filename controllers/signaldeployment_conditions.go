package controllers

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// setConditions derives every condition from what is remembered and was seen.
func setConditions(sd *v1alpha1.SignalDeployment, w *world) {
	obstacle := meta.FindStatusCondition(sd.Status.Conditions, v1alpha1.ConditionStalled)
	switch {
	case w.Spec.Outcome == verdict.Failed:
		summarize(sd, metav1.ConditionFalse, w.Spec.Reason, w.Spec.Message, stalledSummary)
	case obstacle != nil && obstacles[obstacle.Reason] && obstacle.ObservedGeneration == sd.Generation:
		// the applier takes it back when it has got through
	case sd.Status.Candidate == nil && w.Spec.Outcome == verdict.Unknown:
		summarize(sd, metav1.ConditionFalse, w.Spec.Reason, w.Spec.Message, reconcilingSummary)
	default:
		setSummary(sd)
	}
	setSignals(sd, w)
	setDrill(sd, w.drill.Overdue)
}

// A summary is which of the three kstatus conditions is True.
type summary int

const (
	readySummary summary = iota
	reconcilingSummary
	stalledSummary
)

// setSummary derives Ready, Reconciling and Stalled from the memory.
func setSummary(sd *v1alpha1.SignalDeployment) {
	m := sd.Status.Rollout
	if m.Phase == v1alpha1.PhaseSucceeded && drilling(sd) {
		summarize(sd, metav1.ConditionTrue, "DrillInProgress", "The stable release serves; a rollback drill runs beside it", readySummary)
		return
	}
	switch m.Phase {
	case v1alpha1.PhaseSucceeded:
		summarize(sd, metav1.ConditionTrue, m.Reason, m.Message, readySummary)
	case v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
		summarize(sd, metav1.ConditionFalse, m.Reason, afterFailure(sd), stalledSummary)
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging,
		v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying,
		v1alpha1.PhaseSettling, v1alpha1.PhaseRollingBack:
		summarize(sd, metav1.ConditionFalse, m.Reason, fmt.Sprintf("%s: %s", m.Phase, m.Message), reconcilingSummary)
	default:
		summarize(sd, metav1.ConditionFalse, "Accepted", "The specification has been seen", reconcilingSummary)
	}
}

// afterFailure says what serves, why it turned back and what to do next.
func afterFailure(sd *v1alpha1.SignalDeployment) string {
	serves := "no release serves"
	if stable := sd.Status.Stable; stable != nil {
		serves = fmt.Sprintf("%s (%s) serves", stable.ID, stable.Digest)
	}
	return verdict.Clip(fmt.Sprintf("%s did not get through and %s. %s. Next: set the spec to what serves, ask for a fixed release, or try this one again by annotating %s=$(date +%%s)",
		sd.Status.Candidate.ID, serves, evidenceOf(sd), v1alpha1.AnnotationRetry), 8192)
}

// evidenceOf is the message of the release's end, with what it rests on.
func evidenceOf(sd *v1alpha1.SignalDeployment) string {
	m := sd.Status.Rollout
	for _, v := range slices.Backward(m.Verdicts) {
		if v.Outcome == verdict.Failed && v.Evidence != nil && v.Evidence.Query != "" && v.Reason == m.Reason {
			return fmt.Sprintf("%s (query: %s)", m.Message, v.Evidence.Query)
		}
	}
	return m.Message
}

// summarize sets the three conditions that kstatus reads; those of Reconciling
// and Stalled that are not True are absent.
func summarize(sd *v1alpha1.SignalDeployment, ready metav1.ConditionStatus, reason, message string, s summary) {
	set := func(kind string, status metav1.ConditionStatus) {
		meta.SetStatusCondition(&sd.Status.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: sd.Generation,
		})
	}
	set(v1alpha1.ConditionReady, ready)
	for kind, when := range map[string]summary{v1alpha1.ConditionReconciling: reconcilingSummary, v1alpha1.ConditionStalled: stalledSummary} {
		if s == when {
			set(kind, metav1.ConditionTrue)
			continue
		}
		meta.RemoveStatusCondition(&sd.Status.Conditions, kind)
	}
}

// setSignals says what each kind of signal last said of the candidate.
func setSignals(sd *v1alpha1.SignalDeployment, w *world) {
	if sd.Status.Candidate == nil {
		return
	}
	if sd.Status.Phase == v1alpha1.PhasePending { // what was said of the release before says nothing of this one
		for _, kind := range []string{v1alpha1.ConditionArtifactResolved, v1alpha1.ConditionGatesOpen, v1alpha1.ConditionChecksPassed, v1alpha1.ConditionAnalysisPassed, v1alpha1.ConditionAlertsQuiet} {
			meta.RemoveStatusCondition(&sd.Status.Conditions, kind)
		}
	}
	said := map[string]verdict.Verdict{
		v1alpha1.ConditionArtifactResolved: amount(w.Artifact),
		v1alpha1.ConditionGatesOpen:        rollout.Gates(w.Gates),
		v1alpha1.ConditionChecksPassed:     amount(w.checked(sd)),
		v1alpha1.ConditionAnalysisPassed:   amount(w.analysed()),
		v1alpha1.ConditionAlertsQuiet:      amount(w.quiet),
		v1alpha1.ConditionAlertRulesLoaded: w.loaded,
		v1alpha1.ConditionTrafficAccepted:  w.Route.Verdict,
	}
	for kind, v := range said {
		setSignal(sd, kind, v)
	}
}

func amount(verdicts []verdict.Verdict) verdict.Verdict {
	return verdict.All(verdict.Verdict{}, verdicts...)
}

// setSignal sets one condition. What has not been asked says nothing, nor does
// what is about to answer; and a new step's first samples do not take back what
// the last step's said: only an answer that stays away does.
func setSignal(sd *v1alpha1.SignalDeployment, kind string, v verdict.Verdict) {
	if v.Reason == "" || v.Reason == "NoRoutes" || v.Reason == "NoGates" {
		return
	}
	status := map[v1alpha1.Outcome]metav1.ConditionStatus{
		verdict.Passed: metav1.ConditionTrue, verdict.Failed: metav1.ConditionFalse, verdict.Unknown: metav1.ConditionUnknown,
	}[v.Outcome]
	was := meta.FindStatusCondition(sd.Status.Conditions, kind)
	if status == metav1.ConditionUnknown && (was == nil || was.Status == metav1.ConditionTrue) && !explained(sd, kind, v) {
		return
	}
	if was != nil && was.Status == status && was.Reason == v.Reason && status == metav1.ConditionTrue {
		return // the message of good news carries numbers that change; they are in the report
	}
	meta.SetStatusCondition(&sd.Status.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: v.Reason, Message: v.Message, ObservedGeneration: sd.Generation,
	})
}

// explained reports whether the machine has waited long enough for this
// verdict to have said so. Published rules are waited for by nobody: once the
// release is over, what is known of them is all there is to say.
func explained(sd *v1alpha1.SignalDeployment, kind string, v verdict.Verdict) bool {
	return sd.Status.Rollout.Reason == v.Reason || kind == v1alpha1.ConditionAlertRulesLoaded && !sd.Status.Rollout.EndTime.IsZero()
}
