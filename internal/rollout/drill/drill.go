// Package drill rehearses rollbacks: it starts a pod of the stable release
// beside it, gives it a place in the routes that no user's request takes, has a
// signal fail, and lets the machine that turns releases back turn it back. It
// scores how soon that happened and whether everything is as it was.
//
// It is pure like the machine: it decides, and asks nobody. Its memory is apart
// from that of releases, and a release never waits for it.
package drill

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Input is everything that a decision may depend on.
type Input struct {
	Object *v1alpha1.SignalDeployment
	Main   rollout.Decision // what was decided of the release
	World  rollout.Observation
	Seen   Observation
	Now    time.Time
}

// Observation is what is seen for a drill alone.
type Observation struct {
	Route  Route
	Signal []verdict.Verdict // what the failing signal amounts to; none before it is sampled
	Things []string          // what a drill must leave as it was
}

// Route is what the routes say, for a drill.
type Route struct {
	Joined  bool  // every route names the canary Service, without weight
	Left    bool  // none does
	Settled bool  // every gateway has accepted its route
	Weight  int32 // the share of users that would reach the drill: never more than none
	Verdict verdict.Verdict
}

// Decision is that of the release, with room for the drill in it.
type Decision struct {
	rollout.Decision
	Drill Want
}

// Want is what a drill calls for beside the release.
type Want struct {
	Start   bool // its pods are to exist
	Routes  []string
	Join    bool // the routes are to name the canary Service, without weight
	Leave   bool // they are to come to rest
	Signal  bool // the failing signal is to be sampled
	Overdue bool // none has passed for too long
}

// Decide returns what to remember of drills, and makes room for one in what was
// decided of the release.
func Decide(in Input) Decision {
	d := &drill{in: in, out: Decision{Decision: in.Main}, now: metav1.NewMicroTime(in.Now.UTC().Truncate(time.Microsecond))}
	if in.Main.Next.Drill != nil {
		in.Main.Next.Drill.DeepCopyInto(&d.memory)
	}
	d.ask()
	d.hear()
	switch {
	case !d.running() && d.wanted():
		d.begin()
	case d.running():
		d.goOn()
	case len(d.memory.Before) > 0:
		d.clear()
	}
	d.makeRoom()
	d.remember()
	return d.out
}

// drill is one decision in the making.
type drill struct {
	in     Input
	now    metav1.MicroTime
	memory v1alpha1.DrillStatus
	out    Decision
	shadow *rollout.Decision // of the rehearsal, while it is under way
	asked  string            // a request that has not been handled
}

// spec of drills. Where none are asked for, one may be, by annotation.
func (d *drill) spec() v1alpha1.DrillSpec {
	if s := d.in.Object.Spec.Rollback.Drill; s != nil {
		return *s
	}
	return v1alpha1.DrillSpec{}
}

// ask notes since when drills are asked for, so that a schedule that is new is
// not overdue at once.
func (d *drill) ask() {
	switch {
	case d.in.Object.Spec.Rollback.Drill == nil:
		d.memory.AskedSinceTime = metav1.Time{}
	case d.memory.AskedSinceTime.IsZero():
		d.memory.AskedSinceTime = metav1.NewTime(d.now.Truncate(time.Second))
	}
}

// hear hears a fresh request, and refuses one that comes at the wrong time: it
// must not come back to life later.
func (d *drill) hear() {
	d.asked = Request(d.in.Object)
	if d.asked == "" || !d.running() && d.disturbedBy() == "" { // then it starts as soon as it can
		return
	}
	d.out.Next.Handled.Drill, d.asked = d.asked, ""
	d.tell(true, "DrillRefused", "A drill is run at rest only, and one at a time: ask again once nothing is under way and nothing is paused")
}

// Request is a request for a drill that has not been handled, or "".
func Request(sd *v1alpha1.SignalDeployment) string {
	value := verdict.Clip(sd.Annotations[v1alpha1.AnnotationDrill], 256)
	if value == sd.Status.Handled.Drill {
		return ""
	}
	return value
}

// running reports whether a drill is under way.
func (d *drill) running() bool { return Running(&d.memory) }

// Running reports whether a drill is under way.
func Running(memory *v1alpha1.DrillStatus) bool {
	return memory != nil && len(memory.Runs) > 0 && memory.Runs[0].Result == v1alpha1.DrillRunning
}

// run is the latest drill.
func (d *drill) run() *v1alpha1.DrillRun { return &d.memory.Runs[0] }

// resting reports whether nothing is under way: the stable release is what the
// spec asks for, or what it asks for waits at its gates, of which a drill may
// be one.
func (d *drill) resting() bool {
	next := d.in.Main.Next
	return d.disturbedBy() == "" && d.in.World.Spec.Outcome == verdict.Passed && len(next.Draining) == 0 && next.Stable.Digest != "" &&
		(next.Rollout.Phase != v1alpha1.PhaseSucceeded || next.Rollout.EndTime.IsZero() || d.in.World.Reported)
}

// wanted reports whether a drill is to start, and may.
func (d *drill) wanted() bool {
	return (d.asked != "" || d.due()) && d.resting() && d.healthy() && len(d.in.Seen.Things) > 0
}

// healthy reports whether the stable release serves as it should, and nothing
// of an earlier drill is left.
func (d *drill) healthy() bool {
	w, stable := d.in.World, d.in.Main.Next.Stable.Hash
	side, left := w.Sides[stable], w.Sides[release.DrillHash(stable)]
	atRest := w.Route.Verdict.Outcome == verdict.Passed && w.Route.Settled && !w.Route.Sibling && w.Route.Weight == 0 && len(d.memory.Before) == 0
	return atRest && side.Desired > 0 && side.Ready == side.Desired && side.Created == side.Desired && left.Created == 0 &&
		w.Service.Stable == stable && w.Service.Endpoints == side.Ready && !release.IsDrill(w.Service.Canary)
}

// begin starts a drill.
func (d *drill) begin() {
	why, message := "Scheduled", "The schedule asks for a rollback drill"
	if d.asked != "" {
		why, message = "Requested", "Someone asked for a rollback drill"
		d.out.Next.Handled.Drill, d.asked = d.asked, ""
	}
	run := v1alpha1.DrillRun{Result: v1alpha1.DrillRunning, Reason: why, Message: message}
	d.memory.Runs = append([]v1alpha1.DrillRun{run}, d.memory.Runs[:min(len(d.memory.Runs), runsKept-1)]...)
	d.memory.Before = d.in.Seen.Things
	d.mark(string(v1alpha1.PhaseStaging), d.now.Time)
	d.tell(false, "DrillStarted", message+": turning back to "+d.in.Main.Next.Stable.ID+" is rehearsed beside it, out of users' reach")
}

// runsKept is the schema's bound on status.drill.runs.
const runsKept = 5

// goOn goes on with a drill, or ends it where it would be in the way.
func (d *drill) goOn() {
	if reason := d.disturbance(); reason != "" {
		d.interrupt(reason)
		return
	}
	d.rehearse()
}

// clear waits for routes that no release drives any more to come to rest.
func (d *drill) clear() {
	if d.in.Seen.Route.Left {
		d.memory.Before = nil
	}
}

// mark notes when something was seen.
func (d *drill) mark(name string, at time.Time) {
	d.run().Moments = append(d.run().Moments, v1alpha1.DrillMoment{Name: name, Time: metav1.NewMicroTime(at.UTC().Truncate(time.Microsecond))})
}

// at is when something was seen; zero if it was not.
func at(run v1alpha1.DrillRun, name string) time.Time {
	for _, m := range run.Moments {
		if m.Name == name {
			return m.Time.Time
		}
	}
	return time.Time{}
}

func (d *drill) tell(warning bool, reason, message string) {
	d.out.Events = append(slices.Clip(d.out.Events), rollout.Event{Warning: warning, Reason: reason, Message: message})
}

// remember puts the memory of drills beside that of releases.
func (d *drill) remember() {
	d.out.Next.Drill = nil
	if len(d.memory.Runs) > 0 || !d.memory.AskedSinceTime.IsZero() {
		d.out.Next.Drill = &d.memory
	}
}
