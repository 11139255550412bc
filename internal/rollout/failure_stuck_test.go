package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// A second release asked for at any moment of the first, or of its rollback,
// gets through.
func TestFailureMode22ASecondReleaseBeforeTheFirstEnds(t *testing.T) {
	for name, script := range map[string][]act{"success": nil, "rollback": {{move(v1alpha1.MoveReturn), alertFires}}} {
		t.Run(name, func(t *testing.T) {
			w := serving(t)
			w.script = script
			for !rests("v2")(w) {
				w.turn()
				second := w.clone()
				ask("v3")(second)
				alertEnds(second)
				second.run(15 * time.Minute)
				if got := second.sd.Status; got.Phase != v1alpha1.PhaseSucceeded || got.Stable.Hash != "v3" || second.reach().Endpoints != 4 {
					t.Fatalf("asked for in %s: %s, %s is stable", w.sd.Status.Phase, got.Phase, got.Stable.Hash)
				}
			}
		})
	}
}

func TestFailureMode23ReplicasAndTemplateChangeWhilePaused(t *testing.T) {
	w := serving(t)
	w.until(step("quarter"))
	pause(w)
	w.run(time.Minute)
	ask("v3")(w)
	replicas(6)(w)
	w.run(5 * time.Minute)
	if got := w.sd.Status; got.Candidate.Asked != "asks-v3" || got.Reason != "Paused" || w.route.Weight != 0 {
		t.Fatalf("paused: %s is the candidate, %s, %d %%", got.Candidate.Asked, got.Reason, w.route.Weight)
	}
	unpause(w)
	w.until(step("first"))
	request(v1alpha1.AnnotationPromote, "v3")(w)
	w.run(5 * time.Minute)
	if got := w.sd.Status; got.Phase != v1alpha1.PhaseSucceeded || got.Stable.Hash != "v3" || w.pods["v3"].ready != 6 {
		t.Errorf("resumed and promoted: %s, %s is stable on %d pods", got.Phase, got.Stable.Hash, w.pods["v3"].ready)
	}
}

func TestFailureMode35TheOldManifestIsAppliedAgain(t *testing.T) {
	w := serving(t)
	w.until(step("half"))
	ask("v1")(w)
	w.run(time.Minute)
	got := w.sd.Status
	if got.Phase != v1alpha1.PhaseSucceeded || got.Candidate.Hash != "v1" || w.route.Weight != 0 {
		t.Errorf("%s, %s is the candidate, %d %%", got.Phase, got.Candidate.Hash, w.route.Weight)
	}
	if last := got.History[0]; last.Hash != "v2" || last.Result != v1alpha1.ResultReverted {
		t.Errorf("history says %s of %s", last.Result, last.Hash)
	}
}

func TestFailureMode38TheInconclusiveIsPromoted(t *testing.T) {
	w := serving(t)
	w.until(step("quarter"))
	silence(w)
	for range 20 * 60 / 5 {
		w.turn()
		if w.route.Weight > 25 || w.service.Stable != "v1" {
			t.Fatalf("%s: %d %% and %s serves", w.clock(), w.route.Weight, w.service.Stable)
		}
	}
	if got := w.sd.Status; got.Phase != v1alpha1.PhaseRolledBack || got.Candidate.Attempt != 1 {
		t.Errorf("%s in attempt %d", got.Phase, got.Candidate.Attempt)
	}
}

func TestFailureMode43AnArgumentIsMissing(t *testing.T) {
	t.Run("found before the start", func(t *testing.T) {
		w := serving(t)
		invalid(w)
		for range 100 {
			if d := w.turn(); d.Next.Candidate.Asked != "asks-v1" || d.Next.Phase != v1alpha1.PhaseSucceeded {
				t.Fatalf("%s starts", d.Next.Candidate.Asked)
			}
		}
	})
	t.Run("found by the metric server", func(t *testing.T) {
		w := serving(t)
		w.says.metric = verdict.Wait(v1alpha1.SignalMetric, "QueryRefused", "Metric errors: unknown placeholder ${team}")
		w.until(step("first"))
		w.run(30 * time.Second)
		if got := w.sd.Status.Reason; got != "QueryRefused" {
			t.Errorf("under way, the status says %s", got)
		}
		w.until(rests("v2"))
		if got := w.sd.Status.Rollout; got.Phase != v1alpha1.PhaseRolledBack || !strings.Contains(got.Message, "unknown placeholder ${team}") {
			t.Errorf("%s: %s", got.Phase, got.Message)
		}
	})
}

func TestFailureMode30ThresholdsAreIgnoredWhileWaiting(t *testing.T) {
	for name, wait := range map[string]func(*world){
		"for pods":      limit("v2", 1),
		"for endpoints": func(w *world) { w.blind = true },
		"for a gateway": say(func(s *signals) { s.route = testkit.Unknown(v1alpha1.SignalRoute) }),
		"for people":    pause,
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t)
			w.until(step("quarter"))
			wait(w)
			w.run(30 * time.Second)
			w.says.metric = testkit.Failed(v1alpha1.SignalMetric, "TooManyErrors")
			if d := w.turn(); d.Next.Phase != v1alpha1.PhaseRollingBack || d.Want.Weight != 0 {
				t.Errorf("%s with %d %%", d.Next.Phase, d.Want.Weight)
			}
		})
	}
}
