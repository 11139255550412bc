package rollout

import (
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// loadsKept is the schema's bound on status.loads.
const loadsKept = 8

// keepLoad remembers what a load test measured of the candidate, for the day on
// which it is the stable release and others are compared with it. The stable
// release's own stays, however many candidates are tested after it.
func (m *machine) keepLoad() {
	if m.seen.Measured == nil {
		return
	}
	mine, rest := m.candidate().Hash, m.next.Loads
	rest = slices.DeleteFunc(slices.Clone(rest), func(r v1alpha1.LoadRecord) bool { return r.Release == mine })
	slices.SortStableFunc(rest, func(a, b v1alpha1.LoadRecord) int { return rank(m.serves(b.Release)) - rank(m.serves(a.Release)) })
	m.next.Loads = append([]v1alpha1.LoadRecord{*m.seen.Measured.DeepCopy()}, rest[:min(len(rest), loadsKept-1)]...)
	m.next.Loads[0].Release = mine
}

func rank(first bool) int {
	if first {
		return 1
	}
	return 0
}
