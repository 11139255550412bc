package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// gating waits to be allowed to start, as long as it takes: a window that opens
// tomorrow is no delay. Alerts that fire now are not blamed on the release. A
// return to what served a short while ago is a way back, which no gate holds.
func (m *machine) gating() {
	all := m.gates()
	switch {
	case m.returns():
		m.record(verdict.Pass(v1alpha1.SignalGate, "NotAsked", "No gate was asked, for %s is a return to what served a short while ago", m.candidate().ID))
	case all.Outcome != verdict.Passed:
		m.await(all)
		return
	default:
		m.heed()
		m.keep(m.seen.Gates...)
	}
	m.run().FiredBefore = m.seen.Firing[:min(len(m.seen.Firing), firedKept)]
	m.enter(v1alpha1.PhaseStaging, verdict.Pass(v1alpha1.SignalWorkload, "Starting", "Starting the pods of %s", m.candidate().ID))
}

// gates is what all gates amount to. One that was not asked is closed.
func (m *machine) gates() verdict.Verdict {
	if len(m.seen.Gates) < max(1, len(m.spec.Gates)) {
		return verdict.Wait(v1alpha1.SignalGate, "NotAsked", "Not every gate has been asked yet")
	}
	return Gates(m.seen.Gates)
}

// Gates is what many gates amount to: every one that refuses, else every one
// that is closed.
func Gates(all []verdict.Verdict) verdict.Verdict {
	for _, outcome := range []v1alpha1.Outcome{verdict.Failed, verdict.Unknown} {
		closed := slices.DeleteFunc(slices.Clone(all), func(v verdict.Verdict) bool { return v.Outcome != outcome })
		if len(closed) > 0 {
			return together(closed)
		}
	}
	if len(all) < 2 {
		return verdict.All(verdict.Verdict{}, all...)
	}
	return verdict.Pass(v1alpha1.SignalGate, "GatesOpen", "All %d gates are open", len(all))
}

// together is one verdict that lists many of the same outcome.
func together(closed []verdict.Verdict) verdict.Verdict {
	if len(closed) == 1 {
		return closed[0]
	}
	messages := make([]string, 0, len(closed))
	for _, v := range closed {
		messages = append(messages, v.Message)
	}
	return verdict.Verdict{
		Kind: v1alpha1.SignalGate, Outcome: closed[0].Outcome, Reason: "GatesClosed",
		Message: verdict.Clip(fmt.Sprintf("%d gates are closed: %s", len(closed), strings.Join(messages, "; ")), maxMessage),
	}
}

// maxMessage is the schema's bound on a message, in bytes.
const maxMessage = 2048

// refusing is the one verdict of gates that will not open for this release.
func (m *machine) refusing() []verdict.Verdict {
	if all := m.gates(); all.Outcome == verdict.Failed && !m.returns() {
		return []verdict.Verdict{all}
	}
	return nil
}

// alsoClosed are the gates that were closed when one refused the release, but
// for the verdict that is recorded as the reason.
func (m *machine) alsoClosed(why verdict.Verdict) []verdict.Verdict {
	if m.run().Phase != v1alpha1.PhaseGating || why.Kind != v1alpha1.SignalGate {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(m.seen.Gates), func(v verdict.Verdict) bool {
		return v.Outcome == verdict.Passed || v.Name == why.Name && v.Reason == why.Reason
	})
}

// await waits, and remembers the gates that are waited for when the wait is
// worth explaining. When nothing but people is waited for, they are told at once.
func (m *machine) await(all verdict.Verdict) {
	m.heed()
	closed := slices.DeleteFunc(slices.Clone(m.seen.Gates), func(v verdict.Verdict) bool { return v.Outcome == verdict.Passed })
	people := len(closed) > 0 && !slices.ContainsFunc(closed, func(v verdict.Verdict) bool { return v.Reason != v1alpha1.ReasonAwaitingApproval })
	if people {
		m.hold(all)
	} else if m.wait(all); m.now.Time.Before(m.run().SinceTime.Add(patience)) {
		return
	}
	m.keep(closed...)
}

// heed remembers approvals: the annotation may go on to approve something else.
func (m *machine) heed() {
	for _, v := range m.seen.Gates {
		if v.Outcome == verdict.Passed && v.Reason == v1alpha1.ReasonApproved && m.keep(v) {
			m.next.Handled.Approve = m.request(v1alpha1.AnnotationApprove)
		}
	}
}

// keep records the verdicts of gates that are not known yet, and reports
// whether there were any.
func (m *machine) keep(verdicts ...verdict.Verdict) bool {
	before := len(m.run().Verdicts)
	for _, v := range verdicts {
		known := slices.ContainsFunc(m.run().Verdicts, func(old verdict.Verdict) bool {
			return old.Kind == v.Kind && old.Name == v.Name && old.Reason == v.Reason && old.Outcome == v.Outcome
		})
		if !known {
			m.record(v)
		}
	}
	return len(m.run().Verdicts) > before
}

// returns reports whether the release goes back to a good one that ended a
// short while before it was asked for again.
func (m *machine) returns() bool {
	return m.goodAt(m.candidate().Asked, m.run().StartTime.Time) != nil
}
