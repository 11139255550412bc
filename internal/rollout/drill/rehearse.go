package drill

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Moments of a drill beside the phases of the machine.
const (
	momentInjected = "Injected" // the signal fails from now on
	momentDetected = "Detected" // the sample that was decisive
	momentHealthy  = "Healthy"  // the stable release is seen to serve as before
	momentEnded    = "Ended"
)

// place is what the machine takes for the candidate's weight: it stands for the
// place in the routes, and what the routes give it is nothing.
const place = 1

// Signal is the metric that fails. It needs as much patience as the most
// patient one that judges releases.
func Signal(spec v1alpha1.AnalysisSpec) v1alpha1.Metric {
	m := v1alpha1.Metric{Name: "drill", Query: "drill", Max: new(intstr.FromInt32(0)), ConsecutiveFailures: 1}
	for _, metric := range spec.Metrics {
		m.ConsecutiveFailures = max(m.ConsecutiveFailures, metric.ConsecutiveFailures)
	}
	return m
}

// Sampled reports whether the signal is to be sampled.
func Sampled(memory *v1alpha1.DrillStatus) bool {
	return Running(memory) && Phase(memory.Runs[0]) == v1alpha1.PhaseProgressing
}

// FailsSince is since when the signal fails; zero while it does not. It begins
// to fail right after a sample that was good, when it takes longest to notice.
func FailsSince(memory *v1alpha1.DrillStatus) time.Time { return at(memory.Runs[0], momentInjected) }

// Phase of a drill, as the machine knows it.
func Phase(run v1alpha1.DrillRun) v1alpha1.Phase {
	phase, _ := entered(run)
	return phase
}

// entered is the phase, and when it began.
func entered(run v1alpha1.DrillRun) (v1alpha1.Phase, time.Time) {
	for _, m := range slices.Backward(run.Moments) {
		switch phase := v1alpha1.Phase(m.Name); phase {
		case v1alpha1.PhaseStaging, v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
			return phase, m.Time.Time
		case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded:
		}
	}
	return v1alpha1.PhaseStaging, time.Time{}
}

// rehearse asks the machine what becomes of a release whose signal fails.
func (d *drill) rehearse() {
	was, unnoticed := Phase(*d.run()), d.unnoticed()
	s := rollout.Decide(rollout.Input{Object: d.object(was), Seen: d.seen(), Now: d.in.Now})
	d.shadow = &s
	next := s.Next.Rollout
	if failed := d.noticed(); failed != nil && was == v1alpha1.PhaseProgressing && next.Phase == v1alpha1.PhaseRollingBack {
		d.mark(momentDetected, failed.Evidence.Time.Time)
	}
	if next.Phase != was {
		d.mark(string(next.Phase), d.now.Time)
	}
	d.run().Reason, d.run().Message = next.Reason, next.Message
	if unnoticed {
		d.run().Reason, d.run().Message = "NotDetected", "The failing signal was not noticed in time"
	}
	held := next.Phase == v1alpha1.PhaseProgressing && !next.HeldSinceTime.IsZero()
	if held && d.good() && FailsSince(&d.memory).IsZero() {
		d.mark(momentInjected, d.now.Time)
	}
	if over(next.Phase) {
		d.settle()
	}
}

// settle waits until the stable release serves as before and the drill's pods
// are gone.
func (d *drill) settle() {
	if at(*d.run(), momentHealthy).IsZero() { // else something would have interrupted the drill
		d.mark(momentHealthy, d.now.Time)
	}
	if len(d.shadow.Next.Draining) > 0 {
		return
	}
	parts := d.score()
	if !whole(parts[timed:]) && d.now.Time.Before(d.settledBy()) {
		return // what was asked for last may not be seen yet
	}
	d.end(parts)
}

// settledBy is how long what is not as it was may be on its way.
func (d *drill) settledBy() time.Time {
	_, since := entered(*d.run())
	return since.Add(seconds(d.plan().DrainSeconds) + settleTime)
}

const settleTime = 15 * time.Second

func over(phase v1alpha1.Phase) bool {
	return phase == v1alpha1.PhaseRolledBack || phase == v1alpha1.PhaseFailed
}

// noticed is the verdict that the failing signal came to, or nil.
func (d *drill) noticed() *verdict.Verdict {
	for _, v := range d.in.Seen.Signal {
		if v.Outcome == verdict.Failed && v.Evidence != nil {
			return &v
		}
	}
	return nil
}

// good reports whether the signal was sampled, and was good.
func (d *drill) good() bool {
	return len(d.in.Seen.Signal) > 0 && d.in.Seen.Signal[0].Outcome == verdict.Passed
}

// unnoticed reports whether the signal has failed for too long.
func (d *drill) unnoticed() bool {
	since := FailsSince(&d.memory)
	return Sampled(&d.memory) && !since.IsZero() && d.noticed() == nil && !d.now.Time.Before(since.Add(d.detectWithin()))
}

func (d *drill) detectWithin() time.Duration { return seconds(or(d.spec().DetectWithinSeconds, 60)) }

func (d *drill) backWithin() time.Duration { return seconds(or(d.spec().BackWithinSeconds, 30)) }

// object is a SignalDeployment whose candidate is the stable release, under a
// name of its own, in the phase that the drill is in.
func (d *drill) object(phase v1alpha1.Phase) *v1alpha1.SignalDeployment {
	sd, run := d.in.Object, d.run()
	shadow := &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: sd.Namespace, Name: sd.Name, UID: sd.UID}}
	shadow.Spec.Replicas = sd.Spec.Replicas
	shadow.Spec.Analysis.Metrics = []v1alpha1.Metric{Signal(sd.Spec.Analysis)}
	shadow.Spec.Strategy = v1alpha1.StrategySpec{ProgressDeadlineSeconds: sd.Spec.Strategy.ProgressDeadlineSeconds, DrainSeconds: sd.Spec.Strategy.DrainSeconds}
	if d.unnoticed() {
		shadow.Annotations = map[string]string{v1alpha1.AnnotationAbort: "NotDetected"}
	}
	stable := *d.in.Main.Next.Stable
	candidate := stable
	candidate.Hash, candidate.Asked, candidate.PodTemplateHash = release.DrillHash(stable.Hash), shadowAsked, ""
	_, since := entered(*run)
	begun := metav1.NewTime(since.Truncate(time.Second))
	m := v1alpha1.RolloutStatus{
		Phase: phase, Reason: run.Reason, Message: run.Message, Plan: d.plan(),
		StartTime: metav1.NewTime(run.Moments[0].Time.Truncate(time.Second)), SinceTime: begun,
	}
	switch phase {
	case v1alpha1.PhaseProgressing:
		m.Exposed = true
		if injected := at(*run, momentInjected); !injected.IsZero() {
			m.HeldSinceTime = metav1.NewTime(injected.Truncate(time.Second))
		}
	case v1alpha1.PhaseRollingBack:
		m.Exposed, m.Result = true, v1alpha1.ResultRolledBack
		why, _, _ := strings.Cut(run.Message, "; waiting for ") // what it was turned back for
		m.Timeline = []v1alpha1.TimelineEntry{{Time: begun, Phase: phase, Reason: run.Reason, Message: why}}
	case v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
		m.Result, m.EndTime = v1alpha1.ResultRolledBack, begun
		shadow.Status.Draining = []v1alpha1.DrainingRelease{{Hash: candidate.Hash, SinceTime: begun}}
	case v1alpha1.PhaseStaging, v1alpha1.PhaseChecking, v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating,
		v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded:
	}
	shadow.Status.Stable, shadow.Status.Candidate, shadow.Status.Rollout = &stable, &candidate, m
	return shadow
}

// shadowAsked stands for what the spec asks for: nothing new, while a drill
// runs.
const shadowAsked = "drill"

// plan has one step, which is never passed: a signal that is not noticed ends
// it, too.
func (d *drill) plan() v1alpha1.Plan {
	s := d.in.Object.Spec.Strategy
	hold := int32(d.detectWithin()/time.Second) + 60 //nolint:gosec // at most an hour
	return v1alpha1.Plan{
		Steps:  []v1alpha1.Step{{Name: "drill", Weight: place, HoldSeconds: &hold}},
		Routes: routesOf(d.memory.Before), ProgressDeadlineSeconds: deref(s.ProgressDeadlineSeconds, 600), DrainSeconds: deref(s.DrainSeconds, 30), Automatic: true,
	}
}

// seen is the world as the machine is to see it: the drill's place in the
// routes is a weight.
func (d *drill) seen() rollout.Observation {
	w, hash := d.in.World, release.DrillHash(d.in.Main.Next.Stable.Hash)
	sides := make(map[string]rollout.Side, len(w.Sides))
	for of, side := range w.Sides {
		if of == hash {
			side.Proof = verdict.Pass(v1alpha1.SignalArtifact, "SameDigest", "A drill runs what the stable release runs")
		}
		sides[of] = side
	}
	return rollout.Observation{
		Asked: shadowAsked, Spec: verdict.Pass(v1alpha1.SignalSpec, "Valid", "The specification is valid"),
		Sides: sides, Service: w.Service, Route: d.route(hash), Metrics: d.in.Seen.Signal, Heard: true, Reported: true, Sealed: true,
	}
}

// route is the drill's place, as a weight. Without routes, its place is the
// canary Service.
func (d *drill) route(hash string) rollout.Route {
	seen := d.in.Seen.Route
	if len(routesOf(d.memory.Before)) == 0 {
		seen.Joined, seen.Settled = d.in.World.Service.Canary == hash && d.in.World.Service.CanaryEndpoints > 0, true
		seen.Left, seen.Verdict = d.in.World.Service.Canary != hash, verdict.Pass(v1alpha1.SignalRoute, "NoRoutes", "No route is driven")
	}
	r := rollout.Route{Settled: seen.Settled, Sibling: !seen.Left, Verdict: seen.Verdict}
	if !seen.Left {
		r.Weight = place
	}
	if seen.Joined {
		r.Lowest = place
	}
	r.Settled = r.Settled && r.Weight == r.Lowest
	return r
}

func or(value, absent int32) int32 {
	if value == 0 {
		return absent
	}
	return value
}

func deref(value *int32, absent int32) int32 {
	if value == nil {
		return absent
	}
	return *value
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }
