package rollout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// The laws bound the memory at every turn; these fill it up.
func TestAFullMemoryKeepsTheEnd(t *testing.T) {
	w := serving(t)
	w.until(step("half"))
	r := &w.sd.Status.Rollout
	for range 250 {
		if len(r.Verdicts) < 199 {
			r.Verdicts = append(r.Verdicts, testkit.Passed(v1alpha1.SignalMetric))
		}
		if len(r.Timeline) < 100 {
			r.Timeline = append(r.Timeline, v1alpha1.TimelineEntry{Reason: "Filler"})
		}
	}
	for i := range 20 {
		w.sd.Status.History = append(w.sd.Status.History, v1alpha1.EndedRelease{Release: testkit.Release(fmt.Sprintf("old%d", i))})
		w.sd.Status.Draining = append(w.sd.Status.Draining, v1alpha1.DrainingRelease{Hash: fmt.Sprintf("old%d", i), SinceTime: metav1.NewTime(w.now.Add(time.Hour))})
	}
	w.sd.Status.History, w.sd.Status.Draining = w.sd.Status.History[:20], w.sd.Status.Draining[:16]
	alertFires(w)
	w.until(phase(v1alpha1.PhaseRolledBack))
	got := w.sd.Status
	if last := got.Rollout.Verdicts[len(got.Rollout.Verdicts)-1]; last.Reason != "AlertFiring" {
		t.Errorf("the last verdict is %s", last.Reason)
	}
	if last := got.Rollout.Timeline[len(got.Rollout.Timeline)-1]; last.Phase != v1alpha1.PhaseRolledBack {
		t.Errorf("the timeline ends with %s", last.Phase)
	}
	if got.History[0].Hash != "v2" || got.Draining[len(got.Draining)-1].Hash != "v2" {
		t.Errorf("history begins with %s, draining ends with %s", got.History[0].Hash, got.Draining[len(got.Draining)-1].Hash)
	}
}

func TestAlertsThatFiredBeforeAreForgottenWhenTheyEnd(t *testing.T) {
	w := serving(t)
	for i := range 70 {
		w.says.firing = append(w.says.firing, fmt.Sprintf("Alert%02d", i))
	}
	w.until(phase(v1alpha1.PhaseStaging))
	if got := w.sd.Status.Rollout.FiredBefore; len(got) != 64 || got[0] != "Alert00" {
		t.Fatalf("remembers %d: %v", len(got), got)
	}
	w.says.firing = []string{"Alert07", "Alert99"}
	w.says.alert = testkit.Unknown(v1alpha1.SignalAlert)
	w.turn()
	if got := w.sd.Status.Rollout.FiredBefore; len(got) != 64 {
		t.Errorf("a silent server made it forget: %v", got)
	}
	alertEnds(w)
	w.says.firing = []string{"Alert07", "Alert99"}
	w.turn()
	if diff := gocmp.Diff([]string{"Alert07"}, w.sd.Status.Rollout.FiredBefore); diff != "" {
		t.Error(diff)
	}
}

// Attempts name Jobs and reports: no two of the same release share one.
func TestAttemptsAreCountedByWhatRuns(t *testing.T) {
	w := serving(t)
	seen := map[string]bool{"v1/1": true}
	for _, v := range []string{"v1-again", "v1", "v2", "v1", "v1-again"} {
		ask(v)(w)
		w.until(func(w *world) bool { return w.sd.Status.Candidate.Asked == "asks-"+v })
		w.until(phase(v1alpha1.PhaseSucceeded))
		c := w.sd.Status.Candidate
		name := fmt.Sprintf("%s/%d", c.Hash, c.Attempt)
		if seen[name] {
			t.Errorf("%s is attempt %s again", v, name)
		}
		seen[name] = true
		w.run(time.Minute)
	}
}

func TestAFirstReleaseThatFailedItsVerificationIsVerifiedAgain(t *testing.T) {
	for name, want := range map[string]v1alpha1.Phase{"good now": v1alpha1.PhaseSucceeded, "still bad": v1alpha1.PhaseFailed} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.script = []act{{phase(v1alpha1.PhaseVerifying), alertFires}}
			w.until(rests("v1"))
			request(v1alpha1.AnnotationRetry, "1")(w)
			if want == v1alpha1.PhaseSucceeded {
				alertEnds(w)
			}
			w.until(phase(v1alpha1.PhaseVerifying))
			since := w.now
			w.until(func(w *world) bool { return over(w.sd.Status.Phase) })
			if got := w.sd.Status; got.Phase != want || got.Candidate.Attempt != 2 || w.service.Stable != "v1" || w.pods["v1"].ready != 4 {
				t.Errorf("%s in attempt %d, %s serves", got.Phase, got.Candidate.Attempt, w.service.Stable)
			}
			if took := w.now.Sub(since); want == v1alpha1.PhaseSucceeded && took < 2*time.Minute {
				t.Errorf("verified in %s", took)
			}
			if w.now.Sub(since) > 3*time.Minute || len(w.sd.Status.Draining) > 0 {
				t.Errorf("ended after %s, %v drain", w.now.Sub(since), w.sd.Status.Draining)
			}
		})
	}
}

func TestAStuckRollbackSaysWhatItWaitsFor(t *testing.T) {
	w := serving(t)
	w.until(step("half"))
	limit("v1", 0)(w)
	alertFires(w)
	w.run(time.Minute)
	got := w.sd.Status.Rollout
	if got.Reason != "AlertFiring" || !strings.HasPrefix(got.Message, "The Alert is bad: AlertFiring; waiting for ready pods of the stable release") {
		t.Errorf("%s: %s", got.Reason, got.Message)
	}
	heal("v1")(w)
	w.until(phase(v1alpha1.PhaseRolledBack))
	if got := w.sd.Status.Rollout; got.Message != "The Alert is bad: AlertFiring" {
		t.Errorf("ended: %s", got.Message)
	}
}

// The verdicts tell the whole story of a release.
func TestVerdictsThatDecidedAreKept(t *testing.T) {
	w := serving(t)
	w.until(rests("v2"))
	var got []string
	for _, v := range w.sd.Status.Rollout.Verdicts {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", v.Phase, v.Step, v.Reason)))
	}
	if diff := gocmp.Diff([]string{
		"Resolving  ArtifactPassed", "Gating  GatePassed", "Staging  Ready", "Staging  ArtifactPassed", "Checking  SmokePassed",
		"Progressing first MetricPassed", "Progressing first AlertPassed", "Progressing quarter MetricPassed", "Progressing quarter AlertPassed",
		"Progressing half MetricPassed", "Progressing half AlertPassed", "CuttingOver Weight MetricPassed", "CuttingOver Weight AlertPassed",
		"Verifying  MetricPassed", "Verifying  AlertPassed",
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestADeadlineSaysWhatItWasSpentOn(t *testing.T) {
	w := serving(t)
	w.until(step("first"))
	silence(w)
	w.until(rests("v2"))
	verdicts := w.sd.Status.Rollout.Verdicts
	waited, deadline := verdicts[len(verdicts)-2], verdicts[len(verdicts)-1]
	if waited.Reason != "MetricSilent" || deadline.Reason != "DeadlineExceeded" {
		t.Errorf("%s, then %s", waited.Reason, deadline.Reason)
	}
	want := verdict.Evidence{Threshold: "6m0s", Source: "strategy.progressDeadlineSeconds", Time: metav1.NewTime(w.origin.Add(400 * time.Second))}
	if diff := gocmp.Diff(&want, deadline.Evidence); diff != "" {
		t.Error(diff)
	}
	if want := "Progressing made no progress within 300 s: The Metric has not answered"; deadline.Message != want {
		t.Errorf("got %q, want %q", deadline.Message, want)
	}
}

// What a hold says does not change with every sample.
func TestAHoldWritesNothing(t *testing.T) {
	for name, when := range map[string]func(*world) bool{"at a step": step("quarter"), "in verification": phase(v1alpha1.PhaseVerifying)} {
		t.Run(name, func(t *testing.T) {
			w := serving(t)
			w.until(when)
			w.until(reason("Holding"))
			for i := range 5 {
				was := w.sd.Status.DeepCopy()
				w.says.metric = verdict.Pass(v1alpha1.SignalMetric, "WithinLimits", "Metric errors was 0.00%d", i)
				if diff := gocmp.Diff(*was, w.turn().Next); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// Drift is told once for each template, put back for as long as it is seen, and
// forgotten by the next release.
func TestDriftIsToldOnce(t *testing.T) {
	in := at(v1alpha1.PhaseSucceeded)
	in.Object.Status.Stable.PodTemplateHash, in.Object.Status.Candidate.PodTemplateHash = "t1", "t2"
	in.Object.Status.Candidate.Hash = "v2"
	in.Seen.Sides["v1"] = rollout.Side{Desired: 4, Created: 4, Ready: 4, Templates: []string{"t1", "t9"}}
	in.Seen.Sides["v2"] = rollout.Side{Templates: []string{"t2"}}
	for turn, events := range []int{1, 0} {
		d := rollout.Decide(in)
		told := slices.DeleteFunc(slices.Clone(d.Next.Rollout.Verdicts), func(v verdict.Verdict) bool { return v.Reason != "DriftCorrected" })
		if len(told) != 1 || told[0].Outcome != verdict.Failed || told[0].Evidence.Value != "t9" || len(d.Events) != events {
			t.Errorf("turn %d: told %+v, events %+v", turn, told, d.Events)
		}
		if len(d.Want.Mend) != 1 || d.Want.Mend[0].Hash != "v1" {
			t.Errorf("turn %d: mends %+v", turn, d.Want.Mend)
		}
		in.Object.Status = d.Next
	}
	in.Seen.Sides["v1"] = rollout.Side{Desired: 4, Created: 4, Ready: 4, Templates: []string{"t1"}}
	if d := rollout.Decide(in); len(d.Want.Mend) != 0 {
		t.Errorf("mends %+v", d.Want.Mend)
	}
}

// What someone did to what a release is made of is told once, and put back for
// as long as it is seen: of what serves, and of what is about to.
func TestDriftOfConfigurationIsToldOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		phase v1alpha1.Phase
		hash  string
		goes  bool
		want  string // the release that is restored
	}{
		"of what serves":               {phase: v1alpha1.PhaseSucceeded, hash: "v1", want: "v1"},
		"of what serves, in a step":    {phase: v1alpha1.PhaseProgressing, hash: "v1", want: "v1"},
		"of the candidate, in a step":  {phase: v1alpha1.PhaseProgressing, hash: "v2", want: "v2"},
		"of a candidate that is over":  {phase: v1alpha1.PhaseRolledBack, hash: "v2"},
		"of nothing that is known":     {phase: v1alpha1.PhaseSucceeded, hash: "v9"},
		"of what is about to be gone":  {phase: v1alpha1.PhaseSucceeded, hash: "v1", goes: true},
		"of what goes, while it steps": {phase: v1alpha1.PhaseProgressing, hash: "v2", goes: true},
	} {
		t.Run(name, func(t *testing.T) {
			in := at(tc.phase)
			in.Object.Status.Candidate.Hash = "v2"
			if tc.goes {
				in.Object.DeletionTimestamp = &metav1.Time{Time: noon}
			}
			gone := verdict.With(verdict.Fail(v1alpha1.SignalWorkload, "DriftCorrected", "Someone deleted it"), verdict.Evidence{Source: "ConfigMap x"})
			in.Seen.Drift = map[string][]verdict.Verdict{tc.hash: {gone}}
			for turn := range 2 {
				d := rollout.Decide(in)
				told, restored := 0, ""
				for _, v := range d.Next.Rollout.Verdicts {
					if v.Message == gone.Message && v.Evidence.Source == "ConfigMap x" && !v.Evidence.Time.IsZero() {
						told++
					}
				}
				for _, rel := range d.Want.Restore {
					restored += rel.Hash
				}
				warned := slices.ContainsFunc(d.Events, func(e rollout.Event) bool { return e.Warning && e.Message == gone.Message })
				if (told == 1) != (tc.want != "") || restored != tc.want || warned != (tc.want != "" && turn == 0) {
					t.Errorf("turn %d: told %d times, warned %t, restores %q, want %q", turn, told, warned, restored, tc.want)
				}
				in.Object.Status = d.Next
			}
		})
	}
}

// The template that is checked is the one that pods are held to.
func TestTheCheckedTemplateIsRemembered(t *testing.T) {
	for name, tc := range map[string]struct {
		templates []string
		want      string
	}{"one": {[]string{"t1"}, "t1"}, "none that is known": {nil, ""}, "two at once": {[]string{"t1", "t2"}, ""}} {
		t.Run(name, func(t *testing.T) {
			in := at(v1alpha1.PhaseStaging)
			side := in.Seen.Sides["v2"]
			side.Templates = tc.templates
			in.Seen.Sides["v2"] = side
			if got := rollout.Decide(in).Next.Candidate.PodTemplateHash; got != tc.want {
				t.Errorf("got %q", got)
			}
		})
	}
}
