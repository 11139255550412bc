package rollout

import (
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

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

// count remembers the failing samples of metrics, and forgets alerts that have
// stopped firing: when they fire again, it is this release's doing.
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
}
