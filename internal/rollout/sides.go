package rollout

import (
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// need is how many pods a share of the traffic, in percent, implies: at least
// one, so that there is something to check.
func (m *machine) need(weight int32) int32 {
	return max(1, (weight*m.replicas()+99)/100)
}

func (m *machine) replicas() int32 { return or(m.spec.Replicas, 1) }

// side is the pods of a release; one without a Deployment has none.
func (m *machine) side(hash string) Side {
	side, there := m.seen.Sides[hash]
	if !there {
		side.Verdict = verdict.Wait(v1alpha1.SignalWorkload, "NoPods", "The release has no Deployment yet")
	}
	return side
}

// firstWeight is what the candidate's pods must bear first.
func (m *machine) firstWeight() int32 {
	if steps := m.run().Plan.Steps; len(steps) > 0 {
		return steps[0].Weight
	}
	return 100
}

// target is the weight that the phase is at or on its way to.
func (m *machine) target() int32 {
	r := m.run()
	if r.Phase == v1alpha1.PhaseProgressing {
		return r.Plan.Steps[r.Step].Weight
	}
	return 100
}

// before is the weight of the step before the target.
func (m *machine) before() int32 {
	r := m.run()
	steps := r.Plan.Steps
	switch {
	case r.Phase == v1alpha1.PhaseProgressing && r.Step > 0:
		return steps[r.Step-1].Weight
	case r.Phase == v1alpha1.PhaseCuttingOver && r.Exposed && len(steps) > 0:
		return min(m.seen.Route.Weight, 100) // people may have promoted from any step
	}
	return 0
}

// bears reports whether enough ready pods of the candidate are reachable to
// take the weight.
func (m *machine) bears(weight int32) bool {
	return m.side(m.candidate().Hash).Ready >= m.need(weight) && m.seen.Service.Canary == m.candidate().Hash &&
		m.seen.Service.CanaryEndpoints >= m.need(weight)
}

// given reports whether every route gives the candidate this weight.
func (m *machine) given(weight int32) bool {
	return m.seen.Route.Weight == weight && m.seen.Route.Lowest == weight
}

// holds reports whether the weight is given, accepted by every gateway, and
// borne by the candidate's pods.
func (m *machine) holds(weight int32) bool {
	return m.seen.Route.Settled && m.given(weight) && m.bears(weight)
}

// unsettled says why the weight is not held.
func (m *machine) unsettled(weight int32) verdict.Verdict {
	side := m.side(m.candidate().Hash)
	switch {
	case weight > 0 && side.Ready < m.need(weight):
		return verdict.Wait(v1alpha1.SignalWorkload, "NotReady", "%d %% of the traffic needs %d ready pods of the candidate: %s", weight, m.need(weight), side.Verdict.Message)
	case weight > 0 && !m.bears(weight):
		return verdict.Wait(v1alpha1.SignalRoute, "NoEndpoints", "The canary Service does not have the endpoints that %d %% of the traffic needs", weight)
	case m.seen.Route.Verdict.Outcome != verdict.Passed:
		return m.seen.Route.Verdict
	}
	return verdict.Wait(v1alpha1.SignalRoute, "Moving", "Waiting for the routes to give the candidate %d %%", weight)
}

// returnWeight is what the candidate keeps while traffic goes back: nothing,
// unless the stable side cannot bear it all yet.
func (m *machine) returnWeight() int32 {
	if m.bearsReturn() {
		return 0
	}
	return min(m.seen.Route.Weight, 100-100*m.side(m.next.Stable.Hash).Ready/m.need(100))
}

// bearsReturn reports whether all traffic may go to the stable side. A dead
// candidate is left at once; a stable side without a ready pod gets nothing.
func (m *machine) bearsReturn() bool {
	stable, candidate := m.side(m.next.Stable.Hash), m.side(m.candidate().Hash)
	return stable.Ready >= m.need(100) ||
		stable.Ready > 0 && (candidate.Ready == 0 || !m.now.Time.Before(m.due()))
}

// reasonDrift says that someone changed what only the operator may, and that it
// is put back.
const reasonDrift = "DriftCorrected"

// drift tells, once for each way in which it is strange, that someone has
// edited what serves or is about to.
func (m *machine) drift() {
	for _, rel := range m.drifted() {
		source := "Deployment " + release.DeploymentName(m.in.Object.Name, rel.Hash)
		if m.deleted(rel) {
			m.strange(verdict.Fail(v1alpha1.SignalWorkload, reasonDrift, "Someone deleted the Deployment of %s, which serves: it is made again", rel.ID),
				verdict.Evidence{Source: source})
		}
		for _, template := range m.side(rel.Hash).Templates {
			if rel.PodTemplateHash != "" && template != rel.PodTemplateHash {
				m.strange(verdict.Fail(v1alpha1.SignalWorkload, reasonDrift, "Someone edited the template of %s: pods of template %s ran beside those of %s, and were replaced", rel.ID, template, rel.PodTemplateHash),
					verdict.Evidence{Value: template, Threshold: rel.PodTemplateHash, Source: "label pod-template-hash of the pods of " + source})
			}
		}
	}
	for _, rel := range m.disturbed() {
		for _, v := range m.seen.Drift[rel.Hash] {
			m.strange(v, *v.Evidence)
		}
	}
	if selected := m.seen.Service.Stable; m.misdirected() {
		name := release.StableName(m.in.Object.Name)
		m.strange(verdict.Fail(v1alpha1.SignalRoute, reasonDrift, "Someone made Service %s select %s: it is pointed back at %s", name, named(selected), m.next.Stable.ID),
			verdict.Evidence{Value: selected, Threshold: m.next.Stable.Hash, Source: "selector of Service " + name})
	}
}

// named is a release that a Service selects, in a sentence.
func named(hash string) string {
	if hash == "" || hash == v1alpha1.NoRelease {
		return "no release"
	}
	return "release " + hash
}

// strange records what someone did, unless it has been told already.
func (m *machine) strange(v verdict.Verdict, seen verdict.Evidence) {
	seen.Time = m.now
	v = verdict.With(v, seen)
	if slices.ContainsFunc(m.run().Verdicts, func(told verdict.Verdict) bool { return told.Reason == v.Reason && told.Message == v.Message }) {
		return
	}
	m.record(v)
	m.events = append(m.events, Event{Warning: true, Reason: v.Reason, Message: v.Message})
}

// drifted are the releases whose pods are of another template than the one
// that was checked, and those that serve without a Deployment.
func (m *machine) drifted() []v1alpha1.Release {
	return m.those(func(rel v1alpha1.Release) bool { return m.deleted(rel) || m.edited(rel) })
}

// disturbed are the releases of which someone changed the configuration or the
// labels, and whose pods need them.
func (m *machine) disturbed() []v1alpha1.Release {
	return m.those(func(rel v1alpha1.Release) bool {
		serves := m.next.Stable != nil && m.next.Stable.Hash == rel.Hash
		return len(m.seen.Drift[rel.Hash]) > 0 && (serves || m.running()) && !m.going()
	})
}

// those are the stable release and the candidate, where they match; one that is
// both is one.
func (m *machine) those(match func(v1alpha1.Release) bool) []v1alpha1.Release {
	var all []v1alpha1.Release
	for _, rel := range []*v1alpha1.Release{m.next.Stable, m.next.Candidate} {
		if rel == nil || len(all) > 0 && all[0].Hash == rel.Hash {
			continue
		}
		if match(*rel) {
			all = append(all, *rel)
		}
	}
	return all
}

// edited reports whether the release has pods of another template than the one
// that was checked.
func (m *machine) edited(rel v1alpha1.Release) bool {
	return rel.PodTemplateHash != "" && slices.ContainsFunc(m.side(rel.Hash).Templates, func(t string) bool { return t != rel.PodTemplateHash })
}

// deleted reports whether the stable release has lost its Deployment.
func (m *machine) deleted(rel v1alpha1.Release) bool {
	_, there := m.seen.Sides[rel.Hash]
	return !there && m.next.Stable != nil && m.next.Stable.Hash == rel.Hash && !m.going()
}

// misdirected reports whether the stable Service selects what no decision can
// have made it select.
func (m *machine) misdirected() bool {
	selected := m.seen.Service.Stable
	if m.next.Stable == nil || selected == m.next.Stable.Hash || m.going() {
		return false
	}
	if slices.ContainsFunc(m.next.Draining, func(d v1alpha1.DrainingRelease) bool { return d.Hash == selected }) {
		return false
	}
	c := m.candidate()
	return c == nil || c.Hash != selected || !m.mayBeSelected()
}

// mayBeSelected reports whether the stable Service may select the candidate in
// this phase.
func (m *machine) mayBeSelected() bool {
	switch m.run().Phase {
	case v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded, v1alpha1.PhaseRollingBack:
		return true
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseChecking,
		v1alpha1.PhaseProgressing, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return false
}
