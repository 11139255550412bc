package drill

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// makeRoom changes what was decided of the release as far as a drill needs it:
// while one runs, its pods and its place are kept, and the stable release does
// not shrink. What is left of others goes.
func (d *drill) makeRoom() {
	running, hash := d.running(), ""
	if running {
		hash = release.DrillHash(d.in.Main.Next.Stable.Hash)
	}
	w := &d.out.Want
	w.Replicas, w.Keep = maps.Clone(w.Replicas), slices.Clone(w.Keep)
	for of := range d.in.World.Sides {
		if release.IsDrill(of) && of != hash && w.Replicas != nil {
			w.Replicas[of] = 0
		}
	}
	if release.IsDrill(w.Canary) {
		w.Canary = d.selected()
	}
	d.out.Drill.Overdue = Overdue(d.in.Object.Spec.Rollback.Drill, &d.memory, d.now.Time)
	if running {
		d.occupy(hash)
	} else if len(d.memory.Before) > 0 {
		d.out.Drill.Routes, d.out.Drill.Leave = routesOf(d.memory.Before), true
	}
	d.wake()
}

// selected is the release that the canary Service selected before the drill.
func (d *drill) selected() string {
	before := strings.Fields(things(d.memory.Before, KindSelector)[release.CanaryName(d.in.Object.Name)])
	if len(before) == 0 || release.IsDrill(before[0]) {
		return v1alpha1.NoRelease
	}
	return before[0]
}

// occupy makes room for the drill that runs.
func (d *drill) occupy(hash string) {
	w, stable := &d.out.Want, d.in.Main.Next.Stable.Hash
	phase := Phase(*d.run())
	want := &d.out.Drill
	want.Routes = routesOf(d.memory.Before)
	w.HoldWeight, w.Report = true, false
	delete(w.Replicas, hash) // the machine takes it for a stray
	w.Replicas[stable] = max(w.Replicas[stable], d.in.World.Sides[stable].Desired)
	if w.Keep != nil {
		w.Keep = append(w.Keep, hash)
	}
	placed := len(want.Routes) > 0 // what moves first, back: the routes, then the Service
	switch phase {
	case v1alpha1.PhaseStaging, v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing:
		want.Start, w.Canary = true, hash
		w.Replicas[hash] = 1
	case v1alpha1.PhaseRollingBack:
		if placed {
			w.Canary = d.in.World.Service.Canary
		}
	case v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed, v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating,
		v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded:
	}
	want.Signal = Sampled(&d.memory)
	s := d.shadow
	if s == nil {
		return
	}
	if n, named := s.Want.Replicas[hash]; named {
		w.Replicas[hash] = n
	}
	want.Join = placed && !s.Want.HoldWeight && s.Want.Weight > 0
	want.Leave = placed && !s.Want.HoldWeight && s.Want.Weight == 0 && !d.in.Seen.Route.Left
}

// wake is when time alone changes the answer.
func (d *drill) wake() {
	sooner := func(t time.Time) {
		if in := t.Sub(d.in.Now); !t.IsZero() && in > 0 && (d.out.After == 0 || in < d.out.After) {
			d.out.After = in
		}
	}
	if d.running() {
		if d.shadow != nil && d.shadow.After > 0 {
			sooner(d.in.Now.Add(d.shadow.After))
		}
		if since := FailsSince(&d.memory); Sampled(&d.memory) && !since.IsZero() {
			sooner(since.Add(d.detectWithin()))
		}
		if over(Phase(*d.run())) {
			sooner(d.settledBy())
		}
		return
	}
	spec := d.in.Object.Spec.Rollback.Drill
	next := Next(spec, d.since())
	if !next.After(d.in.Now) { // it is due, and cannot start
		next = Next(spec, d.in.Now)
	}
	sooner(next)
	sooner(DueBy(spec, &d.memory))
}
