package rollout_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
)

// Someone may point the Service at a release of old by hand: its pods stay
// until the traffic has left them.
func TestSomeonePointsTheServiceElsewhere(t *testing.T) {
	for name, tc := range map[string]struct {
		stable  int32 // ready pods of the stable release
		selects string
	}{
		"and is corrected": {4, "v1"},
		"and is not left for pods that are not ready": {0, "v0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t)
			ask("v1")(w)
			w.run(10 * time.Second)
			w.pods["v0"] = pods{desired: 4, created: 4, ready: 4}
			w.service.Stable = "v0"
			limit("v1", tc.stable)(w)
			d := w.turn()
			if d.Want.Stable != tc.selects || !slices.Contains(d.Want.Keep, "v0") {
				t.Errorf("selects %s and keeps %v", d.Want.Stable, d.Want.Keep)
			}
			if n, named := d.Want.Replicas["v0"]; named {
				t.Errorf("v0 takes traffic and is to have %d pods", n)
			}
			heal("v1")(w)
			w.run(time.Minute)
			if w.service.Stable != "v1" || w.pods["v0"].desired != 0 {
				t.Errorf("at last, %s serves and v0 has %d pods", w.service.Stable, w.pods["v0"].desired)
			}
		})
	}
}

// What someone did to the stable side is put back, and told once.
func TestDriftOfTheStableSideIsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		until func(*world) bool
		do    func(*world)
		tells string
	}{
		"the Service selects what was never released": {rests("v2"), func(w *world) { w.service.Stable = "v9" }, "Someone made Service app select release v9: it is pointed back at v2-prod"},
		"the Service selects nothing":                 {rests("v2"), func(w *world) { w.service.Stable = "" }, "Someone made Service app select no release: it is pointed back at v2-prod"},
		"the Service selects the candidate too early": {step("first"), func(w *world) { w.service.Stable = "v2" }, "Someone made Service app select release v2: it is pointed back at v1-prod"},
		"the Deployment is deleted":                   {rests("v2"), func(w *world) { delete(w.pods, "v2") }, "Someone deleted the Deployment of v2-prod"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t)
			w.until(tc.until)
			tc.do(w)
			w.run(2 * time.Minute)
			var told []string
			for _, v := range w.sd.Status.Rollout.Verdicts {
				if v.Reason == "DriftCorrected" {
					told = append(told, v.Message)
				}
			}
			if len(told) != 1 || !strings.HasPrefix(told[0], tc.tells) {
				t.Errorf("told %q, want %q", told, tc.tells)
			}
			if stable := w.sd.Status.Stable.Hash; w.service.Stable != stable || w.pods[stable].ready == 0 {
				t.Errorf("at last %s is selected, and the stable release has %d pods", w.service.Stable, w.pods[stable].ready)
			}
		})
	}
}

// A rollout moves the selector itself, forth and back, which is no drift.
func TestARolloutIsNoDrift(t *testing.T) {
	for name, fails := range map[string]bool{"forth": false, "and back": true} {
		t.Run(name, func(t *testing.T) {
			w := serving(t)
			w.until(phase(v1alpha1.PhaseVerifying))
			if fails {
				say(func(s *signals) { s.metric = testkit.Failed(v1alpha1.SignalMetric, "errors") })(w)
			}
			w.until(func(w *world) bool { return rests("v2")(w) || phase(v1alpha1.PhaseRolledBack)(w) })
			if got := phase(v1alpha1.PhaseRolledBack)(w); got != fails {
				t.Fatalf("rolled back %t", got)
			}
			for _, v := range w.sd.Status.Rollout.Verdicts {
				if v.Reason == "DriftCorrected" {
					t.Errorf("told as drift: %s", v.Message)
				}
			}
		})
	}
}

func TestASelectorIsCorrectedBeforeTheWeightMoves(t *testing.T) {
	w := serving(t)
	w.until(step("first"))
	w.run(61 * time.Second)
	w.pods["v0"] = pods{desired: 4, created: 4, ready: 4}
	w.service.Stable = "v0"
	d := w.turn()
	if d.Next.Step != "2/3" || d.Want.Stable != "v1" || !d.Want.HoldWeight {
		t.Errorf("step %s, selects %s, holds %t", d.Next.Step, d.Want.Stable, d.Want.HoldWeight)
	}
	if d = w.turn(); d.Want.HoldWeight || d.Want.Weight != 25 {
		t.Errorf("wants %d %%, holds %t", d.Want.Weight, d.Want.HoldWeight)
	}
}

func TestADeletionDoesNotWaitForEver(t *testing.T) {
	w := serving(t)
	w.until(step("half"))
	limit("v1", 0)(w)
	remove(w)
	end := w.now.Add(5 * time.Minute)
	for w.now.Before(end) {
		before := w.now
		d := w.turn()
		if d.Want.Leave || w.route.Weight != 50 {
			t.Fatalf("%s: lets go with %d %% on the canary", w.clock(), w.route.Weight)
		}
		if d.After == 0 || before.Add(d.After).After(end) {
			t.Fatalf("%s: wakes after %s", w.clock(), d.After)
		}
		w.now = before.Add(d.After)
	}
	w.run(20 * time.Second)
	if !w.gone || w.route.Weight != 0 {
		t.Errorf("gone %t with %d %% on the canary", w.gone, w.route.Weight)
	}
}

// While the object goes, nothing is started, checked, scaled or retired.
func TestADeletionTouchesNothing(t *testing.T) {
	w := serving(t)
	for !rests("v2")(w) {
		w.turn()
		going := w.clone()
		remove(going)
		want := going.turn().Want
		if want.Start != nil || want.Check || want.Report || want.Keep != nil || want.Replicas != nil || want.Stable != w.service.Stable {
			t.Fatalf("in %s: %+v", w.sd.Status.Phase, want)
		}
	}
}

// Every phase that needs pods needs a release to have them.
func TestAMemoryWithoutAHashStartsNothing(t *testing.T) {
	for _, p := range phases {
		sd := testkit.SignalDeployment()
		sd.Status.Candidate = new(testkit.Release("v2", func(r *v1alpha1.Release) { r.Hash = "" }))
		sd.Status.Rollout = v1alpha1.RolloutStatus{Phase: p, SinceTime: metav1.NewTime(noon), Plan: v1alpha1.Plan{Steps: sd.Spec.Strategy.Steps}}
		d := rollout.Decide(rollout.Input{Object: sd, Now: noon})
		if d.Want.Start != nil || len(d.Want.Replicas) > 0 {
			t.Errorf("%s: %+v", p, d.Want)
		}
	}
}

// The pods of a good release that is asked for again are kept warm while the
// routes are being cleared.
func TestARecentReleaseStaysWarmWhileItWaits(t *testing.T) {
	w := serving(t)
	w.until(phase(v1alpha1.PhaseSettling))
	ask("v1")(w)
	say(func(s *signals) { s.route = testkit.Unknown(v1alpha1.SignalRoute) })(w)
	w.run(2 * time.Minute)
	if !phase(v1alpha1.PhasePending)(w) || w.pods["v1"].ready != 4 {
		t.Errorf("in %s, v1 has %d pods", w.sd.Status.Phase, w.pods["v1"].ready)
	}
}
