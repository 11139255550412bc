// Package profile measures what has been of a release: how much traffic the
// pods of each track had in a phase or step, how fast and how well they
// answered it, what CPU and memory that took, and what of it stood out against
// the rest of the phase, the phase before and the stable release. It is told
// when a phase has ended, keeps no samples, and decides nothing: an anomaly
// fails no release. What it has no samples of, it does not make up.
package profile

import (
	"slices"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Subject is the release that is measured, and what serves beside it.
type Subject struct {
	Namespace, Name   string
	Candidate, Stable string        // hashes; Stable is empty for a first release
	Interval          time.Duration // between two scrapes
}

// Part is a phase, step or move of an attempt.
type Part struct {
	Phase      v1alpha1.Phase
	Step       string
	Start, End time.Time
	Held       time.Time // when its weight was first seen; zero when nothing tells
}

// limits of what is kept, as in the schema.
const (
	maxProfiles  = 32
	maxAnomalies = 32
	maxTimeline  = 100 // a full timeline no longer tells when parts ended
)

// Ended are the parts that are to be measured now that the memory changes, and
// before each the part that it is compared with. Going back to the stable
// release is not kept waiting: what has ended then is measured once that is
// over.
func Ended(before, next v1alpha1.RolloutStatus) []Pair {
	known, all := parts(before.Timeline), parts(next.Timeline)
	moved := len(all) > len(known) && before.StartTime.Equal(&next.StartTime)
	if !moved || len(next.Timeline) >= maxTimeline || next.Phase == v1alpha1.PhaseRollingBack {
		return nil
	}
	var ended []Pair
	for i, part := range all[:len(all)-1] {
		if !measured[part.Phase] || profiled(next.Profiles, part) {
			continue
		}
		pair := Pair{Part: part, Failing: failing(next.Verdicts, part)}
		if i > 0 && (measured[all[i-1].Phase] || all[i-1].Phase == v1alpha1.PhaseChecking) {
			pair.Before = all[i-1]
		}
		ended = append(ended, pair)
	}
	return ended
}

// Pair is a part that has ended.
type Pair struct {
	Part
	Before  Part // zero when there is none to compare with
	Failing bool // a metric or an alert failed in it
}

// measured are the phases in which the candidate may take traffic.
var measured = map[v1alpha1.Phase]bool{
	v1alpha1.PhaseProgressing: true, v1alpha1.PhaseCuttingOver: true, v1alpha1.PhaseVerifying: true, v1alpha1.PhaseRollingBack: true,
}

// parts of a timeline; the last has not ended.
func parts(timeline []v1alpha1.TimelineEntry) []Part {
	var all []Part
	for _, entry := range timeline {
		if n := len(all); n > 0 && all[n-1].Phase == entry.Phase && all[n-1].Step == entry.Step {
			if entry.Reason == "Holding" {
				all[n-1].Held = entry.Time.Time
			}
			continue
		}
		if n := len(all); n > 0 {
			all[n-1].End = entry.Time.Time
		}
		all = append(all, Part{Phase: entry.Phase, Step: entry.Step, Start: entry.Time.Time})
	}
	return all
}

func profiled(profiles []v1alpha1.Profile, part Part) bool {
	return slices.ContainsFunc(profiles, func(p v1alpha1.Profile) bool { return p.Phase == part.Phase && p.Step == part.Step })
}

func failing(verdicts []v1alpha1.Verdict, part Part) bool {
	return slices.ContainsFunc(verdicts, func(v v1alpha1.Verdict) bool {
		judges := v.Kind == v1alpha1.SignalMetric || v.Kind == v1alpha1.SignalAlert
		return judges && v.Outcome == v1alpha1.OutcomeFailed && v.Phase == part.Phase && v.Step == part.Step
	})
}

// Keep adds what was measured to the memory. Of more anomalies than there is
// room for, the gravest are kept, then the earliest.
func Keep(memory *v1alpha1.RolloutStatus, p v1alpha1.Profile, anomalies []v1alpha1.Anomaly) {
	if len(memory.Profiles) < maxProfiles {
		memory.Profiles = append(memory.Profiles, p)
	}
	all := slices.Concat(memory.Anomalies, anomalies)
	slices.SortStableFunc(all, func(a, b v1alpha1.Anomaly) int { return grave[b.Severity] - grave[a.Severity] })
	all = all[:min(len(all), maxAnomalies)]
	slices.SortStableFunc(all, func(a, b v1alpha1.Anomaly) int { return a.StartTime.Compare(b.StartTime.Time) })
	memory.Anomalies = all
}

var grave = map[v1alpha1.AnomalySeverity]int{v1alpha1.SeverityLow: 1, v1alpha1.SeverityMedium: 2, v1alpha1.SeverityHigh: 3}
