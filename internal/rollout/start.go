package rollout

import (
	"fmt"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// reportGrace is how long a new release waits for the report of the one
// before; a cluster that refuses ConfigMaps must not keep a fix from users.
const reportGrace = 30 * time.Second

// newAsk reports whether the spec asks for something else than the latest
// release. What is invalid asks for nothing.
func (m *machine) newAsk() bool {
	if m.seen.Spec.Outcome != verdict.Passed || m.seen.Asked == "" {
		return false
	}
	if m.candidate() == nil || m.candidate().Asked != m.seen.Asked {
		return true
	}
	// Asked for again after it had made way for something else.
	result := m.run().Result
	return m.ended() && (result == v1alpha1.ResultSuperseded || result == v1alpha1.ResultReverted)
}

// supersede clears the way for what is asked now, then starts it.
func (m *machine) supersede() {
	switch {
	case m.run().Phase == v1alpha1.PhaseRollingBack:
		m.rollingBack()
	case m.run().Phase == v1alpha1.PhaseSettling:
		m.end(v1alpha1.PhaseSucceeded, v1alpha1.ResultSucceeded, verdict.Pass(v1alpha1.SignalRequest, "Promoted", "%s is stable; a newer release was asked for while the old one drained", m.candidate().ID))
	case !m.ended():
		m.giveWay()
	case m.unreported():
		return
	case m.next.Stable != nil && m.next.Stable.Asked == m.seen.Asked:
		m.revert()
	default:
		m.start()
	}
}

// giveWay ends a release that is no longer asked for.
func (m *machine) giveWay() {
	result, why := v1alpha1.ResultSuperseded, verdict.Fail(v1alpha1.SignalRequest, "Superseded", "A newer release was asked for before %s had ended", m.candidate().ID)
	if m.next.Stable != nil && m.next.Stable.Asked == m.seen.Asked {
		result, why = v1alpha1.ResultReverted, verdict.Fail(v1alpha1.SignalRequest, "Reverted", "The stable release %s was asked for again", m.next.Stable.ID)
	}
	m.record(why)
	m.back(result, why)
}

// unreported reports whether the latest attempt's report is still worth
// waiting for.
func (m *machine) unreported() bool {
	ended := m.run().EndTime
	return !ended.IsZero() && !m.seen.Reported && m.now.Time.Before(ended.Add(reportGrace))
}

// revert is at the stable release already: it only says so.
func (m *machine) revert() {
	stable := *m.next.Stable
	m.next.Candidate = &stable
	m.next.Rollout = v1alpha1.RolloutStatus{Plan: m.plan(), StartTime: m.now, Result: v1alpha1.ResultSucceeded}
	m.settleRequests()
	m.enter(v1alpha1.PhaseSucceeded, verdict.Pass(v1alpha1.SignalRequest, "Reverted", "%s is asked for again and serves", stable.ID))
}

// start begins an attempt at what is asked now.
func (m *machine) start() {
	version := release.Version(m.spec, "")
	next := v1alpha1.Release{
		Asked: m.seen.Asked, Version: version, Image: release.Image(m.spec),
		Attempt: 1 + m.attempts(func(e v1alpha1.EndedRelease) bool { return e.Asked == m.seen.Asked }),
	}
	m.next.Rollout = v1alpha1.RolloutStatus{Plan: m.plan(), StartTime: m.now}
	if recent := m.recent(); recent != nil {
		next.Digest, next.Hash, next.Artifact = recent.Digest, recent.Hash, recent.Artifact.DeepCopy()
		m.run().Plan.Steps = nil
	}
	m.next.Candidate = &next
	m.warm()
	m.identify()
	m.settleRequests()
	m.enter(v1alpha1.PhasePending, verdict.Pass(v1alpha1.SignalRequest, "NewRelease", "%s was asked for", release.Image(m.spec)))
}

// identify gives the candidate its id; without a tag, the version is known
// with the digest only.
func (m *machine) identify() {
	c := m.candidate()
	c.Version = release.Version(m.spec, c.Digest)
	c.ID = release.ID(c.Version, release.Environment(m.in.Object), m.run().StartTime.Time)
}

// plan pins the strategy. A first release has nothing to share traffic with.
func (m *machine) plan() v1alpha1.Plan {
	s := m.spec.Strategy
	p := v1alpha1.Plan{
		VerifySeconds:           or(s.VerifySeconds, 300),
		ProgressDeadlineSeconds: or(s.ProgressDeadlineSeconds, 600),
		DrainSeconds:            or(s.DrainSeconds, 30),
		Automatic:               m.spec.Rollback.Automatic == nil || *m.spec.Rollback.Automatic,
	}
	for _, route := range m.spec.Traffic.HTTPRoutes {
		p.Routes = append(p.Routes, route.Name)
	}
	if m.next.Stable != nil {
		for _, step := range s.Steps {
			p.Steps = append(p.Steps, *step.DeepCopy())
		}
	}
	return p
}

// recent is the good release that is asked for again inside the window in
// which it needs no steps.
func (m *machine) recent() *v1alpha1.EndedRelease { return m.goodAt(m.seen.Asked, m.now.Time) }

// goodAt is the good release of what was asked for, as long as the window in
// which it needs no steps is open.
func (m *machine) goodAt(asked string, at time.Time) *v1alpha1.EndedRelease {
	window := seconds(or(m.spec.Rollback.WindowSeconds, 3600))
	for i, e := range m.next.History {
		if e.Asked == asked && e.Result == v1alpha1.ResultSucceeded && at.Before(e.EndTime.Add(window)) {
			return &m.next.History[i]
		}
	}
	return nil
}

// attempts is the highest attempt among the ended releases that match.
func (m *machine) attempts(match func(v1alpha1.EndedRelease) bool) int32 {
	var highest int32
	for _, e := range m.next.History {
		if match(e) {
			highest = max(highest, e.Attempt)
		}
	}
	return highest
}

// step names the current step or move for people.
func (m *machine) step() string {
	r := m.run()
	switch {
	case r.Phase == v1alpha1.PhaseProgressing && int(r.Step) < len(r.Plan.Steps):
		return r.Plan.Steps[r.Step].Name
	case r.Phase == v1alpha1.PhaseCuttingOver:
		return string(r.Move)
	}
	return ""
}

// stepText is the step column: 2/3 of the plan.
func (m *machine) stepText() string {
	r := m.run()
	total := len(r.Plan.Steps)
	if total == 0 {
		return ""
	}
	done := 0
	switch r.Phase {
	case v1alpha1.PhaseProgressing, v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack:
		if r.Exposed {
			done = min(int(r.Step)+1, total)
		}
	case v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded:
		done = total
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging,
		v1alpha1.PhaseChecking, v1alpha1.PhaseFailed:
	}
	return fmt.Sprintf("%d/%d", done, total)
}

func or(value *int32, absent int32) int32 {
	if value == nil {
		return absent
	}
	return *value
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }
