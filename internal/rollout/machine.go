// Package rollout decides how a SignalDeployment moves to a new release.
//
// It is pure: no client, no clock, no I/O. The caller brings what it observed
// and the time; the package answers with what to remember and what to make
// true. Asking twice gives the same answer twice.
//
//	Pending ─▶ Resolving ─▶ Gating ─▶ Staging ─▶ Checking ─▶ Progressing ─▶ CuttingOver ─▶ Verifying ─▶ Settling ─▶ Succeeded
//	   │           │           │         │           │         ▲   │            │              │
//	   │           │           │         │           │         └───┘ next step  │              │
//	   └───────────┴───────────┴────┬────┴───────────┘             └────────────┴──────┬───────┘
//	                                ▼ any failing signal                               ▼
//	                              Failed                              RollingBack ─▶ RolledBack
//
// A phase is left only on what was observed, never on what was asked for.
package rollout

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Decide returns what to remember next and the world that it calls for.
func Decide(in Input) Decision {
	m := &machine{
		in: in, spec: &in.Object.Spec, seen: &in.Seen,
		now: metav1.NewTime(in.Now.UTC().Truncate(time.Second)), // what status can hold
	}
	in.Object.Status.DeepCopyInto(&m.next)
	m.mend()
	m.decide()
	if !m.holding {
		m.resume()
	}
	return m.decision()
}

// machine is one decision in the making.
type machine struct {
	in     Input
	spec   *v1alpha1.SignalDeploymentSpec
	seen   *Observation
	now    metav1.Time
	next   v1alpha1.SignalDeploymentStatus
	events []Event

	holding bool // people are waited for
}

// decide lets the first thing that matters have its way.
func (m *machine) decide() {
	m.drain()
	m.count()
	m.drift()
	m.lose()
	if m.leaving() {
		return
	}
	m.refuseRetry()
	if m.newAsk() {
		m.supersede()
		return
	}
	if v := m.failure(); v != nil && m.turnBack(*v) {
		return
	}
	if m.paused() {
		return
	}
	m.advance()
}

// mend makes sense of a memory that someone has edited or lost. What serves
// though nothing is remembered is the stable release.
func (m *machine) mend() {
	r := m.run()
	r.Step = max(0, min(r.Step, int32(len(r.Plan.Steps))-1)) //nolint:gosec // at most 20
	if m.next.Stable != nil && m.next.Stable.Hash == "" {
		m.next.Stable = nil
	}
	if m.headless() {
		m.next.Candidate, m.next.Rollout = nil, v1alpha1.RolloutStatus{}
	}
	if r.Phase == v1alpha1.PhaseCuttingOver && r.Move == "" {
		r.Move = m.firstMove()
	}
	serves := m.seen.Service.Stable
	if m.candidate() == nil && m.next.Stable == nil && m.seen.Service.Endpoints > 0 && serves != v1alpha1.NoRelease && serves != "" {
		m.next.Stable = &v1alpha1.Release{Hash: serves, ID: serves}
	}
}

// headless reports whether the memory cannot be of any release.
func (m *machine) headless() bool {
	r := m.run()
	return m.candidate() == nil ||
		m.candidate().Hash == "" && m.running() ||
		m.next.Stable == nil && r.Phase == v1alpha1.PhaseRollingBack ||
		len(r.Plan.Steps) == 0 && r.Phase == v1alpha1.PhaseProgressing
}

// advance leaves the phase when what it waits for has been seen.
func (m *machine) advance() {
	switch m.run().Phase {
	case v1alpha1.PhasePending:
		m.pending()
	case v1alpha1.PhaseResolving:
		m.resolving()
	case v1alpha1.PhaseGating:
		m.gating()
	case v1alpha1.PhaseStaging:
		m.staging()
	case v1alpha1.PhaseChecking:
		m.checking()
	case v1alpha1.PhaseProgressing:
		m.progressing()
	case v1alpha1.PhaseCuttingOver:
		m.cuttingOver()
	case v1alpha1.PhaseVerifying:
		m.verifying()
	case v1alpha1.PhaseSettling:
		m.settling()
	case v1alpha1.PhaseRollingBack:
		m.rollingBack()
	case v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
		m.retry()
	}
}

// enter begins a phase, a step or a move.
func (m *machine) enter(phase v1alpha1.Phase, why verdict.Verdict) {
	r := m.run()
	r.Phase, r.Reason, r.Message = phase, why.Reason, why.Message
	r.SinceTime, r.HeldSinceTime, r.WaitingSinceTime = m.now, metav1.Time{}, metav1.Time{}
	m.spend()
	m.note(why)
	m.tell(phase, why)
}

// wait says what is waited for, once it has taken a while: most waits are over
// before anyone could read why.
func (m *machine) wait(why verdict.Verdict) {
	if r := m.run(); !m.now.Time.Before(r.SinceTime.Add(patience)) {
		r.Reason, r.Message = why.Reason, why.Message
	}
}

// patience is how long a wait goes unexplained.
const patience = 10 * time.Second

func (m *machine) run() *v1alpha1.RolloutStatus { return &m.next.Rollout }

func (m *machine) candidate() *v1alpha1.Release { return m.next.Candidate }

// ended reports whether the latest attempt is over.
func (m *machine) ended() bool {
	switch m.run().Phase {
	case v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
		return true
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging,
		v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying,
		v1alpha1.PhaseSettling, v1alpha1.PhaseRollingBack:
		return false
	}
	return true // nothing has been released yet
}

// revocable reports whether a failure can still turn the release back.
func (m *machine) revocable() bool {
	phase := m.run().Phase
	return !m.ended() && phase != v1alpha1.PhaseSettling && phase != v1alpha1.PhaseRollingBack
}

// The schema's bounds on what is remembered.
const (
	verdictsKept = 200
	timelineKept = 100
	firedKept    = 64
)

// record keeps verdicts that decided something. Room for the last one, which
// may be why the release failed, is always left.
func (m *machine) record(verdicts ...verdict.Verdict) {
	r := m.run()
	for _, v := range verdicts {
		if v.Reason == "" {
			continue
		}
		v.Phase, v.Step = r.Phase, m.step()
		switch {
		case len(r.Verdicts) < verdictsKept-1:
			r.Verdicts = append(r.Verdicts, v)
		case v.Outcome == verdict.Failed:
			r.Verdicts = append(r.Verdicts[:verdictsKept-1], v)
		}
	}
}

// note adds the beginning of a phase, step or move to the timeline.
func (m *machine) note(why verdict.Verdict) {
	m.log(v1alpha1.TimelineEntry{Time: m.now, Phase: m.run().Phase, Step: m.step(), Weight: m.share(), Reason: why.Reason, Message: why.Message})
}

// mark adds a moment within a phase to the timeline.
func (m *machine) mark(reason, message string) {
	m.log(v1alpha1.TimelineEntry{Time: m.now, Phase: m.run().Phase, Step: m.step(), Weight: m.share(), Reason: reason, Message: message})
}

func (m *machine) log(entry v1alpha1.TimelineEntry) {
	r := m.run()
	if len(r.Timeline) >= timelineKept {
		r.Timeline = r.Timeline[:timelineKept-1] // the end is told rather than the middle
	}
	r.Timeline = append(r.Timeline, entry)
}

// tell announces a phase.
func (m *machine) tell(phase v1alpha1.Phase, why verdict.Verdict) {
	bad := phase == v1alpha1.PhaseRollingBack || phase == v1alpha1.PhaseRolledBack || phase == v1alpha1.PhaseFailed
	m.events = append(m.events, Event{Warning: bad, Reason: string(phase), Message: why.Message})
}

// spend remembers what has been consumed of error budgets: with what is written
// anyway, not sample by sample.
func (m *machine) spend() {
	if len(m.seen.Budgets) > 0 {
		m.run().Budgets = m.seen.Budgets
	}
}

// count remembers the failing samples of metrics and the alerts that fired
// before, and forgets those that have stopped firing: when they fire again, it
// is this release's doing. A source that listens only while a release is under
// way finds what fired before while the pods start.
func (m *machine) count() {
	if m.ended() {
		return
	}
	if len(m.seen.Tallies) > 0 {
		m.run().Tallies = m.seen.Tallies
	}
	if m.seen.Heard {
		m.run().FiredBefore = slices.DeleteFunc(m.run().FiredBefore, func(key string) bool { return !slices.Contains(m.seen.Firing, key) })
	}
	if m.run().Phase == v1alpha1.PhaseStaging {
		m.excuse()
	}
}

// excuse remembers alerts that the release is not to blame for.
func (m *machine) excuse() {
	r := m.run()
	for _, key := range m.seen.Before {
		if len(r.FiredBefore) < firedKept && !slices.Contains(r.FiredBefore, key) {
			r.FiredBefore = append(r.FiredBefore, key)
		}
	}
}
