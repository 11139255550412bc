package rollout_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestTracesOfGates(t *testing.T) { tell(t, gateStories) }

// closed says that one gate is closed, and that two are.
var (
	window = verdict.Named(verdict.Wait(v1alpha1.SignalGate, "WindowClosed", "The window opens at nine"), "hours")
	freeze = verdict.Named(verdict.Wait(v1alpha1.SignalGate, "Frozen", "The freeze ends at ten"), "calendar")
	typo   = verdict.Named(verdict.Fail(v1alpha1.SignalGate, "TemplateRefused", "The template has a typo"), "template")
	quota  = verdict.Named(verdict.Fail(v1alpha1.SignalGate, "NeverFits", "The pod is larger than the quota"), "room")
	opened = verdict.Named(testkit.Passed(v1alpha1.SignalGate), "hours")
)

func gatesSay(first verdict.Verdict, others ...verdict.Verdict) func(*world) {
	return say(func(s *signals) { s.gate, s.gates = first, others })
}

var gateStories = map[string]story{
	"a window opens long after the deadline": {
		begin:  serving,
		script: []act{{phase(v1alpha1.PhaseResolving), gatesSay(window)}, {later(14 * time.Hour), gatesSay(opened)}},
		lasts:  15 * time.Hour, want: v1alpha1.PhaseSucceeded,
	},
	"gates open one after the other": {
		begin:  serving,
		script: []act{{phase(v1alpha1.PhaseResolving), gatesSay(window, freeze)}, {later(time.Hour), gatesSay(opened, freeze)}, {later(time.Hour), gatesSay(opened)}},
		lasts:  4 * time.Hour, want: v1alpha1.PhaseSucceeded,
	},
	"a gate refuses while another is closed": {
		begin:  serving,
		script: []act{{phase(v1alpha1.PhaseResolving), gatesSay(window)}, {later(time.Hour), gatesSay(window, typo)}},
		lasts:  2 * time.Hour, want: v1alpha1.PhaseFailed,
	},
	"aborted while a gate is closed": {
		begin:  serving,
		script: []act{{phase(v1alpha1.PhaseResolving), gatesSay(window)}, {later(time.Hour), request(v1alpha1.AnnotationAbort, "now")}},
		lasts:  2 * time.Hour, want: v1alpha1.PhaseFailed,
	},
	"superseded while a gate is closed": {
		begin:  serving,
		script: []act{{phase(v1alpha1.PhaseResolving), gatesSay(window)}, {later(time.Hour), ask("v3")}, {later(time.Hour), gatesSay(opened)}},
		lasts:  4 * time.Hour, want: v1alpha1.PhaseSucceeded,
	},
	"no gate holds a return to a recent good release": {
		begin:  serving,
		script: []act{{rests("v2"), gatesSay(window, freeze)}, {later(time.Minute), ask("v1")}},
		lasts:  time.Hour, want: v1alpha1.PhaseSucceeded,
	},
	"no gate refuses a return to a recent good release": {
		begin:  serving,
		script: []act{{rests("v2"), gatesSay(typo)}, {later(time.Minute), ask("v1")}},
		lasts:  time.Hour, want: v1alpha1.PhaseSucceeded,
	},
	"a gate holds a return to an old release": {
		begin:  serving,
		script: []act{{rests("v2"), gatesSay(window)}, {later(3 * time.Hour), ask("v1")}, {later(time.Hour), gatesSay(opened)}},
		lasts:  5 * time.Hour, want: v1alpha1.PhaseSucceeded,
	},
	"a gate that closes once the release has started holds no rollback": {
		begin:  serving,
		script: []act{{step("quarter"), gatesSay(window, typo)}, {later(time.Second), alertFires}},
		lasts:  time.Hour, want: v1alpha1.PhaseRolledBack,
	},
}

// said are the verdicts on gates that are remembered.
func said(sd *v1alpha1.SignalDeployment) []string {
	var out []string
	for _, v := range sd.Status.Rollout.Verdicts {
		if v.Kind == v1alpha1.SignalGate {
			out = append(out, string(v.Outcome)+" "+v.Name+" "+v.Reason)
		}
	}
	return out
}

func TestEveryClosedGateIsToldAndRemembered(t *testing.T) {
	good := verdict.Named(testkit.Passed(v1alpha1.SignalGate), "calendar")
	for name, tc := range map[string]struct {
		first           verdict.Verdict
		others          []verdict.Verdict
		reason, message string
		remembered      []string
	}{
		"one closed":  {window, []verdict.Verdict{good}, "WindowClosed", "The window opens at nine", []string{"Unknown hours WindowClosed"}},
		"two closed":  {window, []verdict.Verdict{freeze}, "GatesClosed", "2 gates are closed: The window opens at nine; The freeze ends at ten", []string{"Unknown hours WindowClosed", "Unknown calendar Frozen"}},
		"one refuses": {window, []verdict.Verdict{typo, good}, "TemplateRefused", "The template has a typo", []string{"Unknown hours WindowClosed", "Failed template TemplateRefused"}},
		"two refuse": {
			quota,
			[]verdict.Verdict{window, typo},
			"GatesClosed", "2 gates are closed: The pod is larger than the quota; The template has a typo",
			[]string{"Failed room NeverFits", "Unknown hours WindowClosed", "Failed template TemplateRefused", "Failed  GatesClosed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := serving(t)
			gatesSay(tc.first, tc.others...)(w)
			w.until(reason(tc.reason))
			if got := w.sd.Status.Rollout.Message; got != tc.message {
				t.Errorf("says %q, want %q", got, tc.message)
			}
			if diff := cmp.Diff(tc.remembered, said(w.sd)); diff != "" {
				t.Error(diff)
			}
			was := w.sd.Status.DeepCopy()
			w.run(10 * time.Minute)
			if diff := cmp.Diff(*was, w.sd.Status); diff != "" && w.sd.Status.Phase == v1alpha1.PhaseGating {
				t.Error("while it waits, status changes:", diff)
			}
		})
	}
}

func TestAGateThatWasNotAskedIsClosed(t *testing.T) {
	w := serving(t)
	w.sd.Spec.Gates = []v1alpha1.Gate{{Name: "hours"}, {Name: "calendar"}}
	w.until(reason("NotAsked"))
	w.run(time.Hour)
	if w.sd.Status.Phase != v1alpha1.PhaseGating {
		t.Errorf("%s, though one of two gates was not asked", w.sd.Status.Phase)
	}
	w.says.gates = []verdict.Verdict{opened}
	w.until(phase(v1alpha1.PhaseStaging))
}

func TestTheReleaseWakesWhenItsWindowOpens(t *testing.T) {
	w := serving(t)
	gatesSay(window)(w)
	w.until(reason("WindowClosed"))
	now := w.now.Add(123 * time.Millisecond)
	seen := w.observe()
	seen.Opens = metav1.NewTime(w.now.Add(9 * time.Hour))
	if d := rollout.Decide(rollout.Input{Object: w.sd, Seen: seen, Now: now}); d.After != 9*time.Hour-123*time.Millisecond {
		t.Errorf("wakes after %s", d.After)
	}
	gatesSay(opened)(w)
	w.until(phase(v1alpha1.PhaseProgressing))
	seen = w.observe()
	seen.Opens = metav1.NewTime(w.now.Add(time.Millisecond))
	if d := rollout.Decide(rollout.Input{Object: w.sd, Seen: seen, Now: w.now}); d.After == time.Millisecond {
		t.Error("a gate wakes a release that has started")
	}
}

// board is a gate that people approve.
func board(s *signals, approved bool) {
	s.gate = verdict.Named(verdict.Wait(v1alpha1.SignalGate, v1alpha1.ReasonAwaitingApproval, "The board waits for approval"), "board")
	if approved {
		s.gate = verdict.Named(verdict.Pass(v1alpha1.SignalGate, v1alpha1.ReasonApproved, "Someone approved the board"), "board")
	}
}

func TestAnApprovalIsAskedForAtOnce(t *testing.T) {
	w := serving(t)
	board(&w.says, false)
	w.until(phase(v1alpha1.PhaseGating))
	d := w.turn()
	if r := d.Next.Rollout; len(d.Events) != 1 || d.Events[0].Reason != v1alpha1.ReasonAwaitingApproval || r.Reason != v1alpha1.ReasonAwaitingApproval || r.WaitingSinceTime.IsZero() {
		t.Errorf("tells %v, reason %s, waits for people since %s", d.Events, r.Reason, r.WaitingSinceTime)
	}
	w.run(time.Hour)
	board(&w.says, true)
	w.until(phase(v1alpha1.PhaseStaging))
	if !w.sd.Status.Rollout.WaitingSinceTime.IsZero() {
		t.Error("still waits for people")
	}
}

func TestAnApprovalIsRememberedWhileOthersAreWaitedFor(t *testing.T) {
	w := serving(t)
	board(&w.says, true)
	w.says.gates = []verdict.Verdict{window}
	w.until(phase(v1alpha1.PhaseGating))
	request(v1alpha1.AnnotationApprove, "v2/board")(w)
	w.turn()
	if got := w.sd.Status.Handled.Approve; got != "v2/board" {
		t.Errorf("handled %q", got)
	}
	request(v1alpha1.AnnotationApprove, "something else")(w)
	w.run(time.Hour)
	if got := w.sd.Status.Handled.Approve; got != "v2/board" {
		t.Errorf("handled %q, which nobody approved", got)
	}
	w.says.gates = []verdict.Verdict{opened}
	w.until(phase(v1alpha1.PhaseStaging))
	want := []string{"Passed board Approved", "Unknown hours WindowClosed", "Passed hours GatePassed"}
	if diff := cmp.Diff(want, said(w.sd)); diff != "" {
		t.Error(diff)
	}
}

func TestAnApprovalThatMeantAGateApprovesNoStep(t *testing.T) {
	w := serving(t, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy.Steps[0].Approval = v1alpha1.ApprovalRequired })
	board(&w.says, true)
	w.until(phase(v1alpha1.PhaseGating))
	request(v1alpha1.AnnotationApprove, w.sd.Status.Candidate.ID)(w)
	w.until(reason(v1alpha1.ReasonAwaitingApproval))
	w.run(time.Hour)
	if !step("first")(w) {
		t.Errorf("%s: the step needs an approval of its own", w.sd.Status.Phase)
	}
	request(v1alpha1.AnnotationApprove, w.sd.Status.Candidate.ID+"/first")(w)
	w.until(step("quarter"))
}
