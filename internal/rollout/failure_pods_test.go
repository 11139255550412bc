package rollout_test

import (
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
)

func TestFailureMode13TheCandidateBreaksAfterItsPromotion(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.SignalDeployment){"routes": func(*v1alpha1.SignalDeployment) {}, "no routes": unrouted} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, change)
			w.until(phase(v1alpha1.PhaseVerifying))
			crash("v2")(w)
			w.run(20 * time.Second)
			if w.service.Stable != "v1" || w.reach().Endpoints != 4 || w.route.Weight != 0 {
				t.Errorf("%s serves on %d endpoints, %d %% elsewhere", w.service.Stable, w.reach().Endpoints, w.route.Weight)
			}
		})
	}
}

func TestFailureMode14TheCandidateGoesBeforeTheStableIsBack(t *testing.T) {
	w := serving(t)
	w.until(step("half"))
	limit("v1", 0)(w)
	alertFires(w)
	w.run(20 * time.Minute)
	if w.pods["v2"].ready != 2 || w.route.Weight != 50 {
		t.Errorf("while v1 has no pods, v2 has %d and %d %%", w.pods["v2"].ready, w.route.Weight)
	}
	heal("v1")(w)
	outlives(t, w, "v2")
	if w.route.Weight != 0 || w.reach().Endpoints != 4 {
		t.Errorf("v1 is back with %d endpoints, and v2 keeps %d %%", w.reach().Endpoints, w.route.Weight)
	}
}

// A deletion at every moment leaves the Service with endpoints.
func TestFailureMode16DeletionLeavesAGap(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.SignalDeployment){"routes": func(*v1alpha1.SignalDeployment) {}, "no routes": unrouted} {
		t.Run(name, func(t *testing.T) {
			w := serving(t, change)
			for !rests("v2")(w) {
				w.turn()
				going := w.clone()
				remove(going)
				for turns := 0; !going.gone; turns++ {
					going.turn()
					if going.pods[going.service.Stable].ready < 4 || turns > 20 {
						t.Fatalf("deleted in %s: %d pods of %s after %d turns", w.sd.Status.Phase, going.pods[going.service.Stable].ready, going.service.Stable, turns)
					}
				}
				if going.route.Weight > 0 || going.route.Sibling {
					t.Fatalf("deleted in %s: gone with %d %% on the canary", w.sd.Status.Phase, going.route.Weight)
				}
			}
		})
	}
}

func TestFailureMode17AClosedGateRoutesTraffic(t *testing.T) {
	w := serving(t)
	w.says.gate = testkit.Unknown(v1alpha1.SignalGate)
	w.until(phase(v1alpha1.PhaseGating))
	w.tick = time.Minute
	for range 600 {
		if d := w.turn(); d.Want.Weight != 0 || d.Want.Start != nil || w.pods["v2"].desired != 0 || d.Next.Phase != v1alpha1.PhaseGating {
			t.Fatalf("%s: %+v", d.Next.Phase, d.Want)
		}
	}
	if got := w.sd.Status.Reason; got != "GateSilent" {
		t.Errorf("the status says %s", got)
	}
	w.says.gate, w.tick = testkit.Passed(v1alpha1.SignalGate), 5*time.Second
	w.until(rests("v2"))
	if !phase(v1alpha1.PhaseSucceeded)(w) {
		t.Errorf("ends %s once the gate is open", w.sd.Status.Phase)
	}
}

func TestFailureMode18StatusAndRouteDisagree(t *testing.T) {
	w := serving(t)
	w.script = []act{{phase(v1alpha1.PhaseVerifying), alertFires}}
	most := int32(0)
	for !rests("v2")(w) {
		want := w.route.Weight
		if w.service.Stable == "v2" { // both Services select it
			want = 100
		}
		if d := w.turn(); d.Next.Weight != want && d.Next.Candidate.Hash == "v2" {
			t.Fatalf("%s in %s: status says %d %%, the route %d %%", w.clock(), d.Next.Phase, d.Next.Weight, want)
		}
		most = max(most, w.sd.Status.Weight)
	}
	if most != 100 || w.sd.Status.Weight != 0 {
		t.Errorf("the weight rose to %d and ended at %d", most, w.sd.Status.Weight)
	}
}

func TestFailureMode26DeadlinesAreIgnored(t *testing.T) {
	for name, tc := range map[string]struct {
		when    func(*world) bool
		trouble func(*world)
		want    v1alpha1.Phase
	}{
		"pods never ready":           {phase(v1alpha1.PhaseStaging), limit("v2", 0), v1alpha1.PhaseFailed},
		"no endpoints in staging":    {phase(v1alpha1.PhaseStaging), func(w *world) { w.blind = true }, v1alpha1.PhaseFailed},
		"the registry is silent":     {phase(v1alpha1.PhaseResolving), say(func(s *signals) { s.artifact = testkit.Unknown(v1alpha1.SignalArtifact) }), v1alpha1.PhaseFailed},
		"checks never answer":        {phase(v1alpha1.PhaseChecking), say(func(s *signals) { s.smoke = testkit.Unknown(v1alpha1.SignalSmoke) }), v1alpha1.PhaseFailed},
		"a step without endpoints":   {step("quarter"), func(w *world) { w.blind = true }, v1alpha1.PhaseRolledBack},
		"pods missing in Weight":     {move(v1alpha1.MoveWeight), limit("v2", 3), v1alpha1.PhaseRolledBack},
		"no gateway answers":         {move(v1alpha1.MoveWeight), say(func(s *signals) { s.route = testkit.Unknown(v1alpha1.SignalRoute) }), v1alpha1.PhaseRolledBack},
		"pods missing in Select":     {move(v1alpha1.MoveSelect), limit("v2", 3), v1alpha1.PhaseRolledBack},
		"no gateway follows Return":  {move(v1alpha1.MoveReturn), say(func(s *signals) { s.route = testkit.Unknown(v1alpha1.SignalRoute) }), v1alpha1.PhaseRolledBack},
		"metrics silent while judge": {phase(v1alpha1.PhaseVerifying), silence, v1alpha1.PhaseRolledBack},
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t)
			w.until(tc.when)
			tc.trouble(w)
			w.run(24 * time.Minute)
			if got := w.sd.Status; got.Phase != tc.want || got.Reason != "DeadlineExceeded" {
				t.Errorf("%s %s: %s\n%s", got.Phase, got.Reason, got.Rollout.Message, w.trace.String())
			}
		})
	}
}
