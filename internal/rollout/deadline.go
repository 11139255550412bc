package rollout

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// late is the verdict on a phase that took too long. Holding a weight is not
// dawdling, and people may take their time.
func (m *machine) late() *verdict.Verdict {
	due := m.due()
	if due.IsZero() || m.waiting() || m.now.Time.Before(due) {
		return nil
	}
	r := m.run()
	v := verdict.With(verdict.Fail(v1alpha1.SignalDeadline, "DeadlineExceeded", "%s made no progress within %d s: %s", r.Phase, r.Plan.ProgressDeadlineSeconds, m.lateFor().Message),
		verdict.Evidence{Threshold: due.Sub(r.SinceTime.Time).String(), Source: "strategy.progressDeadlineSeconds", Time: m.now})
	return &v
}

// lateFor is what was waited for.
func (m *machine) lateFor() verdict.Verdict {
	r := m.run()
	why := verdict.Verdict{Message: r.Message}
	for _, v := range m.heard() {
		if v.Outcome == verdict.Unknown && v.Message != "" {
			why = v
			break
		}
	}
	return why
}

// due is when the phase, step or move is overdue; zero for those without a
// deadline.
func (m *machine) due() time.Time {
	r := m.run()
	switch r.Phase {
	case v1alpha1.PhaseGating, v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed, "":
		return time.Time{}
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseStaging, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseRollingBack,
		v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling:
	}
	return r.SinceTime.Add(seconds(r.Plan.ProgressDeadlineSeconds) + m.allowed())
}

// allowed is the time that a phase takes when all is well.
func (m *machine) allowed() time.Duration {
	r := m.run()
	switch r.Phase {
	case v1alpha1.PhaseChecking:
		return seconds(longest(Parts(m.spec.Checks)))
	case v1alpha1.PhaseResolving:
		if build := m.spec.Artifact.Build; build != nil {
			return seconds(build.TimeoutSeconds)
		}
	case v1alpha1.PhaseProgressing:
		return max(m.holdTime(), seconds(m.splitTime()))
	case v1alpha1.PhaseVerifying:
		return seconds(max(r.Plan.VerifySeconds, longest(PartsAfter(m.spec.Checks))))
	case v1alpha1.PhaseSettling:
		return m.drainTime()
	case v1alpha1.PhasePending, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseCuttingOver,
		v1alpha1.PhaseSucceeded, v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return 0
}

func (m *machine) holdTime() time.Duration {
	r := m.run()
	return seconds(or(r.Plan.Steps[r.Step].HoldSeconds, 60))
}

// begin is when a hold that begins now begins: never before now, though status
// holds whole seconds.
func (m *machine) begin() metav1.Time {
	if m.in.Now.After(m.now.Time) {
		return metav1.NewTime(m.now.Add(time.Second))
	}
	return m.now
}

func (m *machine) drainTime() time.Duration { return seconds(m.run().Plan.DrainSeconds) }

// heldUntil is when the whole hold of a step, or the verification, has passed.
func (m *machine) heldUntil() time.Time {
	r := m.run()
	if r.Phase == v1alpha1.PhaseVerifying {
		return r.HeldSinceTime.Add(seconds(r.Plan.VerifySeconds))
	}
	return r.HeldSinceTime.Add(m.holdTime())
}

// after is how long until time alone changes the answer; zero means never.
func (m *machine) after() time.Duration {
	r := m.run()
	var wake time.Duration
	at := func(t time.Time) {
		if d := t.Sub(m.in.Now); !t.IsZero() && d > 0 && (wake == 0 || d < wake) {
			wake = d
		}
	}
	if !m.ended() {
		at(r.SinceTime.Add(patience))
	}
	if !m.waiting() {
		at(m.due())
	}
	if !r.HeldSinceTime.IsZero() && (r.Phase == v1alpha1.PhaseProgressing || r.Phase == v1alpha1.PhaseVerifying) {
		at(m.heldUntil())
	}
	if r.Phase == v1alpha1.PhaseGating {
		at(m.seen.Opens.Time)
	}
	for _, d := range m.next.Draining {
		at(d.SinceTime.Add(m.drainTime()))
	}
	if m.going() {
		at(m.goneDue())
	}
	if m.unreported() {
		at(r.EndTime.Add(reportGrace))
	}
	return wake
}
