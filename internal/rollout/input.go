package rollout

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Input is everything a decision may depend on. Nothing in it is changed.
type Input struct {
	// Object is what the user asked for, and in its status what earlier
	// decisions remembered.
	Object *v1alpha1.SignalDeployment
	Seen   Observation
	Now    time.Time
}

// Observation is the world as one reconcile saw it.
type Observation struct {
	Asked  string                   // hash of what the spec asks for
	Spec   verdict.Verdict          // not Passed: nothing new may start
	Digest string                   // what the image was resolved to, once it has been verified
	Hash   string                   // of the release that the digest makes
	Record *v1alpha1.ArtifactRecord // what the digest is, where a Job has looked

	Artifact []verdict.Verdict
	Gates    []verdict.Verdict
	Opens    metav1.Time     // when time alone opens a gate that is closed; zero if it does not
	Checks   Checks          // of the candidate before it takes traffic
	After    Checks          // and once it serves all
	Split    verdict.Verdict // how the step splits the traffic, once that is being measured
	Metrics  []verdict.Verdict
	SLOs     []verdict.Verdict
	Alerts   []verdict.Verdict
	Firing   []string                // alerts that fire, by key
	Heard    bool                    // the alerts were heard, so that what is not in Firing does not fire
	Before   []string                // alerts among them that are none of the release's doing, as there are no pods of it yet
	Critical []verdict.Verdict       // which smoke check covers each critical path, while they run: told, and decides nothing
	Told     []verdict.Verdict       // worth telling at the end, though nothing is decided by it
	Tallies  []v1alpha1.MetricTally  // failing samples, where there are any
	Budgets  []v1alpha1.BudgetRecord // consumed of error budgets, where there are objectives

	Sides    map[string]Side              // releases that have pods, by hash
	Drift    map[string][]verdict.Verdict // what someone did to what a release is made of, by hash
	Route    Route
	Service  Service
	Preview  Preview
	Reported bool // the latest attempt's report is archived

	Measured *v1alpha1.LoadRecord // by a load test that has passed

	Load   verdict.Verdict   // what became of background load: it is told, and decides nothing
	Seal   []verdict.Verdict // what the registry says once the release is over
	Sealed bool              // it has said so, or nobody asks

	Dashboard verdict.Verdict // whether the dashboard has arrived; decides nothing
}

// Side is the pods of one release.
type Side struct {
	Desired, Created, Ready int32
	Verdict                 verdict.Verdict
	Proof                   verdict.Verdict // that the pods run the digest
	Templates               []string        // pod-template-hash of the pods, sorted
	Crashes                 []Crash
}

// Crash is the latest end of a container that was to go on.
type Crash struct {
	Time    metav1.Time // of the end
	Created metav1.Time // when its pod was
	Again   bool        // it was not the first end
	Verdict verdict.Verdict
}

// Route is what the routes say of the canary Service.
type Route struct {
	Weight, Lowest int32 // its share in percent: the highest and the lowest of all rules
	Settled        bool  // every rule agrees and every gateway has accepted
	Sibling        bool  // a canary backend is present somewhere
	Verdict        verdict.Verdict
}

// Preview is what the routes say by which requests that name the candidate
// reach it before it takes traffic.
type Preview struct {
	Present bool            // there is one, of whichever release
	Verdict verdict.Verdict // that every gateway has accepted the candidate's
}

// Service is what the Services select.
type Service struct {
	Stable, Canary             string // release hashes
	Endpoints, CanaryEndpoints int32  // ready ones of those releases
}

// Decision is what to remember, what to make true and when to ask again.
type Decision struct {
	Next   v1alpha1.SignalDeploymentStatus
	Want   Want
	Events []Event
	After  time.Duration // when time alone may change the answer; zero waits for an event
}

// Event is something that has happened.
type Event struct {
	Warning         bool
	Reason, Message string
}

// Want is the world that a decision calls for. It is asserted on every
// reconcile: twice is once.
type Want struct {
	Resolve bool              // the image is to be resolved
	Start   *v1alpha1.Release // its pods are to exist
	Check   bool              // its checks are to run
	Verify  bool              // the checks after the cutover are to run
	Split   bool              // the step's split is to be measured
	Seal    bool              // the registry is to be looked at once more
	Watch   bool              // alerts are to be watched
	Judge   bool              // metrics are to be sampled
	Load    bool              // background load is to be sent, where it is asked for

	Stable, Canary string   // the releases that the Services select
	Routes         []string // the routes to be driven
	Weight         int32    // the canary Service's share in percent; 0 is at rest
	HoldWeight     bool     // leave the routes as they are
	Preview        string   // the release that requests which name it reach; none at rest

	Replicas map[string]int32   // by release; a release not named is left alone
	Keep     []string           // releases whose objects are kept; nil keeps all
	Mend     []v1alpha1.Release // releases whose templates are to be put back
	Restore  []v1alpha1.Release // releases whose configuration and labels are
	Report   bool               // the latest attempt's report is to be written
	Leave    bool               // the object may go
}

// signals are what judges a release that takes traffic.
func (m *machine) signals() []verdict.Verdict {
	return slices.Concat(m.seen.Metrics, m.seen.SLOs, m.seen.Alerts)
}

// judged is what the signals amount to. Silence is not consent: a metric that
// has not been heard is unknown.
func (m *machine) judged() verdict.Verdict {
	if len(m.seen.Metrics) < len(m.spec.Analysis.Metrics) {
		return verdict.Wait(v1alpha1.SignalMetric, "NotSampled", "Not every metric has been sampled yet")
	}
	if len(m.seen.SLOs) < len(m.spec.Analysis.SLOs) {
		return verdict.Wait(v1alpha1.SignalSLO, "NotSampled", "Not every objective has been asked about yet")
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

// otherwise are the metrics, objectives and the split that were as they should be when
// something else ended the release: they are part of what is to be known about it.
func (m *machine) otherwise(why verdict.Verdict) []verdict.Verdict {
	var good []verdict.Verdict
	for _, v := range slices.Concat(m.seen.Metrics, m.seen.SLOs, m.split()) {
		if v.Outcome == verdict.Passed && (v.Kind != why.Kind || v.Name != why.Name) {
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
		return m.seen.Artifact
	case v1alpha1.PhaseGating:
		return m.seen.Gates
	case v1alpha1.PhaseStaging:
		side := m.side(m.candidate().Hash)
		return []verdict.Verdict{side.Verdict, side.Proof}
	case v1alpha1.PhaseChecking:
		return append(m.unseen(), m.seen.Checks.Of(Parts(m.spec.Checks))...)
	case v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver:
		return slices.Concat(m.signals(), m.split(), []verdict.Verdict{m.seen.Route.Verdict, m.side(m.candidate().Hash).Verdict})
	case v1alpha1.PhaseVerifying:
		return append(m.signals(), m.seen.After.Of(PartsAfter(m.spec.Checks))...)
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
		return m.measured().Outcome
	}
	return ""
}
