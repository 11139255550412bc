package rollout

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// failure is the first reason to turn the release back, in order of gravity:
// what a person asked for, what the signals say, time.
func (m *machine) failure() *verdict.Verdict {
	if !m.revocable() {
		return nil
	}
	if v := m.aborted(); v != nil {
		return v
	}
	if held := m.run().Failure; held != nil {
		return held
	}
	for _, v := range m.grave() {
		if v.Outcome == verdict.Failed && !m.overrules(v) {
			return &v
		}
	}
	return m.late()
}

// grave are the signals that may turn the release back in its phase.
func (m *machine) grave() []verdict.Verdict {
	phase := m.run().Phase
	switch phase {
	case v1alpha1.PhaseResolving:
		return m.seen.Artifact
	case v1alpha1.PhaseGating:
		return m.refusing()
	case v1alpha1.PhaseStaging, v1alpha1.PhaseChecking:
		grave := append(slices.Clone(m.seen.Alerts), m.side(m.candidate().Hash).Verdict, m.side(m.candidate().Hash).Proof)
		if phase == v1alpha1.PhaseChecking {
			grave = append(m.crashes(), grave...)
			grave = append(grave, m.seen.Checks.Of(Parts(m.spec.Checks))...)
		}
		return grave
	case v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying:
		grave := append(slices.Clone(m.seen.Alerts), m.side(m.candidate().Hash).Verdict, m.side(m.candidate().Hash).Proof)
		grave = slices.Concat(m.crashes(), grave, m.seen.Metrics, m.seen.SLOs, m.split()) // why a pod is gone, rather than that it is
		if phase == v1alpha1.PhaseVerifying {
			grave = append(grave, m.seen.After.Of(PartsAfter(m.spec.Checks))...)
		}
		if m.splits() {
			grave = append(grave, m.seen.Route.Verdict)
		}
		return grave
	case v1alpha1.PhasePending, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded,
		v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return nil
}

// overrules reports whether someone promoted the release past this failure,
// which had been held for them.
func (m *machine) overrules(v verdict.Verdict) bool {
	return m.judges(v) && m.run().Overruled && !m.run().Plan.Automatic
}

// judges reports whether the verdict judges a release that takes traffic, so
// that people may know better.
func (m *machine) judges(v verdict.Verdict) bool {
	switch v.Kind { //nolint:exhaustive // the others are facts that nobody can know better
	case v1alpha1.SignalMetric, v1alpha1.SignalSLO, v1alpha1.SignalAlert, v1alpha1.SignalWatermark:
		return true
	}
	after := func(p Asked) bool { return p.Kind == v.Kind }
	return m.run().Phase == v1alpha1.PhaseVerifying && slices.ContainsFunc(PartsAfter(m.spec.Checks), after)
}

// turnBack ends or turns back a failing release, and reports whether the
// decision is made. A release that takes traffic is held for people when
// rollback.automatic is false.
func (m *machine) turnBack(why verdict.Verdict) bool {
	asked := why.Kind == v1alpha1.SignalRequest
	if m.run().Exposed && !m.run().Plan.Automatic && !asked {
		return m.heldForPeople(why)
	}
	m.record(m.waitedFor(why)...)
	m.record(m.alsoClosed(why)...)
	m.record(m.otherwise(why)...)
	m.record(m.details(why)...)
	m.record(m.seen.Critical...)
	m.record(m.seen.Told...)
	m.record(why)
	result := v1alpha1.ResultFailed
	switch {
	case asked:
		result = v1alpha1.ResultAborted
	case m.run().Exposed:
		result = v1alpha1.ResultRolledBack
	}
	m.back(result, why)
	return true
}

// heldForPeople waits until someone decides on a failure, and reports whether
// it still does. Someone who goes on past a deadline grants another.
func (m *machine) heldForPeople(why verdict.Verdict) bool {
	r := m.run()
	overruled := r.Overruled
	if r.Failure == nil {
		m.record(m.waitedFor(why)...)
		m.record(why)
	}
	r.Failure = &why
	if !m.promoted() {
		m.hold(verdict.Wait(why.Kind, why.Reason, "%s; held for you: annotate %s=now to turn back, or %s=%s to go on", why.Message, v1alpha1.AnnotationAbort, v1alpha1.AnnotationPromote, m.candidate().ID))
		return true
	}
	r.Failure, r.Overruled = nil, overruled || m.judges(why)
	if why.Kind == v1alpha1.SignalDeadline {
		r.SinceTime, r.WaitingSinceTime = m.now, metav1.Time{}
	}
	return false
}

// back leaves the way to users: at once when the candidate never took traffic,
// else by RollingBack. A first release that serves already has nothing to go
// back to; it goes on serving, and the verdict stands.
func (m *machine) back(result v1alpha1.Result, why verdict.Verdict) {
	m.run().Failure = nil
	switch {
	case !m.run().Exposed:
		m.end(v1alpha1.PhaseFailed, result, why)
	case m.next.Stable != nil:
		m.run().Result = result
		m.enter(v1alpha1.PhaseRollingBack, why)
	case m.switched():
		m.promote()
		m.end(v1alpha1.PhaseFailed, v1alpha1.ResultFailed, why)
	default:
		m.end(v1alpha1.PhaseFailed, result, why)
	}
}

// rollingBack waits until the stable release serves all: first the selector,
// then the weight, each seen.
func (m *machine) rollingBack() {
	route, service := m.seen.Route, m.seen.Service
	switch {
	case service.Stable != m.next.Stable.Hash || service.Endpoints < 1:
		m.turning("waiting for ready pods of the stable release that Service " + release.StableName(m.in.Object.Name) + " reaches")
	case route.Weight > 0 || route.Sibling:
		m.turning("waiting for the routes to give the stable release everything")
	case m.splits() && !route.Settled && m.now.Time.Before(m.due()):
		m.turning("waiting for every gateway to follow")
	default:
		m.end(v1alpha1.PhaseRolledBack, m.run().Result, m.turned())
	}
}

// turned is why the release was turned back.
func (m *machine) turned() verdict.Verdict {
	r := m.run()
	why := verdict.Fail(v1alpha1.SignalRoute, r.Reason, "%s", r.Message)
	for _, entry := range r.Timeline {
		if entry.Phase == v1alpha1.PhaseRollingBack {
			why.Reason, why.Message = entry.Reason, entry.Message
		}
	}
	return why
}

// turning says what turning back waits for, beside why.
func (m *machine) turning(what string) {
	why := m.turned()
	why.Message = verdict.Clip(why.Message+"; "+what, 2048)
	m.wait(why)
}

// end closes the attempt and files it.
func (m *machine) end(phase v1alpha1.Phase, result v1alpha1.Result, why verdict.Verdict) {
	if phase != v1alpha1.PhaseSucceeded && m.candidate().Hash != "" && !m.serves(m.candidate().Hash) {
		m.retire(m.candidate().Hash)
	}
	m.noteDashboard()
	m.record(m.seen.Load)
	r := m.run()
	r.EndTime, r.Result, r.Move = m.now, result, ""
	m.enter(phase, why)
	m.next.History = slices.Insert(m.next.History, 0, v1alpha1.EndedRelease{
		Release: *m.candidate(), Result: result, Reason: why.Reason, StartTime: r.StartTime, EndTime: r.EndTime,
	})
	m.next.History = m.next.History[:min(len(m.next.History), historyKept)]
}

// drainingKept is the schema's bound on status.draining. What falls out of it
// is a stray, and scaled down at rest.
const drainingKept = 16

// historyKept is the schema's bound on status.history. It does not follow
// report.historyLimit: attempts are counted by it.
const historyKept = 20

// serves reports whether the release is the stable one.
func (m *machine) serves(hash string) bool { return m.next.Stable != nil && m.next.Stable.Hash == hash }

// retire lets the pods of a release go once they have drained.
func (m *machine) retire(hash string) {
	for _, d := range m.next.Draining {
		if d.Hash == hash {
			return
		}
	}
	m.next.Draining = append(m.next.Draining, v1alpha1.DrainingRelease{Hash: hash, SinceTime: m.now})
	m.next.Draining = m.next.Draining[max(0, len(m.next.Draining)-drainingKept):]
}

// drain forgets the releases whose pods are gone.
func (m *machine) drain() {
	m.next.Draining = slices.DeleteFunc(m.next.Draining, func(d v1alpha1.DrainingRelease) bool {
		side, there := m.seen.Sides[d.Hash]
		return m.drained(d) && (!there || side.Desired == 0 && side.Created == 0)
	})
}

// drained reports whether the release has been without traffic long enough.
func (m *machine) drained(d v1alpha1.DrainingRelease) bool {
	return !m.now.Time.Before(d.SinceTime.Add(m.drainTime()))
}
