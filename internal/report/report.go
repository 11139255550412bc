// Package report tells what became of a release: what worked, what was odd, how
// long it took and what each line rests on. It is pure: the corridor puts its
// ConfigMaps into the cluster. It says nothing that its input does not say.
package report

import (
	"slices"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Input is everything a report may speak of.
type Input struct {
	Namespace, Name, Environment string

	Release v1alpha1.Release       // that the report is about
	Stable  *v1alpha1.Release      // that serves now
	Rollout v1alpha1.RolloutStatus // the memory of the attempt, which has ended
	Drill   *v1alpha1.DrillStatus  // the memory of rollback drills

	Measured []verdict.Verdict // what was measured of it, and what stood out: facts without an outcome
}

// Report is what is kept.
type Report struct {
	Markdown string // at most 256 KiB
	Drill    string // the last rollback drill, if there was one
	JSON     []byte
	Summary  v1alpha1.ReportSummary
}

// Make writes the report. The same input gives the same bytes.
func Make(in Input) Report {
	t := tell(in)
	return Report{
		Markdown: markdown(t),
		Drill:    scorecard(in, lastDrill(in.Drill)),
		JSON:     encode(t),
		Summary: v1alpha1.ReportSummary{
			ConfigMap: release.ArchiveName(in.Name, in.Release), Release: in.Release.ID, Result: in.Rollout.Result,
			DurationSeconds: int64(t.duration().Seconds()), Summary: verdict.Clip(t.sentence(), 2048),
		},
	}
}

// tale is the input with what follows from it.
type tale struct {
	Input
	facts     []fact
	worked    []line
	anomalies []line
	measures  []line
	budgets   []spending
	phases    []phase
}

// fact is a verdict with its number in the evidence table, from 1. What was
// remembered without a verdict has no outcome.
type fact struct {
	number int
	verdict.Verdict
}

// phase is a part of the timeline with its length; the last has none.
type phase struct {
	v1alpha1.TimelineEntry
	took time.Duration
}

func tell(in Input) tale {
	t := tale{Input: in, phases: phases(in.Rollout)}
	for _, v := range in.Rollout.Verdicts {
		t.facts = append(t.facts, fact{len(t.facts) + 1, v})
	}
	for _, v := range append(remembered(in.Rollout), untold(in.Rollout)...) {
		t.facts = append(t.facts, fact{len(t.facts) + 1, v})
	}
	t.worked, t.anomalies, t.measures = worked(t.facts, in.Rollout.Plan), anomalies(t.facts), measures(t.facts)
	t.budgets = spendings(in.Rollout.Budgets, t.facts)
	t.measured()
	return t
}

func (t tale) duration() time.Duration {
	if t.Rollout.EndTime.IsZero() || t.Rollout.StartTime.IsZero() {
		return 0
	}
	return max(0, t.Rollout.EndTime.Sub(t.Rollout.StartTime.Time))
}

// sentence is the report in one line.
func (t tale) sentence() string {
	said := map[v1alpha1.Result]string{
		v1alpha1.ResultSucceeded: "was released", v1alpha1.ResultRolledBack: "was rolled back", v1alpha1.ResultFailed: "failed",
		v1alpha1.ResultSuperseded: "made way for a newer release", v1alpha1.ResultReverted: "made way for the stable release", v1alpha1.ResultAborted: "was aborted",
	}[t.Rollout.Result]
	if said == "" {
		said = "has not ended"
	}
	text := t.Release.ID + " " + said
	if t.Rollout.Message != "" && t.Rollout.Result != v1alpha1.ResultSucceeded {
		text += ": " + t.Rollout.Message
	}
	return text
}

// decider is the verdict that ended the release against it, or nil.
func (t tale) decider() *fact {
	for _, f := range slices.Backward(t.facts) {
		if f.Outcome == verdict.Failed && f.Reason == t.Rollout.Reason {
			return &f
		}
	}
	return nil
}

// turnedBack reports whether the stable release had to take all traffic again.
func (t tale) turnedBack() bool { return t.Rollout.Phase == v1alpha1.PhaseRolledBack }

// turning is how long that took, until it was seen; not known when the
// timeline does not tell.
func (t tale) turning() (took time.Duration, known bool) {
	for _, p := range t.phases {
		if p.Phase == v1alpha1.PhaseRollingBack {
			took, known = took+p.took, true
		}
	}
	return took, known && t.turnedBack()
}

// phases are the moments of the timeline and how long each lasted.
func phases(r v1alpha1.RolloutStatus) []phase {
	out := make([]phase, 0, len(r.Timeline))
	for i, entry := range r.Timeline {
		p := phase{TimelineEntry: entry}
		if i+1 < len(r.Timeline) {
			p.took = max(0, r.Timeline[i+1].Time.Sub(entry.Time.Time))
		}
		out = append(out, p)
	}
	return out
}
