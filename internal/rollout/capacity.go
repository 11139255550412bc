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

// drift tells, once for each strange template, that someone has edited the
// Deployment of a release that serves or is about to.
func (m *machine) drift() {
	for _, rel := range m.drifted() {
		for _, template := range m.side(rel.Hash).Templates {
			why := verdict.With(verdict.Fail(v1alpha1.SignalWorkload, "DriftCorrected", "Someone edited the template of %s: pods of template %s ran beside those of %s, and were replaced", rel.ID, template, rel.PodTemplateHash),
				verdict.Evidence{Value: template, Threshold: rel.PodTemplateHash, Source: "label pod-template-hash of the pods of Deployment " + release.DeploymentName(m.in.Object.Name, rel.Hash), Time: m.now})
			told := slices.ContainsFunc(m.run().Verdicts, func(v verdict.Verdict) bool { return v.Reason == why.Reason && v.Message == why.Message })
			if template == rel.PodTemplateHash || told {
				continue
			}
			m.record(why)
			m.events = append(m.events, Event{Warning: true, Reason: why.Reason, Message: why.Message})
		}
	}
}

// drifted are the releases that have pods of another template than the one
// that was checked.
func (m *machine) drifted() []v1alpha1.Release {
	var all []v1alpha1.Release
	for _, rel := range []*v1alpha1.Release{m.next.Stable, m.next.Candidate} {
		if rel == nil || rel.PodTemplateHash == "" || len(all) > 0 && all[0].Hash == rel.Hash {
			continue
		}
		if slices.ContainsFunc(m.side(rel.Hash).Templates, func(t string) bool { return t != rel.PodTemplateHash }) {
			all = append(all, *rel)
		}
	}
	return all
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
