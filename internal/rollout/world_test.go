package rollout_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// noon is when every world begins.
var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// A world does as it is told, one tick late: pods take a tick to be created
// and one to be ready, endpoints and gateways follow a tick later.
type world struct {
	t    testing.TB
	sd   *v1alpha1.SignalDeployment
	now  time.Time
	tick time.Duration // the longest sleep; events would wake the operator

	pods    map[string]pods
	service rollout.Service
	route   rollout.Route
	started map[string]bool // checks, by attempt
	reports map[string]bool // by attempt
	stuck   bool            // routes are not written
	blind   bool            // endpoints of new releases are not published
	says    signals
	entry   entry

	script []act
	origin time.Time // of the story
	done   time.Time // when the last act was done
	trace  strings.Builder
	quiet  bool   // no trace is written
	line   string // the last line of the trace, without its time
	last   rollout.Decision
	gone   bool
}

// pods of one release. A ready limit keeps them from all becoming ready.
type pods struct {
	desired, created, ready int32
	limit                   *int32
	verdict                 *verdict.Verdict // instead of what the counts say
}

// signals are what the world says when it is asked.
type signals struct {
	spec, artifact, proof, gate, smoke, metric, alert, route verdict.Verdict
	gates                                                    []verdict.Verdict // beside gate
	opens                                                    metav1.Time
	firing                                                   []string
	deaf                                                     bool // no report gets written
	seal                                                     []verdict.Verdict
	load, split, marks                                       verdict.Verdict
	unsealed                                                 bool // the last look at the registry does not end
}

func newWorld(t testing.TB, change ...func(*v1alpha1.SignalDeployment)) *world {
	return &world{
		t: t, sd: testkit.SignalDeployment(change...), now: noon, tick: 5 * time.Second, origin: noon, done: noon,
		pods: map[string]pods{}, started: map[string]bool{}, reports: map[string]bool{},
		says: signals{
			spec: testkit.Passed(v1alpha1.SignalSpec), artifact: testkit.Passed(v1alpha1.SignalArtifact), proof: testkit.Passed(v1alpha1.SignalArtifact),
			gate: testkit.Passed(v1alpha1.SignalGate), smoke: testkit.Passed(v1alpha1.SignalSmoke),
			metric: testkit.Passed(v1alpha1.SignalMetric), alert: testkit.Passed(v1alpha1.SignalAlert),
			route: testkit.Passed(v1alpha1.SignalRoute), split: testkit.Passed(v1alpha1.SignalWatermark), marks: testkit.Passed(v1alpha1.SignalWatermark),
		},
	}
}

// serving is a world in which v1 serves and v2 has just been asked for.
func serving(t testing.TB, change ...func(*v1alpha1.SignalDeployment)) *world {
	t.Helper()
	w := newWorld(t, change...)
	w.until(phase(v1alpha1.PhaseSucceeded))
	w.run(time.Minute)
	w.now = noon.Add(10 * time.Minute)
	w.origin, w.done = w.now, w.now
	w.trace.Reset()
	ask("v2")(w)
	return w
}

// turn is one reconcile: observe, decide, remember, apply; then time passes.
func (w *world) turn() rollout.Decision {
	w.t.Helper()
	w.act()
	in := rollout.Input{Object: w.sd, Seen: w.observe(), Now: w.now}
	d := rollout.Decide(in)
	for _, law := range broken(in, d) {
		was, next := w.sd.Status, d.Next
		was.Rollout.Verdicts, was.Rollout.Timeline, next.Rollout.Verdicts, next.Rollout.Timeline = nil, nil, nil, nil
		w.t.Fatalf("%s: %s\nseen %+v\nwas %+v\nnext %+v\nwant %+v\n%s", w.clock(), law, in.Seen, was, next, d.Want, w.trace.String())
	}
	if !w.quiet {
		w.write(in.Seen, d)
	}
	w.last = d
	w.sd.Status = *d.Next.DeepCopy()
	w.pass()
	w.obey(d.Want)
	w.now = w.now.Add(w.sleep(d.After))
	return d
}

func (w *world) sleep(after time.Duration) time.Duration {
	if after > 0 {
		return min(after, w.tick)
	}
	return w.tick
}

// run lets time pass, or the object go.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); w.now.Before(end) && !w.gone; {
		w.turn()
	}
}

// until lets time pass until something has come about.
func (w *world) until(when func(*world) bool) {
	w.t.Helper()
	for end := w.now.Add(3 * time.Hour); !when(w); {
		if w.turn(); w.now.After(end) {
			w.t.Fatalf("waited for hours; it is %s now:\n%s", w.sd.Status.Rollout.Message, w.trace.String())
		}
	}
}

// observe is what the corridor would have seen in this phase.
func (w *world) observe() rollout.Observation {
	s, run := w.says, w.sd.Status.Rollout
	seen := rollout.Observation{
		Spec: s.spec, Gates: append([]verdict.Verdict{s.gate}, s.gates...), Opens: s.opens, Service: w.reach(), Route: w.read(run.Plan.Routes), Sides: map[string]rollout.Side{},
		Preview:  rollout.Preview{Present: w.entry.release != ""},
		Reported: w.sd.Status.Candidate != nil && !run.EndTime.IsZero() && w.reports[w.attempt()],
	}
	if s.spec.Outcome == verdict.Passed {
		seen.Asked = "asks-" + version(w.sd)
	}
	for hash, p := range w.pods {
		seen.Sides[hash] = rollout.Side{Desired: p.desired, Created: p.created, Ready: p.ready, Verdict: p.say(), Proof: w.says.proof}
	}
	w.listen(&seen)
	return seen
}

// listen asks the signals that the phase listens to.
func (w *world) listen(seen *rollout.Observation) {
	s, run := w.says, w.sd.Status.Rollout
	seen.Load = s.load
	switch run.Phase {
	case v1alpha1.PhaseResolving:
		if seen.Asked != w.sd.Status.Candidate.Asked {
			return
		}
		seen.Artifact = []verdict.Verdict{s.artifact}
		if s.artifact.Outcome == verdict.Passed {
			seen.Hash = strings.TrimSuffix(version(w.sd), "-again") // another tag of the same image
			seen.Digest = "sha256:" + seen.Hash
		}
	case v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver, v1alpha1.PhaseVerifying:
		for _, metric := range w.sd.Spec.Analysis.Metrics {
			seen.Metrics = append(seen.Metrics, verdict.Named(s.metric, metric.Name))
		}
		w.verify(seen)
		w.mark(seen)
		w.watch(seen)
	case v1alpha1.PhaseChecking:
		w.check(seen)
		w.mark(seen)
		w.watch(seen)
	case v1alpha1.PhaseGating, v1alpha1.PhaseStaging:
		w.watch(seen)
	case v1alpha1.PhaseSettling:
		seen.Seal, seen.Sealed = s.seal, !s.unsealed
	}
}

func (w *world) watch(seen *rollout.Observation) {
	seen.Alerts = []verdict.Verdict{w.says.alert}
	seen.Firing, seen.Heard = w.says.firing, w.says.alert.Outcome != verdict.Unknown
}

func (w *world) read(routes []string) rollout.Route {
	if len(routes) == 0 {
		return rollout.Route{Settled: true, Verdict: verdict.Pass(v1alpha1.SignalRoute, "NoRoutes", "No route is driven")}
	}
	route := w.route
	route.Verdict = w.says.route
	switch {
	case w.says.route.Outcome != verdict.Passed:
		route.Settled = false
	case !route.Settled:
		route.Verdict = verdict.Wait(v1alpha1.SignalRoute, "NotAccepted", "The gateway has not accepted route %s", routes[0])
	}
	return route
}

// reach counts endpoints; the dead are gone at once, the new come by pass.
func (w *world) reach() rollout.Service {
	s := w.service
	s.Endpoints = min(s.Endpoints, w.pods[s.Stable].ready)
	s.CanaryEndpoints = min(s.CanaryEndpoints, w.pods[s.Canary].ready)
	if w.blind {
		s.CanaryEndpoints = 0
	}
	return s
}

func (p pods) say() verdict.Verdict {
	switch {
	case p.verdict != nil:
		return *p.verdict
	case p.ready < p.desired:
		return verdict.Wait(v1alpha1.SignalWorkload, "NotReady", "%d of %d pods are ready", p.ready, p.desired)
	}
	return verdict.Pass(v1alpha1.SignalWorkload, "Ready", "All %d pods are ready", p.desired)
}

// takes is the share of the traffic that may reach a release.
func (w *world) takes(hash string) int32 {
	return facts{seen: rollout.Observation{Service: w.service, Route: w.route}}.takes(hash)
}

// pass is what the cluster does by itself in a tick.
func (w *world) pass() {
	w.service.Endpoints = w.pods[w.service.Stable].ready
	w.service.CanaryEndpoints = w.pods[w.service.Canary].ready
	w.entry.accepted = w.entry.release
	w.route.Settled = w.route.Weight == w.route.Lowest
	for hash, p := range w.pods {
		p.ready = p.created
		if p.limit != nil {
			p.ready = min(p.ready, *p.limit)
		}
		p.created = p.desired
		p.ready = min(p.ready, p.created)
		w.pods[hash] = p
	}
}

// obey makes what was wanted so.
func (w *world) obey(want rollout.Want) {
	if start := want.Start; start != nil && start.Asked == "asks-"+version(w.sd) {
		if _, there := w.pods[start.Hash]; !there {
			w.pods[start.Hash] = pods{}
		}
	}
	for _, rel := range want.Mend {
		if _, there := w.pods[rel.Hash]; !there {
			w.pods[rel.Hash] = pods{}
		}
	}
	for hash, n := range want.Replicas {
		if p, there := w.pods[hash]; there {
			p.desired = n
			w.pods[hash] = p
		}
	}
	if want.Keep != nil {
		maps.DeleteFunc(w.pods, func(hash string, _ pods) bool { return !contains(want.Keep, hash) })
	}
	if want.Stable != w.service.Stable {
		w.entry.selections++
		w.service.Stable, w.service.Endpoints = want.Stable, 0
	}
	if want.Canary != w.service.Canary {
		w.service.Canary, w.service.CanaryEndpoints = want.Canary, 0
	}
	w.move(want)
	w.checked(want)
	w.measure(want)
	if want.Report && !w.says.deaf {
		w.reports[w.attempt()] = true
	}
	w.gone = want.Leave
}
