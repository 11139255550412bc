package drill_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/rollout/drill"
	"github.com/signal-delivery/operator/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden traces")

// golden compares a trace with the one that is kept.
func golden(t *testing.T, w *world) {
	t.Helper()
	file := filepath.Join("testdata", "trace", strings.ReplaceAll(filepath.Base(t.Name()), "_", "-")+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(w.trace.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), w.trace.String()); diff != "" {
		t.Errorf("the trace differs (go test -update writes it):\n%s", diff)
	}
}

// patient makes metrics fail a release only after three samples in a row.
func patient(sd *v1alpha1.SignalDeployment) { sd.Spec.Analysis.Metrics[0].ConsecutiveFailures = 3 }

func unrouted(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Traffic, sd.Spec.Strategy.Steps = v1alpha1.TrafficSpec{}, nil
}

func scheduled(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Rollback.Drill = &v1alpha1.DrillSpec{Schedule: "2 12 * * *"}
}

func TestTraces(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*v1alpha1.SignalDeployment)
		play   func(*world)
		result v1alpha1.DrillResult
		reason string
		score  int32
	}{
		"passed on request":   {patient, func(w *world) { w.ask("now") }, v1alpha1.DrillPassed, "DrillPassed", 100},
		"passed on schedule":  {scheduled, func(*world) {}, v1alpha1.DrillPassed, "DrillPassed", 100},
		"without routes":      {unrouted, func(w *world) { w.ask("now") }, v1alpha1.DrillPassed, "DrillPassed", 100},
		"signal not detected": {patient, func(w *world) { w.silent = true; w.ask("now") }, v1alpha1.DrillFailed, "NotDetected", 40},
		"superseded by a release": {patient, func(w *world) {
			w.ask("now")
			w.until(inPhase(v1alpha1.PhaseProgressing))
			w.sd.Spec.Artifact.Image = testkit.Image("v2")
		}, v1alpha1.DrillInterrupted, "Superseded", 0},
		"operator restarted in between": {patient, func(w *world) {
			w.ask("now")
			w.until(func(m *v1alpha1.DrillStatus) bool { return drill.Running(m) && !drill.FailsSince(m).IsZero() })
			w.turn()
			w.turn()
			w.record, w.tally = analysis.Record{}, v1alpha1.MetricTally{Name: "drill"} // what it had sampled is lost
			w.now = w.now.Add(5 * time.Second)
		}, v1alpha1.DrillPassed, "DrillPassed", 100},
		"paused": {patient, func(w *world) {
			w.ask("now")
			w.until(inPhase(v1alpha1.PhaseProgressing))
			w.sd.Spec.Paused = true
		}, v1alpha1.DrillInterrupted, "Paused", 0},
		"stable pods fail": {patient, func(w *world) {
			w.ask("now")
			w.until(inPhase(v1alpha1.PhaseProgressing))
			w.pods["v1"] = pods{4, 4, 2}
		}, v1alpha1.DrillInterrupted, "StableNotReady", 0},
		"someone changes the route": {patient, func(w *world) {
			w.ask("now")
			w.until(inPhase(v1alpha1.PhaseProgressing))
			w.stray = true
		}, v1alpha1.DrillFailed, "DrillFailed", 90},
		"slower than asked for": {func(sd *v1alpha1.SignalDeployment) {
			patient(sd)
			sd.Spec.Rollback.Drill = &v1alpha1.DrillSpec{DetectWithinSeconds: 60, BackWithinSeconds: 1}
		}, func(w *world) { w.ask("now") }, v1alpha1.DrillFailed, "DrillFailed", 70},
		"no pod gets ready": {patient, func(w *world) {
			w.ask("now")
			for range 400 {
				w.turn()
				if p, there := w.pods["drillv1"]; there {
					w.pods["drillv1"] = pods{p.desired, p.created, 0}
					w.service.CanaryEndpoints = 0
				}
			}
		}, v1alpha1.DrillFailed, "DeadlineExceeded", 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := resting(t, tc.change)
			tc.play(w)
			w.until(ended)
			for range 5 {
				w.turn()
			}
			golden(t, w)
			run := w.sd.Status.Drill.Runs[0]
			if run.Result != tc.result || run.Reason != tc.reason || run.Score != tc.score {
				t.Errorf("%s %s with %d points: %s", run.Result, run.Reason, run.Score, run.Message)
			}
			if p := w.pods["drillv1"]; w.joined || p.created > 0 || w.service.Stable != "v1" || w.service.Canary == "drillv1" {
				t.Errorf("something is left: joined %t, pods %+v, Services %+v", w.joined, p, w.service)
			}
		})
	}
}

// A signal that begins to fail right after a good sample is noticed after as
// many intervals as there must be failures.
func TestDetectionIsMeasured(t *testing.T) {
	t.Parallel()
	for patience, want := range map[int32]string{1: "1s", 3: "3s", 20: "20s"} {
		w := resting(t, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Analysis.Metrics[0].ConsecutiveFailures = patience })
		w.ask("now")
		w.until(ended)
		part := w.sd.Status.Drill.Runs[0].Parts[0]
		if diff := cmp.Diff(v1alpha1.DrillPart{Name: "Detected", Outcome: "Passed", Value: want, Threshold: "<= 1m0s", Points: 30}, part); diff != "" {
			t.Errorf("with %d failures in a row:\n%s", patience, diff)
		}
	}
}

// A request is heard once, and not at the wrong time.
func TestRequests(t *testing.T) {
	t.Parallel()
	w := resting(t)
	w.ask("one")
	w.until(ended)
	for range 20 {
		w.turn()
	}
	if n := len(w.sd.Status.Drill.Runs); n != 1 || w.sd.Status.Handled.Drill != "one" {
		t.Errorf("%d drills for one request, handled %q", n, w.sd.Status.Handled.Drill)
	}
	w.sd.Spec.Paused = true
	w.ask("two")
	w.turn()
	w.sd.Spec.Paused = false
	for range 20 {
		w.turn()
	}
	last := w.events[len(w.events)-1]
	if n := len(w.sd.Status.Drill.Runs); n != 1 || w.sd.Status.Handled.Drill != "two" || last.Reason != "DrillRefused" || !last.Warning {
		t.Errorf("%d drills, handled %q, event %+v", n, w.sd.Status.Handled.Drill, last)
	}
	w.pods["v1"] = pods{4, 4, 3}
	w.ask("three")
	w.service.Endpoints = 3
	w.turn()
	if drill.Running(w.sd.Status.Drill) {
		t.Error("a drill starts beside a stable release that is not ready")
	}
	w.until(func(m *v1alpha1.DrillStatus) bool { return len(m.Runs) == 2 && ended(m) })
}

// A release that waits for a drill at its gates does not keep it from running.
func TestDrillAtAGate(t *testing.T) {
	t.Parallel()
	w := resting(t)
	w.sd.Spec.Artifact.Image = testkit.Image("v2")
	for w.sd.Status.Rollout.Phase != v1alpha1.PhaseGating {
		w.turn()
	}
	w.ask("now")
	w.until(ended)
	if run := w.sd.Status.Drill.Runs[0]; run.Result != v1alpha1.DrillPassed || w.sd.Status.Rollout.Phase != v1alpha1.PhaseGating {
		t.Errorf("%s: %s, %s", w.sd.Status.Rollout.Phase, run.Result, run.Message)
	}
}

// At rest nothing is written, drills asked for or not.
func TestQuietAtRest(t *testing.T) {
	t.Parallel()
	w := resting(t, scheduled, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Rollback.Drill.Schedule = "0 3 * * *" })
	w.ask("now")
	w.until(ended)
	for range 10 {
		w.turn()
	}
	was := w.sd.Status.DeepCopy()
	for range 3600 {
		w.turn()
	}
	if diff := cmp.Diff(was, &w.sd.Status); diff != "" {
		t.Errorf("written at rest:\n%s", diff)
	}
}

// TestLawsHoldInRandomWorlds lets everything happen at any time; every turn
// checks every law.
func TestLawsHoldInRandomWorlds(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 0))
	seen := map[v1alpha1.DrillResult]int{}
	for range 120 {
		w := resting(t, patient)
		if rng.IntN(4) == 0 {
			w = resting(t, unrouted)
		}
		if rng.IntN(2) == 0 {
			w.sd.Spec.Rollback.Drill = &v1alpha1.DrillSpec{DetectWithinSeconds: 1 + rng.Int32N(4), BackWithinSeconds: 1 + rng.Int32N(4)}
		}
		for n := range 150 {
			if rng.IntN(25) == 0 {
				w.happen(rng)
			}
			if n%60 == 0 {
				w.ask(fmt.Sprint(n))
			}
			before := drill.Running(w.sd.Status.Drill)
			w.turn()
			if before && !drill.Running(w.sd.Status.Drill) {
				seen[w.sd.Status.Drill.Runs[0].Result]++
			}
		}
		w.sd.Spec.Paused, w.sd.Spec.Artifact.Image = false, testkit.Image("v1")
		for n := 0; n < 700 && (n < 60 || drill.Running(w.sd.Status.Drill)); n++ { // whatever happened: once nothing does, nothing is left
			w.turn()
		}
		if p := w.pods["drillv1"]; w.joined || p.created > 0 {
			t.Fatalf("something is left: joined %t, pods %+v\n%s", w.joined, p, w.trace.String())
		}
	}
	for _, result := range []v1alpha1.DrillResult{v1alpha1.DrillPassed, v1alpha1.DrillFailed, v1alpha1.DrillInterrupted} {
		if seen[result] < 15 {
			t.Errorf("%s was seen %d times only: %v", result, seen[result], seen)
		}
	}
}
