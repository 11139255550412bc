package rollout_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// The numbers are those of the failure modes that hurt users of other
// operators.

func TestFailureMode01PodsGoBeforeTheTrafficDoes(t *testing.T) {
	w := serving(t)
	w.until(step("half"))
	w.blind = true
	for range 20 {
		w.turn()
		if w.route.Weight != 50 || w.pods["v1"].desired != 4 {
			t.Fatalf("without endpoints, the weight is %d and v1 has %d pods", w.route.Weight, w.pods["v1"].desired)
		}
	}
	w.blind = false
	outlives(t, w, "v1")
}

// outlives checks that the pods of a release are kept until 30 s after the
// last traffic could have reached them.
func outlives(t *testing.T, w *world, hash string) {
	t.Helper()
	full, last := w.pods[hash].desired, w.now
	w.until(func(w *world) bool {
		if w.takes(hash) > 0 {
			last = w.now
		}
		return w.pods[hash].desired < full
	})
	if kept := w.now.Sub(last); kept < 30*time.Second {
		t.Errorf("the pods of %s went %s after their traffic", hash, kept)
	}
}

func TestFailureMode02SelectorAndWeightMoveTogether(t *testing.T) {
	w := serving(t)
	for !phase(v1alpha1.PhaseSucceeded)(w) {
		service, route := w.reach(), w.route
		w.turn()
		if w.service.Stable != service.Stable && (w.route.Weight != route.Weight || w.route.Weight != 100 || w.pods["v2"].ready < 4) {
			t.Errorf("%s: the selector moves while the weight goes from %d to %d and v2 has %d pods", w.clock(), route.Weight, w.route.Weight, w.pods["v2"].ready)
		}
		if w.route.Weight > route.Weight && service.CanaryEndpoints < 1 {
			t.Errorf("%s: the weight rises to %d on no endpoint", w.clock(), w.route.Weight)
		}
	}
}

func TestFailureMode03SupersededPodsOutliveTheWeight(t *testing.T) {
	w := serving(t)
	w.until(step("half"))
	ask("v3")(w)
	outlives(t, w, "v2")
}

func TestFailureMode04And05AnUndersizedStableIsOverwhelmed(t *testing.T) {
	for name, trouble := range map[string]func(*world){"superseded": ask("v3"), "rolled back": alertFires, "aborted": request(v1alpha1.AnnotationAbort, "now")} {
		t.Run(name, func(t *testing.T) {
			w := serving(t)
			w.until(both(move(v1alpha1.MoveWeight), weighs(100)))
			for ready := range int32(5) {
				limit("v1", ready)(w)
				trouble(w)
				w.run(30 * time.Second)
				if gets := 100 - w.route.Weight; gets != 25*ready {
					t.Errorf("v1 gets %d %% on %d of 4 pods", gets, ready)
				}
			}
		})
	}
}

// Without routes, all or nothing goes back.
func TestFailureMode05AnUndersizedStableIsOverwhelmedWithoutRoutes(t *testing.T) {
	for name, tc := range map[string]struct {
		stable    int32 // ready pods
		candidate int32
		wait      time.Duration
		want      string
	}{
		"some stable pods":                    {3, 4, time.Minute, "v2"},
		"all stable pods":                     {4, 4, time.Minute, "v1"},
		"some stable pods, candidate is dead": {1, 0, time.Minute, "v1"},
		"both dead":                           {0, 0, time.Minute, "v2"},
		"some stable pods for too long":       {3, 4, 6 * time.Minute, "v1"},
		"no stable pod for too long":          {0, 4, 6 * time.Minute, "v2"},
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, unrouted)
			w.until(phase(v1alpha1.PhaseVerifying))
			limit("v1", tc.stable)(w)
			limit("v2", tc.candidate)(w)
			alertFires(w)
			w.run(tc.wait)
			if w.service.Stable != tc.want {
				t.Errorf("%s serves, want %s", w.service.Stable, tc.want)
			}
		})
	}
}

func TestFailureMode06AbortsWaitInACircle(t *testing.T) {
	for name, when := range map[string]func(*world) bool{
		"first": step("first"), "quarter": step("quarter"), "half": step("half"), "Weight": move(v1alpha1.MoveWeight),
		"Select": move(v1alpha1.MoveSelect), "Return": move(v1alpha1.MoveReturn), "Verifying": phase(v1alpha1.PhaseVerifying),
	} {
		for _, change := range []func(*v1alpha1.SignalDeployment){func(*v1alpha1.SignalDeployment) {}, manual} {
			for _, paused := range []bool{false, true} {
				w := serving(t, change)
				w.until(when)
				w.sd.Spec.Paused = paused
				request(v1alpha1.AnnotationAbort, "now")(w)
				w.run(30 * time.Second)
				if !phase(v1alpha1.PhaseRolledBack)(w) || w.route.Weight > 0 || w.service.Stable != "v1" {
					t.Errorf("aborted at %s, paused %t: %s, %d %%, %s serves", name, paused, w.sd.Status.Phase, w.route.Weight, w.service.Stable)
				}
			}
		}
	}
}

func TestFailureMode08SelectorsFlapAfterAnAbort(t *testing.T) {
	w := serving(t, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy.DrainSeconds = new(int32(0)) })
	w.until(step("half"))
	request(v1alpha1.AnnotationAbort, "now")(w)
	w.until(rests("v2"))
	w.run(10 * time.Second)
	want := w.last.Want
	for range 50 {
		if diff := gocmp.Diff(want, w.turn().Want); diff != "" {
			t.Fatal("at rest:", diff)
		}
	}
}

func TestFailureMode09ReplicasChangeUnderWay(t *testing.T) {
	w := serving(t)
	sizes, had := []int32{7, 1, 4, 12, 2}, map[string]int32{}
	for i := 0; !phase(v1alpha1.PhaseSettling)(w); i++ {
		replicas(sizes[i%len(sizes)])(w)
		w.turn()
		for hash, p := range w.pods {
			if p.desired < had[hash] {
				t.Fatalf("%s: %s shrinks from %d to %d pods", w.clock(), hash, had[hash], p.desired)
			}
			had[hash] = p.desired
		}
		if w.reach().Endpoints < 4 && w.route.Weight == 0 && phase(v1alpha1.PhaseProgressing)(w) {
			t.Fatalf("%s: %d endpoints serve", w.clock(), w.reach().Endpoints)
		}
	}
	if had["v1"] != 12 || had["v2"] != 12 {
		t.Errorf("the sides rose to %v", had)
	}
}

func TestFailureMode12RollbackInTheWrongOrder(t *testing.T) {
	w := serving(t)
	w.until(both(move(v1alpha1.MoveSelect), selects("v2")))
	alertFires(w)
	var order []string
	for range 30 {
		selector, weight, pods := w.service.Stable, w.route.Weight, w.pods["v2"].desired
		w.turn()
		for what, changed := range map[string]bool{"selector": w.service.Stable != selector, "weight": w.route.Weight != weight, "pods": w.pods["v2"].desired != pods} {
			if changed {
				order = append(order, what)
			}
		}
	}
	if diff := gocmp.Diff([]string{"selector", "weight", "pods"}, order); diff != "" {
		t.Error(diff)
	}
}
