package rollout

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// crashes are the ends of the candidate's containers since it was ready to be
// checked. One decides: what has been ready and ends is not fit to serve, and
// requests that it had are lost. A pod that came later may end once, as it may
// have had to wait for something that it needs.
func (m *machine) crashes() []verdict.Verdict {
	since, checked := m.checkedSince()
	if !checked {
		return nil
	}
	var all []verdict.Verdict
	for _, c := range m.side(m.candidate().Hash).Crashes {
		if c.Time.After(since.Time) && (c.Again || !c.Created.After(since.Time)) {
			all = append(all, c.Verdict)
		}
	}
	return all
}

// checkedSince is when the candidate's checks began.
func (m *machine) checkedSince() (since metav1.Time, checked bool) {
	for _, entry := range m.run().Timeline {
		if entry.Phase == v1alpha1.PhaseChecking {
			return entry.Time, true
		}
	}
	return since, false
}
