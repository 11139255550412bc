package drill

import (
	"fmt"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/schedule"
)

// grace is how long after its time a drill may still start, when something was
// under way. Later, the next one is waited for.
const grace = time.Hour

// Validate finds what the schema cannot, naming the field.
func Validate(sd *v1alpha1.SignalDeployment) error {
	spec := sd.Spec.Rollback.Drill
	if spec == nil || spec.Schedule == "" {
		return nil
	}
	s, err := schedule.Parse(spec.Schedule)
	if err == nil {
		err = schedule.Comes(s)
	}
	if err != nil {
		return fmt.Errorf("spec.rollback.drill.schedule: %w", err)
	}
	return nil
}

// Last is the last drill that came to an end of its own; nil if there is none.
func Last(memory *v1alpha1.DrillStatus) *v1alpha1.DrillRun {
	for i, run := range memory.Runs {
		if run.Result == v1alpha1.DrillPassed || run.Result == v1alpha1.DrillFailed {
			return &memory.Runs[i]
		}
	}
	return nil
}

// Durations are how long the parts of a drill took, as far as it got.
func Durations(run v1alpha1.DrillRun) map[string]time.Duration {
	out := map[string]time.Duration{}
	for part, ends := range map[string][2]string{
		"detected": {momentInjected, momentDetected}, "back": {momentDetected, string(v1alpha1.PhaseRolledBack)}, "total": {string(v1alpha1.PhaseStaging), momentEnded},
	} {
		if from, to := at(run, ends[0]), at(run, ends[1]); !from.IsZero() && !to.IsZero() {
			out[part] = to.Sub(from)
		}
	}
	return out
}

// Next is when the schedule comes first after a moment; zero if it does not.
func Next(spec *v1alpha1.DrillSpec, after time.Time) time.Time {
	if spec == nil || spec.Schedule == "" {
		return time.Time{}
	}
	s, err := schedule.Parse(spec.Schedule)
	if err != nil { // the specification is not valid, and says so
		return time.Time{}
	}
	return s.Next(after.UTC())
}

// Wanted reports whether someone or the schedule asks for a drill now.
func Wanted(sd *v1alpha1.SignalDeployment, now time.Time) bool {
	d := &drill{in: Input{Object: sd, Now: now}}
	if sd.Status.Drill != nil {
		d.memory = *sd.Status.Drill
	}
	return Request(sd) != "" || d.due()
}

// due reports whether the schedule has come.
func (d *drill) due() bool {
	if d.memory.AskedSinceTime.IsZero() {
		return false
	}
	next := Next(d.in.Object.Spec.Rollback.Drill, d.since())
	return !next.IsZero() && !next.After(d.in.Now)
}

// since is the moment from which on the schedule is to come: the latest of the
// last drill's start, when drills were asked for, and the time of grace.
func (d *drill) since() time.Time {
	since := d.in.Now.Add(-grace)
	if asked := d.memory.AskedSinceTime.Time; asked.After(since) {
		since = asked
	}
	if len(d.memory.Runs) > 0 {
		if last := d.memory.Runs[0].Moments[0].Time.Time; last.After(since) {
			since = last
		}
	}
	return since
}

// DueBy is when the last drill that passed does not count any more; zero if it
// always does.
func DueBy(spec *v1alpha1.DrillSpec, memory *v1alpha1.DrillStatus) time.Time {
	if spec == nil || memory == nil {
		return time.Time{}
	}
	from := memory.LastSuccessTime.Time
	if from.Before(memory.AskedSinceTime.Time) {
		from = memory.AskedSinceTime.Time
	}
	switch {
	case from.IsZero():
		return time.Time{}
	case spec.MaxAgeSeconds != nil:
		return from.Add(seconds(*spec.MaxAgeSeconds))
	case spec.Schedule == "":
		return time.Time{}
	}
	second := Next(spec, Next(spec, from))
	if second.IsZero() {
		return time.Time{}
	}
	return second.Add(grace)
}

// Overdue reports whether none has passed for too long.
func Overdue(spec *v1alpha1.DrillSpec, memory *v1alpha1.DrillStatus, now time.Time) bool {
	due := DueBy(spec, memory)
	return !due.IsZero() && !now.Before(due)
}
