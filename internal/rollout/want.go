package rollout

import (
	"cmp"
	"slices"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// decision is what the machine has come to.
func (m *machine) decision() Decision {
	m.next.Phase, m.next.Reason = m.run().Phase, m.run().Reason
	m.next.Step, m.next.Verdict, m.next.Weight = m.stepText(), m.verdict(), m.share()
	return Decision{Next: m.next, Want: m.want(), Events: m.events, After: m.after()}
}

// share is the candidate's part of the traffic as it was read back. When both
// Services select it, it has everything.
func (m *machine) share() int32 {
	c := m.candidate()
	if c != nil && c.Hash != "" && m.seen.Service.Stable == c.Hash {
		return 100
	}
	return m.seen.Route.Weight
}

// want is the world that the memory calls for.
func (m *machine) want() Want {
	if m.candidate() == nil {
		return m.wantNothing()
	}
	w := Want{
		Stable: m.wantStable(), Canary: m.wantCanary(), Routes: m.run().Plan.Routes,
		Replicas: m.wantReplicas(), Mend: m.drifted(), Restore: m.disturbed(), Leave: m.going() && !m.seen.Route.Sibling && !m.seen.Preview.Present,
		Preview: m.wantPreview(),
	}
	switch m.run().Phase {
	case v1alpha1.PhaseResolving:
		w.Resolve = true
	case v1alpha1.PhaseStaging:
		w.Start, w.Watch = m.candidate(), true
	case v1alpha1.PhaseChecking:
		w.Start, w.Watch, w.Check = m.candidate(), true, true
	case v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying:
		w.Start, w.Watch, w.Judge, w.Load = m.candidate(), true, true, m.loads()
	case v1alpha1.PhaseGating:
		w.Watch = true
	case v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
		w.Start = m.next.Stable // its copies of ConfigMaps are made again, if someone deletes them
		w.Report = len(m.next.History) > 0 && !m.run().EndTime.IsZero()
		w.Keep = m.wantKeep()
	case v1alpha1.PhaseSettling:
		w.Seal = true
	case v1alpha1.PhasePending, v1alpha1.PhaseRollingBack:
	}
	w.Verify, w.Split = m.run().Phase == v1alpha1.PhaseVerifying, m.measures() && !m.run().HeldSinceTime.IsZero()
	if m.going() {
		w.Split = false
		w.Start, w.Check, w.Verify, w.Load, w.Seal, w.Report, w.Keep, w.Mend = nil, false, false, false, false, false, nil, nil
	}
	w.Weight, w.HoldWeight = m.wantWeight()
	if w.Stable != m.seen.Service.Stable && w.Weight != m.seen.Route.Weight {
		w.HoldWeight = true // never both in one decision
	}
	return w
}

// wantNothing leaves what serves alone: nothing that could be released has been
// asked for yet, or the memory of it was lost.
func (m *machine) wantNothing() Want {
	w := Want{Stable: v1alpha1.NoRelease, Canary: cmp.Or(m.seen.Service.Canary, v1alpha1.NoRelease), Leave: m.going() && !m.seen.Preview.Present}
	if m.next.Stable != nil {
		w.Stable = m.next.Stable.Hash
	}
	return w
}

// wantStable is the release that the stable Service is to select.
func (m *machine) wantStable() string {
	r := m.run()
	if m.going() {
		return m.seen.Service.Stable // it keeps what it has, until the workload goes
	}
	moved := r.Phase == v1alpha1.PhaseVerifying || r.Phase == v1alpha1.PhaseCuttingOver && r.Move != v1alpha1.MoveWeight
	if moved && (m.switched() || m.maySwitch()) {
		return m.candidate().Hash
	}
	switch {
	case m.next.Stable == nil:
		return v1alpha1.NoRelease
	case r.Phase == v1alpha1.PhaseRollingBack && m.seen.Service.Stable == m.candidate().Hash && !m.bearsReturn():
		return m.candidate().Hash // the stable side is not ready to be returned to
	case moved, m.side(m.next.Stable.Hash).Ready == 0 && m.side(m.seen.Service.Stable).Ready > 0: // someone else pointed it there
		return m.seen.Service.Stable
	}
	return m.next.Stable.Hash
}

// maySwitch reports whether the stable Service may be pointed at the candidate:
// its pods bear everything, and no route uses that Service meanwhile.
func (m *machine) maySwitch() bool {
	dark := !m.splits() || m.run().Move != v1alpha1.MoveSelect || m.seen.Route.Lowest == 100
	return dark && m.side(m.candidate().Hash).Ready >= m.need(100)
}

// wantCanary is the release that the canary Service is to select: the
// candidate, as soon as it has pods.
func (m *machine) wantCanary() string {
	switch m.run().Phase {
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating:
		return cmp.Or(m.seen.Service.Canary, v1alpha1.NoRelease)
	case v1alpha1.PhaseStaging, v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying,
		v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded, v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	if m.unloads() {
		return v1alpha1.NoRelease
	}
	if m.candidate().Hash != "" {
		return m.candidate().Hash
	}
	return cmp.Or(m.seen.Service.Canary, v1alpha1.NoRelease)
}

// wantWeight is the canary Service's share, and whether the routes are to be
// left as they are for now.
func (m *machine) wantWeight() (weight int32, hold bool) {
	r := m.run()
	if m.going() {
		return 0, m.seen.Service.Endpoints < 1 && !m.goneLong()
	}
	switch r.Phase {
	case v1alpha1.PhaseProgressing:
		return m.raise(m.target())
	case v1alpha1.PhaseCuttingOver:
		switch r.Move {
		case v1alpha1.MoveWeight:
			return m.raise(100)
		case v1alpha1.MoveSelect:
			return m.raiseIf(m.splits(), 100)
		case v1alpha1.MoveReturn:
			return 0, m.seen.Service.Stable != m.candidate().Hash || m.seen.Service.Endpoints < m.need(100)
		}
	case v1alpha1.PhaseRollingBack:
		if m.seen.Service.Stable != m.next.Stable.Hash || m.seen.Service.Endpoints < 1 {
			return 0, true // selector first, then weight
		}
		weight := m.returnWeight()
		return weight, weight == m.seen.Route.Weight && weight > 0
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseChecking,
		v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return 0, false
}

// raise is the weight, once the candidate's pods bear it; what has been
// reached is kept.
func (m *machine) raise(weight int32) (int32, bool) {
	if m.seen.Route.Lowest >= weight || m.bears(weight) {
		return weight, false
	}
	if before := m.before(); before > 0 && m.bears(before) {
		return before, false
	}
	return 0, true
}

func (m *machine) raiseIf(splits bool, weight int32) (int32, bool) {
	if !splits {
		return 0, false
	}
	return m.raise(weight)
}

// wantReplicas scales both sides. While a release is under way, either may
// rise and neither may fall; what has drained goes.
func (m *machine) wantReplicas() map[string]int32 {
	want := map[string]int32{}
	rest := m.ended()
	full := m.need(100) // when scaled to zero, too, there is something to turn back to
	if rest {
		full = m.replicas()
	}
	if stable := m.next.Stable; stable != nil {
		want[stable.Hash] = m.scale(stable.Hash, full, rest)
	}
	if c := m.candidate(); c.Hash != "" && m.running() && !m.serves(c.Hash) {
		want[c.Hash] = m.scale(c.Hash, m.need(m.targetShare()), false)
	}
	for _, d := range m.next.Draining {
		if _, taken := want[d.Hash]; !taken && m.drained(d) && !m.selected(d.Hash) {
			want[d.Hash] = 0
		}
	}
	if m.going() {
		return nil
	}
	return m.strays(want, rest)
}

// strays scales down, at rest, what no memory speaks of any more.
func (m *machine) strays(want map[string]int32, rest bool) map[string]int32 {
	for hash := range m.seen.Sides {
		_, taken := want[hash]
		draining := slices.ContainsFunc(m.next.Draining, func(d v1alpha1.DrainingRelease) bool { return d.Hash == hash })
		if rest && !taken && !draining && !m.selected(hash) {
			want[hash] = 0
		}
	}
	return want
}

// selected reports whether traffic may still reach the release.
func (m *machine) selected(hash string) bool {
	return m.seen.Service.Stable == hash || m.seen.Service.Canary == hash && m.seen.Route.Weight > 0
}

// scale is how many pods a side is to have.
func (m *machine) scale(hash string, replicas int32, mayFall bool) int32 {
	if mayFall {
		return replicas
	}
	return max(replicas, m.seen.Sides[hash].Desired)
}

// running reports whether the candidate's pods are to exist.
func (m *machine) running() bool {
	switch m.run().Phase {
	case v1alpha1.PhaseStaging, v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying:
		return true
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded,
		v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return false
}

// targetShare is the weight that the candidate's pods are scaled for.
func (m *machine) targetShare() int32 {
	switch m.run().Phase {
	case v1alpha1.PhaseStaging, v1alpha1.PhaseChecking:
		return m.firstWeight()
	case v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying,
		v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded,
		v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return m.target()
}

// wantKeep are the releases whose Deployments stay, so that returning to them
// is quick.
func (m *machine) wantKeep() []string {
	keep := []string{m.candidate().Hash}
	if m.next.Stable != nil {
		keep = append(keep, m.next.Stable.Hash)
	}
	for _, d := range m.next.Draining {
		keep = append(keep, d.Hash)
	}
	for hash := range m.seen.Sides {
		if m.selected(hash) {
			keep = append(keep, hash)
		}
	}
	for i, e := range m.next.History {
		if i < int(or(m.spec.Report.HistoryLimit, 10)) {
			keep = append(keep, e.Hash)
		}
	}
	slices.Sort(keep)
	return slices.DeleteFunc(slices.Compact(keep), func(hash string) bool { return hash == "" })
}

// going reports whether the object is being deleted.
func (m *machine) going() bool { return !m.in.Object.DeletionTimestamp.IsZero() }

// goneLong reports whether the deletion has waited for an endpoint for as long
// as any phase may take.
func (m *machine) goneLong() bool {
	return !m.now.Time.Before(m.goneDue())
}

func (m *machine) goneDue() time.Time {
	return m.in.Object.DeletionTimestamp.Add(seconds(or(m.spec.Strategy.ProgressDeadlineSeconds, 600)))
}

// leaving reports whether the object is being deleted: the routes come to
// rest, and everything else stays until the workload goes.
func (m *machine) leaving() bool {
	if m.going() && !m.ended() {
		m.run().Reason, m.run().Message = "Deleting", verdict.Clip("The SignalDeployment is being deleted; its routes are brought to rest first", 2048)
	}
	return m.going()
}
