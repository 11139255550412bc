package rollout_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// An act is done once, when its time has come and the acts before it are done.
type act struct {
	when func(*world) bool
	do   func(*world)
}

func (w *world) act() {
	for len(w.script) > 0 && w.script[0].when(w) {
		w.script[0].do(w)
		w.script, w.done = w.script[1:], w.now
	}
}

// phase has been reached.
func phase(p v1alpha1.Phase) func(*world) bool {
	return func(w *world) bool { return w.sd.Status.Rollout.Phase == p }
}

// step of the plan is at its weight.
func step(name string) func(*world) bool {
	return func(w *world) bool {
		r := w.sd.Status.Rollout
		return r.Phase == v1alpha1.PhaseProgressing && r.Plan.Steps[r.Step].Name == name && w.route.Weight == r.Plan.Steps[r.Step].Weight
	}
}

// move of the cutover has begun.
func move(m v1alpha1.CutoverMove) func(*world) bool {
	return func(w *world) bool {
		return w.sd.Status.Rollout.Phase == v1alpha1.PhaseCuttingOver && w.sd.Status.Rollout.Move == m
	}
}

// reason is given.
func reason(r string) func(*world) bool {
	return func(w *world) bool { return w.sd.Status.Rollout.Reason == r }
}

// later than the act before.
func later(d time.Duration) func(*world) bool {
	return func(w *world) bool { return !w.now.Before(w.done.Add(d)) }
}

// ended with everything reported and drained.
func ended(w *world) bool {
	return !w.sd.Status.Rollout.EndTime.IsZero() && w.reports[w.attempt()] && len(w.sd.Status.Draining) == 0
}

// rests with this release as the latest.
func rests(hash string) func(*world) bool {
	return both(ended, func(w *world) bool { return w.sd.Status.Candidate.Hash == hash })
}

func both(a, b func(*world) bool) func(*world) bool {
	return func(w *world) bool { return a(w) && b(w) }
}

func ask(v string) func(*world) {
	return func(w *world) { w.sd.Spec.Artifact.Image, w.sd.Generation = testkit.Image(v), w.sd.Generation+1 }
}

func pause(w *world) { w.sd.Spec.Paused = true }

func unpause(w *world) { w.sd.Spec.Paused = false }

func replicas(n int32) func(*world) { return func(w *world) { w.sd.Spec.Replicas = &n } }

func say(change func(*signals)) func(*world) { return func(w *world) { change(&w.says) } }

func alertFires(w *world) {
	w.says.alert, w.says.firing = testkit.Failed(v1alpha1.SignalAlert, "AlertFiring"), []string{"HighErrorRate"}
}

func alertEnds(w *world) { w.says.alert, w.says.firing = testkit.Passed(v1alpha1.SignalAlert), nil }

func silence(w *world) { w.says.metric = testkit.Unknown(v1alpha1.SignalMetric) }

func heardAgain(w *world) { w.says.metric = testkit.Passed(v1alpha1.SignalMetric) }

// request annotates; %s in the value is the candidate's id.
func request(annotation, value string) func(*world) {
	return func(w *world) {
		metav1.SetMetaDataAnnotation(&w.sd.ObjectMeta, annotation, strings.ReplaceAll(value, "%s", w.sd.Status.Candidate.ID))
	}
}

// remove deletes the object.
func remove(w *world) { w.sd.DeletionTimestamp = &metav1.Time{Time: w.now} }

// limit lets no more than n pods of a release be ready.
func limit(hash string, n int32) func(*world) {
	return func(w *world) {
		p := w.pods[hash]
		p.limit, p.ready = &n, min(p.ready, n)
		w.pods[hash] = p
	}
}

// heal lets all pods of a release be ready.
func heal(hash string) func(*world) {
	return func(w *world) {
		p := w.pods[hash]
		p.limit, p.verdict = nil, nil
		w.pods[hash] = p
	}
}

// crash makes the pods of a release crash.
func crash(hash string) func(*world) {
	return func(w *world) {
		limit(hash, 0)(w)
		p := w.pods[hash]
		p.verdict = new(verdict.Fail(v1alpha1.SignalWorkload, "CrashLoopBackOff", "Container app of release %s crashes", hash))
		w.pods[hash] = p
	}
}

// overwrite puts the routes as they are in Git.
func overwrite(w *world) {
	w.route.Weight, w.route.Lowest, w.route.Sibling, w.route.Settled = 0, 0, false, true
}

func version(sd *v1alpha1.SignalDeployment) string {
	return sd.Spec.Artifact.Image[strings.LastIndex(sd.Spec.Artifact.Image, ":")+1:]
}

// stepOf names the step of the attempt.
func (w *world) stepOf() string {
	return fmt.Sprintf("%s/%d", w.attempt(), w.sd.Status.Rollout.Step)
}

// attempt names the candidate's attempt.
func (w *world) attempt() string {
	c := w.sd.Status.Candidate
	return fmt.Sprintf("%s/%s/%d", c.Asked, c.Hash, c.Attempt)
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }
