package rollout

import (
	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// cutOver begins the three moves. Without routes, or without a stable release
// beside it, only the selector has to move.
func (m *machine) cutOver(why verdict.Verdict) {
	m.run().Move = m.firstMove()
	m.enter(v1alpha1.PhaseCuttingOver, why)
}

func (m *machine) firstMove() v1alpha1.CutoverMove {
	if m.splits() {
		return v1alpha1.MoveWeight
	}
	return v1alpha1.MoveSelect
}

// cuttingOver makes one move at a time, each seen before the next: selector
// and weight never change together.
func (m *machine) cuttingOver() {
	switch m.run().Move {
	case v1alpha1.MoveWeight:
		m.moveWeight()
	case v1alpha1.MoveSelect:
		m.moveSelect()
	case v1alpha1.MoveReturn:
		m.moveReturn()
	}
}

// moveWeight gives the canary Service everything, and judges it there while
// turning back is still one write.
func (m *machine) moveWeight() {
	judged := m.judged()
	switch {
	case !m.holds(100):
		m.wait(m.unsettled(100))
	case judged.Outcome != verdict.Passed:
		m.wait(judged)
	default:
		m.record(m.signals()...)
		m.run().Move = v1alpha1.MoveSelect
		m.enter(v1alpha1.PhaseCuttingOver, verdict.Pass(v1alpha1.SignalRoute, "AllWeight", "The canary Service takes all traffic"))
	}
}

// moveSelect points the stable Service, which takes no traffic through routes
// now, at the new release.
func (m *machine) moveSelect() {
	hash := m.candidate().Hash
	if m.seen.Service.Stable != hash || m.seen.Service.Endpoints < m.need(100) {
		m.wait(verdict.Wait(v1alpha1.SignalRoute, "NoEndpoints", "Service %s does not have all endpoints of the new release yet", release.StableName(m.in.Object.Name)))
		return
	}
	why := verdict.Pass(v1alpha1.SignalRoute, "Selected", "Service %s selects the new release", release.StableName(m.in.Object.Name))
	if m.splits() {
		m.run().Move = v1alpha1.MoveReturn
		m.enter(v1alpha1.PhaseCuttingOver, why)
		return
	}
	m.verify(why)
}

// moveReturn brings the routes to rest: the stable Service, which is the new
// release now, takes everything.
func (m *machine) moveReturn() {
	if m.seen.Route.Sibling || m.seen.Route.Weight > 0 || !m.seen.Route.Settled {
		m.wait(m.unsettled(0))
		return
	}
	m.verify(verdict.Pass(v1alpha1.SignalRoute, "CutOver", "The routes are at rest and the new release serves all"))
}

// verify begins the verification after the cutover.
func (m *machine) verify(why verdict.Verdict) {
	m.run().Move = ""
	m.enter(v1alpha1.PhaseVerifying, why)
	m.run().HeldSinceTime = m.begin()
}

// splits reports whether traffic is split between two releases by weight.
func (m *machine) splits() bool { return m.routed() && m.next.Stable != nil }

// routed reports whether there are routes to drive.
func (m *machine) routed() bool { return len(m.run().Plan.Routes) > 0 }

// switched reports whether the stable Service selects the candidate.
func (m *machine) switched() bool {
	return m.candidate().Hash != "" && m.seen.Service.Stable == m.candidate().Hash
}

// loads reports whether background load is asked for.
func (m *machine) loads() bool { return m.spec.Checks.Load.Background != nil }

// unloads reports whether the canary Service is to select nothing, which is how
// background load learns that the release is over. No route names it any more,
// and none has for as long as traffic may take to follow.
func (m *machine) unloads() bool {
	if !m.loads() || !m.run().Exposed {
		return false
	}
	plan := m.run().Plan
	switch m.run().Phase {
	case v1alpha1.PhaseSettling:
		return plan.VerifySeconds >= plan.DrainSeconds // the routes have been at rest since the verification began
	case v1alpha1.PhaseSucceeded:
		return true
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseChecking,
		v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying,
		v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed: // traffic may still be on its way back
	}
	return false
}

// previews reports whether requests that name the candidate are to reach it
// through the Gateway.
func (m *machine) previews() bool { return m.routed() && release.Previewed(m.spec) }

// wantPreview is the release that requests which name it are to reach: the
// candidate, from its checks on and for as long as the stable Service selects
// another. After that they reach it anyway, and the canary Service may be let go.
func (m *machine) wantPreview() string {
	if !m.previews() || m.going() {
		return ""
	}
	switch r := m.run(); r.Phase {
	case v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing:
		return m.candidate().Hash
	case v1alpha1.PhaseCuttingOver:
		if r.Move == v1alpha1.MoveWeight {
			return m.candidate().Hash
		}
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseVerifying,
		v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded, v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return ""
}

// unseen is why checks through the Gateway cannot start yet, if they cannot:
// until then, nothing that comes by the Gateway speaks for the candidate.
func (m *machine) unseen() []verdict.Verdict {
	v := m.seen.Preview.Verdict
	if !m.previews() || v.Outcome == verdict.Passed || v.Reason == "" {
		return nil
	}
	return []verdict.Verdict{v}
}
