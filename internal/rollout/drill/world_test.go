package drill_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/rollout/drill"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// noon is when every world begins: v1 has served since, and is asked for.
var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// world does as it is told, a tick later: pods are created and get ready, the
// Services find them, and gateways follow their routes.
type world struct {
	t    testing.TB
	sd   *v1alpha1.SignalDeployment
	now  time.Time
	tick time.Duration

	pods    map[string]pods
	service rollout.Service
	joined  bool // the route names the canary Service
	settled bool // its gateway has accepted it as it is
	stray   bool // someone has changed the route

	record analysis.Record // of the signal, which the operator forgets when it starts again
	tally  v1alpha1.MetricTally
	silent bool // the signal is never found to fail

	trace  strings.Builder
	line   string
	events []rollout.Event
}

type pods struct{ desired, created, ready int32 }

// resting is a world in which v1 serves, and nothing is under way.
func resting(t testing.TB, change ...func(*v1alpha1.SignalDeployment)) *world {
	sd := testkit.SignalDeployment(change...)
	stable, candidate := testkit.Release("v1"), testkit.Release("v1")
	sd.Status = v1alpha1.SignalDeploymentStatus{Phase: v1alpha1.PhaseSucceeded, Stable: &stable, Candidate: &candidate, Rollout: v1alpha1.RolloutStatus{
		Phase: v1alpha1.PhaseSucceeded, Result: v1alpha1.ResultSucceeded, Reason: "Promoted", StartTime: metav1.NewTime(noon.Add(-time.Hour)),
		SinceTime: metav1.NewTime(noon.Add(-time.Minute)), EndTime: metav1.NewTime(noon.Add(-time.Minute)), Plan: v1alpha1.Plan{DrainSeconds: 30, ProgressDeadlineSeconds: 300},
	}}
	for _, route := range sd.Spec.Traffic.HTTPRoutes {
		sd.Status.Rollout.Plan.Routes = append(sd.Status.Rollout.Plan.Routes, route.Name)
	}
	return &world{
		t: t, sd: sd, now: noon, tick: time.Second, settled: true, pods: map[string]pods{"v1": {4, 4, 4}},
		service: rollout.Service{Stable: "v1", Canary: "v1", Endpoints: 4, CanaryEndpoints: 4},
	}
}

// ask annotates the SignalDeployment.
func (w *world) ask(value string) {
	metav1.SetMetaDataAnnotation(&w.sd.ObjectMeta, v1alpha1.AnnotationDrill, value)
}

// observe is what the corridor would have seen.
func (w *world) observe() (rollout.Observation, drill.Observation) {
	s := w.service
	s.Endpoints, s.CanaryEndpoints = min(s.Endpoints, w.pods[s.Stable].ready), min(s.CanaryEndpoints, w.pods[s.Canary].ready)
	route := rollout.Route{Settled: w.settled, Sibling: w.joined, Verdict: testkit.Passed(v1alpha1.SignalRoute)}
	if len(w.sd.Status.Rollout.Plan.Routes) == 0 {
		route = rollout.Route{Settled: true, Verdict: verdict.Pass(v1alpha1.SignalRoute, "NoRoutes", "No route is driven")}
	}
	if !route.Settled {
		route.Verdict = verdict.Wait(v1alpha1.SignalRoute, "NotAccepted", "The gateway has not accepted the route")
	}
	seen := rollout.Observation{
		Asked: "asks-" + strings.TrimPrefix(w.sd.Spec.Artifact.Image, testkit.Image("")), Spec: testkit.Passed(v1alpha1.SignalSpec),
		Service: s, Route: route, Sides: map[string]rollout.Side{}, Reported: true,
		Gates: []verdict.Verdict{testkit.Unknown(v1alpha1.SignalGate)},
	}
	if w.sd.Status.Rollout.Phase == v1alpha1.PhaseResolving {
		seen.Artifact, seen.Digest, seen.Hash = []verdict.Verdict{testkit.Passed(v1alpha1.SignalArtifact)}, "sha256:v2", "v2"
	}
	for hash, p := range w.pods {
		v := testkit.Passed(v1alpha1.SignalWorkload)
		if p.ready < p.desired {
			v = verdict.Wait(v1alpha1.SignalWorkload, "NotReady", "%d of %d pods are ready", p.ready, p.desired)
		}
		seen.Sides[hash] = rollout.Side{Desired: p.desired, Created: p.created, Ready: p.ready, Verdict: v}
	}
	own := drill.Observation{
		Route:  drill.Route{Joined: w.joined, Left: !w.joined, Settled: w.settled, Verdict: route.Verdict},
		Signal: w.sample(),
		Things: []string{
			drill.Thing(drill.KindSelector, "app", s.Stable), drill.Thing(drill.KindSelector, "app-canary", s.Canary),
			drill.Thing(drill.KindPods, "app", fmt.Sprint(min(w.pods["v1"].ready, 4))), drill.Thing(drill.KindEndpoints, "app", fmt.Sprint(s.Endpoints)),
		},
	}
	for _, name := range drill.Routes(w.sd) {
		own.Things = append(own.Things, drill.Thing(drill.KindRoute, name, fmt.Sprint(w.joined, w.stray)))
	}
	return seen, own
}

// signal fails from a moment on.
type signal struct{ since time.Time }

func (s signal) Query(_ context.Context, _ string, at time.Time) ([]analysis.Point, error) {
	if s.since.IsZero() {
		return []analysis.Point{{Time: at, Value: 0}}, nil
	}
	return []analysis.Point{{Time: at, Value: 1}}, nil
}

func (s signal) QueryRange(context.Context, string, time.Time, time.Time, time.Duration) ([][]analysis.Point, error) {
	return nil, nil
}

func (s signal) Name() string { return "drill" }

// sample judges the signal as releases are judged, every second.
func (w *world) sample() []verdict.Verdict {
	if !drill.Sampled(w.sd.Status.Drill) {
		w.record, w.tally = analysis.Record{}, v1alpha1.MetricTally{Name: "drill"}
		return nil
	}
	m, s := drill.Signal(w.sd.Spec.Analysis), signal{}
	if !w.silent {
		s.since = drill.FailsSince(w.sd.Status.Drill)
	}
	if last := w.record.Latest.Time; last.IsZero() || w.now.Sub(last) >= time.Second {
		sample := analysis.Take(w.t.Context(), s, m, analysis.Subject{}, w.now)
		w.record, w.tally = w.record.Add(sample), analysis.Count(w.tally, sample)
	}
	return []verdict.Verdict{analysis.Judge(m, w.record, w.tally)}
}

// turn is one reconcile; then the world follows, and time passes.
func (w *world) turn() drill.Decision {
	w.t.Helper()
	seen, own := w.observe()
	in := drill.Input{Object: w.sd, World: seen, Seen: own, Now: w.now, Main: rollout.Decide(rollout.Input{Object: w.sd, Seen: seen, Now: w.now})}
	d := drill.Decide(in)
	for _, law := range broken(in, d) {
		w.t.Fatalf("%s: %s\nwas %+v\nnext %+v\nwant %+v %+v\n%s", w.now.Sub(noon), law, in.Object.Status.Drill, d.Next.Drill, d.Want, d.Drill, w.trace.String())
	}
	w.write(d)
	w.events = append(w.events, d.Events...)
	w.sd.Status = *d.Next.DeepCopy()
	w.pass()
	w.obey(d)
	after := w.tick
	if d.After > 0 && d.After < after {
		after = d.After
	}
	w.now = w.now.Add(after)
	return d
}

// pass is what the cluster does by itself in a tick.
func (w *world) pass() {
	w.service.Endpoints, w.service.CanaryEndpoints = w.pods[w.service.Stable].ready, w.pods[w.service.Canary].ready
	w.settled = true
	for hash, p := range w.pods {
		p.ready, p.created = min(p.created, p.desired), p.desired
		w.pods[hash] = p
	}
}

// obey makes what was wanted so.
func (w *world) obey(d drill.Decision) {
	hash := release.DrillHash("v1")
	if _, there := w.pods[hash]; d.Drill.Start && !there {
		w.pods[hash] = pods{}
	}
	for of, n := range d.Want.Replicas {
		if p, there := w.pods[of]; there {
			p.desired = n
			w.pods[of] = p
		}
	}
	if d.Want.Keep != nil {
		maps.DeleteFunc(w.pods, func(of string, p pods) bool {
			return p.desired == 0 && !strings.Contains(strings.Join(d.Want.Keep, " "), of)
		})
	}
	w.service.Stable, w.service.Canary = d.Want.Stable, d.Want.Canary
	was := w.joined
	switch {
	case d.Drill.Join && len(d.Drill.Routes) > 0:
		w.joined = true
	case d.Drill.Leave, !d.Want.HoldWeight && d.Want.Weight == 0:
		w.joined = false
	}
	w.settled = w.settled && was == w.joined
}

// until lets time pass until something has come about.
func (w *world) until(when func(*v1alpha1.DrillStatus) bool) {
	w.t.Helper()
	for end := w.now.Add(time.Hour); w.sd.Status.Drill == nil || !when(w.sd.Status.Drill); {
		if w.turn(); w.now.After(end) {
			w.t.Fatalf("waited for an hour:\n%s", w.trace.String())
		}
	}
}

func ended(memory *v1alpha1.DrillStatus) bool { return len(memory.Runs) > 0 && !drill.Running(memory) }

func inPhase(phase v1alpha1.Phase) func(*v1alpha1.DrillStatus) bool {
	return func(memory *v1alpha1.DrillStatus) bool {
		return drill.Running(memory) && drill.Phase(memory.Runs[0]) == phase
	}
}

// write adds what was decided to the trace, where it differs from the last line.
func (w *world) write(d drill.Decision) {
	what, why := "no drill", ""
	if memory := d.Next.Drill; memory != nil && len(memory.Runs) > 0 {
		run := memory.Runs[0]
		what, why = fmt.Sprintf("%s %s", run.Result, drill.Phase(run)), run.Reason
		if run.Result != v1alpha1.DrillRunning {
			what = fmt.Sprintf("%s with %d", run.Result, run.Score)
		}
	}
	side := w.pods[release.DrillHash("v1")]
	place := map[bool]string{true: "in route", false: "at rest "}[w.joined]
	line := fmt.Sprintf("%-11s %-20s %s  canary %-8s drill %d/%d  stable %d/%d  %s", d.Next.Rollout.Phase, what, place, w.service.Canary,
		side.ready, side.desired, w.pods["v1"].ready, w.pods["v1"].desired, why)
	if line == w.line {
		return
	}
	w.line = line
	fmt.Fprintf(&w.trace, "%6s  %s\n", w.now.Sub(noon), line)
}

// laws of drills.
func broken(in drill.Input, d drill.Decision) (out []string) {
	hash := release.DrillHash("v1")
	stable := in.World.Sides["v1"]
	running := drill.Running(d.Next.Drill)
	say := func(holds bool, law string) {
		if !holds {
			out = append(out, law)
		}
	}
	say(d.Want.Weight == 0, "users never reach a drill's pods")
	say(d.Want.Stable != hash, "the stable Service never selects a drill")
	if n, named := d.Want.Replicas["v1"]; named && running {
		say(n >= stable.Desired, "the stable side never shrinks while a drill runs")
	}
	say(!d.Drill.Join || in.Seen.Route.Joined || in.World.Sides[hash].Ready > 0, "no place in the routes without a ready pod behind it")
	moves := d.Drill.Join && !in.Seen.Route.Joined || d.Drill.Leave && !in.Seen.Route.Left
	say(!running || !moves || d.Want.Canary == in.World.Service.Canary, "selector and place never change together")
	main := in.Main.Next
	main.Drill, main.Handled.Drill = d.Next.Drill, d.Next.Handled.Drill
	say(fmt.Sprint(main) == fmt.Sprint(d.Next), "the memory of releases is none of a drill's business")
	say(!running || in.Main.Next.Phase == v1alpha1.PhaseSucceeded || in.Main.Next.Phase == v1alpha1.PhaseGating, "a release never waits for a drill")
	if !running {
		say(d.Want.Canary != hash && !d.Drill.Start && !d.Drill.Join && d.Want.Replicas[hash] == 0, "nothing of a drill is wanted once it is over")
		say(d.Want.HoldWeight == in.Main.Want.HoldWeight, "the routes are the release's once a drill is over")
	}
	if again := drill.Decide(in); fmt.Sprintf("%+v", again.Next.Drill) != fmt.Sprintf("%+v", d.Next.Drill) {
		out = append(out, "asked twice, it answers twice the same")
	}
	return out
}

// happen lets something happen that a drill must bear.
func (w *world) happen(rng *rand.Rand) {
	things := []func(){
		func() { w.ask(fmt.Sprint(w.now.Unix())) },
		func() { w.ask(fmt.Sprint(w.now.Unix())) },
		func() { w.sd.Spec.Paused = true },
		func() { w.sd.Spec.Paused = false },
		func() { w.sd.Spec.Paused = false },
		func() { w.pods["v1"] = pods{w.pods["v1"].desired, w.pods["v1"].created, rng.Int32N(5)} },
		func() { w.sd.Spec.Replicas = new(1 + rng.Int32N(8)) },
		func() { w.joined = rng.IntN(2) == 0 },
		func() { w.settled = false },
		func() { w.record, w.tally = analysis.Record{}, v1alpha1.MetricTally{Name: "drill"} }, // the operator starts again
		func() { w.silent = !w.silent },
		func() { w.stray = !w.stray },
		func() { w.sd.Status.Drill = nil },
		func() { w.service.Canary = "v1" },
		func() { w.pods[release.DrillHash("v1")] = pods{} },
		func() { w.sd.Spec.Artifact.Image = testkit.Image([]string{"v1", "v1", "v2"}[rng.IntN(3)]) },
	}
	things[rng.IntN(len(things))]()
}
