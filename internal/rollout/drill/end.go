package drill

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// What a drill must leave as it was, each as kind/name=value. A selector's value
// begins with the release.
const (
	KindRoute     = "HTTPRoute"
	KindSelector  = "Selector"
	KindPods      = "Pods"
	KindEndpoints = "Endpoints"
)

// Thing is one thing that a drill must leave as it was.
func Thing(kind, name, value string) string { return verdict.Clip(kind+"/"+name+"="+value, 512) }

// things are the values of a kind, by name.
func things(all []string, kind string) map[string]string {
	out := map[string]string{}
	for _, text := range all {
		key, value, _ := strings.Cut(text, "=")
		if of, name, _ := strings.Cut(key, "/"); of == kind {
			out[name] = value
		}
	}
	return out
}

// routesOf are the routes that a drill has its place in.
func routesOf(before []string) []string { return slices.Sorted(maps.Keys(things(before, KindRoute))) }

// Routes are those that a drill is to see: the ones it has its place in, or
// would have.
func Routes(sd *v1alpha1.SignalDeployment) []string {
	if memory := sd.Status.Drill; memory != nil && len(memory.Before) > 0 {
		return routesOf(memory.Before)
	}
	return sd.Status.Rollout.Plan.Routes
}

// endpoints of the stable Service that were ready.
func endpoints(all []string, name string) int32 {
	n, err := strconv.ParseInt(things(all, KindEndpoints)[name], 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// disturbedBy is what makes a drill stand back, whatever its own state; empty
// when it may run.
func (d *drill) disturbedBy() string {
	next, sd := d.in.Main.Next, d.in.Object
	phase := next.Rollout.Phase
	switch {
	case !sd.DeletionTimestamp.IsZero():
		return "Deleted"
	case next.Stable == nil || next.Candidate == nil,
		phase != v1alpha1.PhaseGating && (phase != v1alpha1.PhaseSucceeded || next.Stable.Hash != next.Candidate.Hash):
		return "Superseded"
	case sd.Spec.Paused:
		return "Paused"
	}
	return ""
}

// interruptions in sentences.
var interruptions = map[string]string{
	"Deleted":        "The SignalDeployment is being deleted",
	"Superseded":     "A release came, and does not wait for a drill",
	"Paused":         "Someone paused the SignalDeployment",
	"StableNotReady": "The stable release lost ready pods, which is more urgent than a drill",
	"TrafficSeen":    "Someone gave the drill's pods a share of the traffic, which is taken back",
}

// disturbance is what a drill that is under way makes way for.
func (d *drill) disturbance() string {
	if reason := d.disturbedBy(); reason != "" {
		return reason
	}
	had := endpoints(d.memory.Before, d.in.Object.Name)
	side, service := d.in.World.Sides[d.in.Main.Next.Stable.Hash], d.in.World.Service
	switch {
	case side.Ready < had || service.Endpoints < had || service.Stable != d.in.Main.Next.Stable.Hash:
		return "StableNotReady"
	case d.in.Seen.Route.Weight > 0:
		return "TrafficSeen"
	}
	return ""
}

// interrupt ends a drill that proves nothing. What is left of it goes at once;
// routes that the release does not drive are seen to come to rest.
func (d *drill) interrupt(reason string) {
	r := d.run()
	r.Result, r.Reason, r.Message = v1alpha1.DrillInterrupted, reason, interruptions[reason]
	d.mark(momentEnded, d.now.Time)
	driven := d.in.Main.Next.Rollout.Plan.Routes
	d.memory.Before = slices.DeleteFunc(slices.Clone(d.memory.Before), func(text string) bool {
		names := routesOf([]string{text})
		return len(names) == 0 || slices.Contains(driven, names[0])
	})
	d.tell(false, "DrillInterrupted", r.Message)
}

// end closes a drill with its score.
func (d *drill) end(parts []v1alpha1.DrillPart) {
	r := d.run()
	r.Parts, r.Score, r.Result = parts, 0, v1alpha1.DrillPassed
	var missed []string
	for _, p := range parts {
		if p.Outcome == verdict.Passed {
			r.Score += p.Points
			continue
		}
		r.Result = v1alpha1.DrillFailed
		missed = append(missed, strings.TrimSpace(fmt.Sprintf("%s: %s, must be %s", p.Name, cmp.Or(p.Value, "not seen"), p.Threshold)))
	}
	d.mark(momentEnded, d.now.Time)
	d.memory.Before = nil
	if r.Result == v1alpha1.DrillFailed {
		if !at(*r, momentDetected).IsZero() { // else the reason is why it was not
			r.Reason = "DrillFailed"
		}
		r.Message = verdict.Clip(fmt.Sprintf("%s. %s", strings.Join(missed, "; "), r.Message), 2048)
		d.tell(true, "DrillFailed", fmt.Sprintf("The rollback drill has failed with %d of 100 points: %s", r.Score, r.Message))
		return
	}
	d.memory.LastSuccessTime = metav1.NewTime(d.now.Truncate(time.Second))
	r.Reason = "DrillPassed"
	r.Message = fmt.Sprintf("A failing signal was noticed after %s and turned back after another %s, and everything is as it was", parts[0].Value, parts[1].Value)
	d.tell(false, "DrillPassed", r.Message)
}

// score holds what was seen against what was asked for.
func (d *drill) score() []v1alpha1.DrillPart {
	run, name := *d.run(), d.in.Object.Name
	before, now := d.memory.Before, d.in.Seen.Things
	had, has := endpoints(before, name), endpoints(now, name)
	kept := v1alpha1.DrillPart{Name: "Endpoints", Points: 10, Outcome: verdict.Passed, Value: strconv.Itoa(int(has)), Threshold: fmt.Sprintf(">= %d", had)}
	if has < had {
		kept.Outcome = verdict.Failed
	}
	return []v1alpha1.DrillPart{
		within("Detected", 30, at(run, momentInjected), at(run, momentDetected), d.detectWithin()),
		within("TrafficBack", 30, at(run, momentDetected), at(run, string(v1alpha1.PhaseRolledBack)), d.backWithin()),
		same("Routes", 10, things(before, KindRoute), things(now, KindRoute)),
		same("Services", 10, things(before, KindSelector), things(now, KindSelector)),
		same("Pods", 10, things(before, KindPods), things(now, KindPods)),
		kept,
	}
}

// timed are the parts of the score, at its beginning, that time can only make
// worse.
const timed = 2

// within holds the time between two moments against a limit.
func within(name string, points int32, from, to time.Time, limit time.Duration) v1alpha1.DrillPart {
	p := v1alpha1.DrillPart{Name: name, Points: points, Outcome: verdict.Failed, Threshold: "<= " + limit.String()}
	if from.IsZero() || to.IsZero() {
		return p
	}
	took := max(to.Sub(from), 0)
	p.Value = took.Round(time.Millisecond).String()
	if took <= limit {
		p.Outcome = verdict.Passed
	}
	return p
}

// same says which things are not as they were.
func same(name string, points int32, before, now map[string]string) v1alpha1.DrillPart {
	p := v1alpha1.DrillPart{Name: name, Points: points, Outcome: verdict.Passed, Value: "as before", Threshold: "as before"}
	var changed []string
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if now[key] != before[key] {
			changed = append(changed, key)
		}
	}
	if len(changed) > 0 {
		p.Outcome, p.Value = verdict.Failed, verdict.Clip("changed: "+strings.Join(changed, ", "), 512)
	}
	return p
}

func whole(parts []v1alpha1.DrillPart) bool {
	return !slices.ContainsFunc(parts, func(p v1alpha1.DrillPart) bool { return p.Outcome != verdict.Passed })
}
