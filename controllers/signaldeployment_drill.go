package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/rollout/drill"
	"github.com/signal-delivery/operator/internal/traffic/gatewayapi"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/internal/workload"
)

// drill makes room for a rehearsal in what was decided of the release. Only
// where one is under way, or asked for, is anything read.
func (r *SignalDeploymentReconciler) drill(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world, decision rollout.Decision) (rollout.Decision, error) {
	now, in := r.Clock.Now(), drill.Input{Object: sd, Main: decision, World: w.Observation}
	in.Now = now
	memory := sd.Status.Drill
	if memory != nil && len(memory.Before) > 0 || drill.Wanted(sd, now) {
		var err error
		if in.Seen, err = r.observeDrill(ctx, sd, w, now); err != nil {
			return decision, err
		}
	}
	d := drill.Decide(in)
	if w.drill = d.Drill; w.drill.Signal {
		next := nextBeat(r.minds.of(client.ObjectKeyFromObject(sd)).drilled.latest(), now, interval(sd))
		if d.After == 0 || next < d.After {
			d.After = next
		}
	}
	return d.Decision, nil
}

// observeDrill reads what only a drill has to see.
func (r *SignalDeploymentReconciler) observeDrill(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world, now time.Time) (seen drill.Observation, err error) {
	begun := now
	if drill.Running(sd.Status.Drill) {
		begun = sd.Status.Drill.Runs[0].Moments[0].Time.Time
	}
	routes := drill.Routes(sd)
	seen.Route, err = r.observePlace(ctx, sd, routes)
	if err != nil {
		return seen, err
	}
	if seen.Things, err = r.observeThings(ctx, sd, w, routes, begun); err != nil {
		return seen, err
	}
	seen.Signal = r.fail(ctx, sd, now)
	return seen, nil
}

// observePlace reads whether the routes name the canary Service.
func (r *SignalDeploymentReconciler) observePlace(ctx context.Context, sd *v1alpha1.SignalDeployment, routes []string) (drill.Route, error) {
	place := drill.Route{Joined: true, Left: true, Settled: true, Verdict: verdict.Pass(v1alpha1.SignalRoute, "NoRoutes", "No route is driven")}
	if r.Router == nil {
		return place, nil
	}
	for _, name := range routes {
		reading, err := r.Router.Read(ctx, sd, []string{name})
		if err != nil {
			return place, err
		}
		place.Joined, place.Left = place.Joined && reading.Sibling, place.Left && !reading.Sibling
		place.Settled, place.Weight = place.Settled && reading.Settled, max(place.Weight, reading.Weight)
		if place.Verdict.Outcome == verdict.Passed {
			place.Verdict = reading.Verdict
		}
	}
	return place, nil
}

// observeThings reads what a drill must leave as it was. Pods that came later
// do not count: an autoscaler may add some.
func (r *SignalDeploymentReconciler) observeThings(ctx context.Context, sd *v1alpha1.SignalDeployment, w *world, routes []string, begun time.Time) ([]string, error) {
	var things []string
	for _, name := range routes {
		object := gatewayapi.Object()
		found, err := r.find(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: name}, object)
		if err != nil || !found {
			return nil, err
		}
		things = append(things, drill.Thing(drill.KindRoute, name, sum(object.GetAnnotations(), object.GetLabels(), object.Object["spec"])))
	}
	for _, name := range []string{release.StableName(sd.Name), release.CanaryName(sd.Name)} {
		service := &corev1.Service{}
		if _, err := r.find(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: name}, service); err != nil {
			return nil, err
		}
		things = append(things, drill.Thing(drill.KindSelector, name, service.Spec.Selector[v1alpha1.LabelRelease]+" "+sum(service.Spec.Selector)))
	}
	sides, err := workload.Read(ctx, r, sd)
	if err != nil || sd.Status.Stable == nil {
		return nil, err
	}
	var ready []string
	for _, pod := range sides[sd.Status.Stable.Hash].Pods {
		if isReady(&pod) && begun.Sub(pod.CreationTimestamp.Time) >= time.Second { // a creation has whole seconds
			ready = append(ready, pod.Name)
		}
	}
	return append(things,
		drill.Thing(drill.KindPods, sd.Name, fmt.Sprintf("%d ready: %s", len(ready), sum(ready))),
		drill.Thing(drill.KindEndpoints, sd.Name, fmt.Sprint(w.Service.Endpoints)),
	), nil
}

// sum is a hash of what was read.
func sum(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(fmt.Sprintf("controllers: encode %T: %v", values, err)) // it was decoded from JSON
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(text))
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// drilled are the samples of the signal that fails.
type drilled struct {
	mu     sync.Mutex
	of     time.Time // when the drill began
	record analysis.Record
	tally  v1alpha1.MetricTally
}

func (s *drilled) latest() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.Latest.Time
}

// fail samples the signal that fails, as often as those that judge releases,
// and judges it as they are.
func (r *SignalDeploymentReconciler) fail(ctx context.Context, sd *v1alpha1.SignalDeployment, now time.Time) []verdict.Verdict {
	if !drill.Sampled(sd.Status.Drill) {
		return nil
	}
	s := r.minds.of(client.ObjectKeyFromObject(sd)).drilled
	s.mu.Lock()
	defer s.mu.Unlock()
	metric, begun := drill.Signal(sd.Spec.Analysis), sd.Status.Drill.Runs[0].Moments[0].Time.Time
	if !s.of.Equal(begun) {
		s.of, s.record, s.tally = begun, analysis.Record{}, v1alpha1.MetricTally{Name: metric.Name}
	}
	latest := s.record.Latest.Time
	if latest.IsZero() || now.Before(latest) || now.Sub(latest) >= interval(sd)*9/10 { // as analysis.History has it
		source := failing{since: drill.FailsSince(sd.Status.Drill)}
		sample := analysis.Take(ctx, source, metric, analysis.Subject{Namespace: sd.Namespace, Name: sd.Name, Since: begun, Interval: interval(sd)}, now)
		s.record, s.tally = s.record.Add(sample), analysis.Count(s.tally, sample)
	}
	return []verdict.Verdict{analysis.Judge(metric, s.record, s.tally)}
}

// failing is a metric server on which everything fails from a moment on.
type failing struct{ since time.Time }

var _ analysis.Source = failing{}

// Query answers with one once it fails, and with zero before.
func (f failing) Query(_ context.Context, _ string, at time.Time) ([]analysis.Point, error) {
	value := 1.0
	if f.since.IsZero() {
		value = 0
	}
	return []analysis.Point{{Time: at, Value: value}}, nil
}

// QueryRange answers like Query.
func (f failing) QueryRange(ctx context.Context, query string, _, to time.Time, _ time.Duration) ([][]analysis.Point, error) {
	points, err := f.Query(ctx, query, to)
	return [][]analysis.Point{points}, err
}

// Name says that nothing real was asked.
func (failing) Name() string { return "rollback drill" }

// applyDrill starts the drill's pods, and gives or takes its place in the
// routes: a place without weight.
func (r *SignalDeploymentReconciler) applyDrill(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	var problems []error
	switch {
	case r.Router == nil || len(w.drill.Routes) == 0:
	case w.drill.Join:
		problems = append(problems, r.Router.Write(ctx, sd, w.drill.Routes, 0))
	case w.drill.Leave:
		problems = append(problems, r.Router.Rest(ctx, sd, w.drill.Routes))
	}
	if w.drill.Start && d.Next.Stable != nil {
		problems = append(problems, workload.Drill(ctx, r, sd, *d.Next.Stable, d.Want.Replicas[release.DrillHash(d.Next.Stable.Hash)]))
	}
	return errors.Join(problems...)
}
