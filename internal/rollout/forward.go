package rollout

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// pending waits until what came before takes no traffic through the canary
// Service.
func (m *machine) pending() {
	route := m.seen.Route
	switch {
	case m.splits() && route.Verdict.Outcome != verdict.Passed:
		m.wait(route.Verdict)
	case route.Weight > 0 || route.Sibling:
		m.wait(verdict.Wait(v1alpha1.SignalRoute, "ClearingRoutes", "The routes still have the canary of an earlier release"))
	case m.candidate().Digest != "":
		m.known()
	default:
		m.enter(v1alpha1.PhaseResolving, verdict.Pass(v1alpha1.SignalArtifact, "Resolving", "Looking for the digest of %s", m.candidate().Image))
	}
}

// known goes on with the digest that an earlier, good attempt ran.
func (m *machine) known() {
	v := verdict.With(verdict.Pass(v1alpha1.SignalArtifact, "KnownDigest", "%s is pinned to %s, as when it was last released", m.candidate().Image, m.candidate().Digest),
		verdict.Evidence{Value: m.candidate().Digest, Query: m.candidate().Image, Source: "status.history", Time: m.now})
	m.record(v)
	m.pinned(v)
}

// resolving waits for the digest, and for all that is to be true of it.
func (m *machine) resolving() {
	all := verdict.All(verdict.Wait(v1alpha1.SignalArtifact, "Resolving", "The image is about to be resolved"), m.seen.Artifact...)
	if all.Outcome != verdict.Passed || m.seen.Digest == "" {
		m.wait(all)
		return
	}
	c := m.candidate()
	c.Digest, c.Hash, c.Artifact = m.seen.Digest, m.seen.Hash, m.seen.Record.DeepCopy()
	m.record(m.seen.Artifact...)
	m.pinned(verdict.Pass(v1alpha1.SignalArtifact, "Pinned", "%s is pinned to %s", c.Image, c.Digest))
}

// pinned goes on with what is known by its digest, unless that serves already.
func (m *machine) pinned(v verdict.Verdict) {
	c := m.candidate()
	c.Attempt = max(c.Attempt, 1+m.attempts(func(e v1alpha1.EndedRelease) bool { return e.Hash == c.Hash }))
	m.identify()
	if m.serves(c.Hash) {
		m.alreadyStable()
		return
	}
	m.warm()
	m.enter(v1alpha1.PhaseGating, v)
}

// alreadyStable has nothing to release. A first release that serves though it
// failed its verification is verified again.
func (m *machine) alreadyStable() {
	c := m.candidate()
	why := verdict.Pass(v1alpha1.SignalArtifact, "AlreadyStable", "%s is what the stable release %s runs already", c.Image, m.next.Stable.ID)
	failed := slices.IndexFunc(m.next.History, func(e v1alpha1.EndedRelease) bool { return e.Hash == c.Hash })
	if m.next.Stable.Asked = c.Asked; m.next.Stable.Digest == "" { // found again, after the status was lost
		*m.next.Stable = *c
	}
	if failed >= 0 && m.next.History[failed].Result != v1alpha1.ResultSucceeded {
		m.verify(why)
		return
	}
	m.end(v1alpha1.PhaseSucceeded, v1alpha1.ResultSucceeded, why)
}

// warm keeps pods of the candidate that an earlier attempt left draining.
func (m *machine) warm() {
	m.next.Draining = slices.DeleteFunc(m.next.Draining, func(d v1alpha1.DrainingRelease) bool { return d.Hash == m.candidate().Hash })
}

// staging waits for the candidate's pods, and for the canary Service to reach
// them.
func (m *machine) staging() {
	side := m.side(m.candidate().Hash)
	switch {
	case side.Ready < m.need(m.firstWeight()):
		m.wait(side.Verdict)
	case m.seen.Service.Canary != m.candidate().Hash || m.seen.Service.CanaryEndpoints < 1:
		m.wait(verdict.Wait(v1alpha1.SignalRoute, "NoEndpoints", "Service %s has no ready endpoint of the candidate yet", release.CanaryName(m.in.Object.Name)))
	case side.Proof.Outcome != verdict.Passed:
		m.wait(side.Proof)
	default:
		m.record(side.Verdict, side.Proof)
		if len(side.Templates) == 1 {
			m.candidate().PodTemplateHash = side.Templates[0]
		}
		m.enter(v1alpha1.PhaseChecking, verdict.Pass(v1alpha1.SignalSmoke, "Checking", "The pods are ready; running %d checks", jobs(Parts(m.spec.Checks))))
	}
}

// checking waits for every check.
func (m *machine) checking() {
	parts := Parts(m.spec.Checks)
	all := m.amounts(parts, m.seen.Checks)
	if all.Outcome != verdict.Passed {
		m.wait(verdict.All(all, append(m.unseen(), all)...))
		return
	}
	m.record(m.seen.Checks.Of(parts)...)
	m.keepLoad()
	m.record(m.seen.Critical...)
	m.expose(all)
}

// expose lets the candidate take traffic: from here on, failing means turning
// back.
func (m *machine) expose(why verdict.Verdict) {
	m.run().Exposed = true
	if len(m.run().Plan.Steps) == 0 || m.promoted() {
		m.cutOver(why)
		return
	}
	m.run().Step = 0
	m.enter(v1alpha1.PhaseProgressing, why)
}

// progressing holds each weight until the whole hold has passed and every
// signal is in favour.
func (m *machine) progressing() {
	if m.promoted() {
		m.cutOver(verdict.Pass(v1alpha1.SignalRequest, "Promoted", "Someone promoted %s past its steps", m.candidate().ID))
		return
	}
	step := m.run().Plan.Steps[m.run().Step]
	if !m.holds(step.Weight) {
		m.wait(m.unsettled(step.Weight))
		return
	}
	if m.run().HeldSinceTime.IsZero() { // the hold starts when the weight is seen, not when it is asked for
		m.run().HeldSinceTime = m.begin()
		m.mark("Holding", "The routes give the candidate its weight")
	}
	if !m.held(m.measured()) {
		return
	}
	if !m.approved(step) {
		return
	}
	m.record(m.signals()...)
	m.record(m.split()...)
	m.climb(verdict.Pass(v1alpha1.SignalMetric, "StepPassed", "Step %s held %d %% with every signal in favour", step.Name, step.Weight))
}

// lose ends the hold of a weight that is no longer seen, also while people are
// waited for.
func (m *machine) lose() {
	if m.run().Phase == v1alpha1.PhaseProgressing && !m.given(m.target()) {
		m.run().HeldSinceTime = metav1.Time{}
	}
}

// held reports whether the whole hold has passed with every signal in favour.
func (m *machine) held(judged verdict.Verdict) bool {
	switch {
	case judged.Outcome != verdict.Passed:
		m.wait(judged)
		return false
	case m.now.Time.Before(m.heldUntil()):
		m.wait(verdict.Wait(v1alpha1.SignalMetric, "Holding", "%s is judged until %s", m.candidate().ID, m.heldUntil().UTC().Format(time.RFC3339)))
		return false
	}
	return true
}

// climb goes on to the next step, or to the cutover.
func (m *machine) climb(why verdict.Verdict) {
	if int(m.run().Step) == len(m.run().Plan.Steps)-1 {
		m.cutOver(why)
		return
	}
	m.run().Step++
	m.enter(v1alpha1.PhaseProgressing, why)
}

// verifying judges the new release, and checks it once more, while the old one
// is still warm.
func (m *machine) verifying() {
	parts := PartsAfter(m.spec.Checks)
	judged := m.judged()
	if !m.held(verdict.All(judged, judged, m.amounts(parts, m.seen.After))) {
		return
	}
	m.record(m.signals()...)
	m.record(m.seen.After.Of(parts)...)
	m.record(m.seen.Critical...)
	m.record(m.seen.Told...)
	m.promote()
	m.enter(v1alpha1.PhaseSettling, verdict.Pass(v1alpha1.SignalWorkload, "Draining", "%s has been verified; what it replaces drains", m.candidate().ID))
}

// promote makes the candidate the stable release; what it replaces drains.
func (m *machine) promote() {
	if old := m.next.Stable; old != nil && old.Hash != m.candidate().Hash {
		m.retire(old.Hash)
	}
	stable := *m.candidate()
	m.next.Stable = &stable
}

// settling waits until the old release has drained, and for a last look at the
// registry: nothing that it finds turns back what serves already.
func (m *machine) settling() {
	inTime := m.now.Time.Before(m.due())
	switch {
	case len(m.next.Draining) > 0 && inTime:
		m.wait(verdict.Wait(v1alpha1.SignalWorkload, "Draining", "The pods of the release before are kept until they have drained"))
		return
	case !m.seen.Sealed && inTime:
		m.wait(verdict.Wait(v1alpha1.SignalArtifact, "Sealing", "The registry is asked whether it still has what was released"))
		return
	}
	m.record(m.seen.Seal...)
	m.end(v1alpha1.PhaseSucceeded, v1alpha1.ResultSucceeded, verdict.Pass(v1alpha1.SignalWorkload, "Promoted", "%s is stable", m.candidate().ID))
}
