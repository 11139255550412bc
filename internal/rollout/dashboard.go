package rollout

import "github.com/signal-delivery/operator/internal/verdict"

// noteDashboard keeps what is known of the dashboard once the release ends: it
// is told with the end, which is written anyway. It decides nothing, and takes
// no room from what does.
func (m *machine) noteDashboard() {
	v := m.seen.Dashboard
	if len(m.run().Verdicts) < verdictsKept-1 {
		m.record(v)
	}
	if v.Outcome == verdict.Failed {
		m.events = append(m.events, Event{Warning: true, Reason: v.Reason, Message: v.Message})
	}
}
