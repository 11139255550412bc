package rollout

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// aborted hears a fresh request to abort.
func (m *machine) aborted() *verdict.Verdict {
	value := m.asks(v1alpha1.AnnotationAbort, m.next.Handled.Abort)
	if value == "" {
		return nil
	}
	m.next.Handled.Abort = value
	v := verdict.With(verdict.Fail(v1alpha1.SignalRequest, "Aborted", "Someone aborted %s", m.candidate().ID),
		verdict.Evidence{Value: value, Source: "annotation " + v1alpha1.AnnotationAbort, Time: m.now})
	return &v
}

// promoted hears a request that names this release and asks to go past its
// steps, or past a failure that is held for people.
func (m *machine) promoted() bool {
	value := m.asks(v1alpha1.AnnotationPromote, m.next.Handled.Promote)
	if !m.means(value, "") {
		return false
	}
	m.next.Handled.Promote = value
	m.run().Overruled = true
	m.record(verdict.With(verdict.Pass(v1alpha1.SignalRequest, "Promoted", "Someone promoted %s", m.candidate().ID),
		verdict.Evidence{Value: value, Source: "annotation " + v1alpha1.AnnotationPromote, Time: m.now}))
	return true
}

// approved reports whether the end of the step needs no approval, or has one.
func (m *machine) approved(step v1alpha1.Step) bool {
	if step.Approval != v1alpha1.ApprovalRequired {
		return true
	}
	value := m.asks(v1alpha1.AnnotationApprove, m.next.Handled.Approve)
	if !m.means(value, step.Name) {
		m.hold(verdict.Wait(v1alpha1.SignalRequest, v1alpha1.ReasonAwaitingApproval, "Step %s has passed and waits for approval: kubectl -n %s annotate sigdep %s %s=%s/%s --overwrite",
			step.Name, m.in.Object.Namespace, m.in.Object.Name, v1alpha1.AnnotationApprove, m.candidate().ID, step.Name))
		return false
	}
	m.next.Handled.Approve = value
	m.record(verdict.With(verdict.Pass(v1alpha1.SignalRequest, v1alpha1.ReasonApproved, "Someone approved step %s", step.Name),
		verdict.Evidence{Value: value, Source: "annotation " + v1alpha1.AnnotationApprove, Time: m.now}))
	return true
}

// retry starts an ended release again on a fresh request.
func (m *machine) retry() {
	value := m.asks(v1alpha1.AnnotationRetry, m.next.Handled.Retry)
	if value == "" || m.unreported() || m.seen.Spec.Outcome != verdict.Passed {
		return
	}
	if m.run().Phase == v1alpha1.PhaseSucceeded {
		m.next.Handled.Retry = value
		return
	}
	m.start()
}

// refuseRetry answers a request to retry what has not ended: it must not come
// back to life later.
func (m *machine) refuseRetry() {
	if value := m.asks(v1alpha1.AnnotationRetry, m.next.Handled.Retry); value != "" && !m.ended() {
		m.next.Handled.Retry = value
		m.events = append(m.events, Event{Warning: true, Reason: "RetryRefused", Message: "A release is under way; it can be retried once it has ended"})
	}
}

// settleRequests marks requests that were made before this release as
// handled: they did not mean it.
func (m *machine) settleRequests() {
	m.next.Handled = v1alpha1.HandledRequests{
		Approve: m.request(v1alpha1.AnnotationApprove), Promote: m.request(v1alpha1.AnnotationPromote),
		Abort: m.request(v1alpha1.AnnotationAbort), Retry: m.request(v1alpha1.AnnotationRetry),
		Drill: m.next.Handled.Drill, // it means no release
	}
}

// request is the value of a request, as much of it as status can hold.
func (m *machine) request(annotation string) string {
	return verdict.Clip(m.in.Object.Annotations[annotation], 256)
}

// asks is the value of a request that has not been handled, or "".
func (m *machine) asks(annotation, handled string) string {
	value := m.request(annotation)
	if value == handled {
		return ""
	}
	return value
}

// means reports whether the value names this release, by id or hash, and, if
// it names a step, this one.
func (m *machine) means(value, step string) bool {
	named, part, _ := strings.Cut(value, "/")
	return named != "" && (named == m.candidate().ID || named == m.candidate().Hash) && (part == "" || part == step)
}

// paused reports whether a pause holds progress. It holds no rollback, and
// nothing that has passed its verification.
func (m *machine) paused() bool {
	if !m.spec.Paused || !m.revocable() {
		return false
	}
	m.hold(verdict.Wait(v1alpha1.SignalRequest, "Paused", "Paused in %s; set spec.paused to false to go on", m.run().Phase))
	return true
}

// hold waits for people.
func (m *machine) hold(why verdict.Verdict) {
	r := m.run()
	m.holding = true
	if r.WaitingSinceTime.IsZero() {
		r.WaitingSinceTime = m.now
		m.events = append(m.events, Event{Warning: r.Failure != nil, Reason: why.Reason, Message: why.Message})
	}
	r.Reason, r.Message = why.Reason, why.Message
}

// waiting reports whether people are waited for.
func (m *machine) waiting() bool { return !m.run().WaitingSinceTime.IsZero() }

// resume gives back the time that was spent waiting for people.
func (m *machine) resume() {
	r := m.run()
	if r.WaitingSinceTime.IsZero() {
		return
	}
	r.SinceTime = metav1.NewTime(r.SinceTime.Add(m.now.Sub(r.WaitingSinceTime.Time)))
	r.WaitingSinceTime = metav1.Time{}
}
