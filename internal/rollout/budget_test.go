package rollout_test

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// What the objectives say decides as metrics do: at once against, and for the
// whole hold in favour.
func TestBudgetsDecide(t *testing.T) {
	burned := verdict.Named(verdict.Fail(v1alpha1.SignalSLO, "BudgetBurned", "Objective \"api\": the release consumed too much"), "api")
	passed, unknown := testkit.Passed(v1alpha1.SignalSLO), testkit.Unknown(v1alpha1.SignalSLO)
	for name, tc := range map[string]struct {
		says   []verdict.Verdict
		after  time.Duration
		manual bool
		phase  v1alpha1.Phase
		step   int32
	}{
		"within, the hold is over":   {[]verdict.Verdict{passed}, 90 * time.Second, false, v1alpha1.PhaseProgressing, 2},
		"within, too early":          {[]verdict.Verdict{passed}, 30 * time.Second, false, v1alpha1.PhaseProgressing, 1},
		"unknown":                    {[]verdict.Verdict{unknown}, 90 * time.Second, false, v1alpha1.PhaseProgressing, 1},
		"unknown until the deadline": {[]verdict.Verdict{unknown}, 361 * time.Second, false, v1alpha1.PhaseRollingBack, 1},
		"not asked yet":              {nil, 90 * time.Second, false, v1alpha1.PhaseProgressing, 1},
		"burned":                     {[]verdict.Verdict{burned}, time.Second, false, v1alpha1.PhaseRollingBack, 1},
		"burned, and people decide":  {[]verdict.Verdict{burned}, time.Second, true, v1alpha1.PhaseProgressing, 1},
	} {
		t.Run(name, func(t *testing.T) {
			in := at(v1alpha1.PhaseProgressing)
			in.Object.Spec.Analysis.SLOs = []v1alpha1.SLO{{Name: "api"}}
			run := &in.Object.Status.Rollout
			run.Step, run.Exposed, run.Plan.Automatic = 1, true, !tc.manual
			in.Seen.Route.Weight, in.Seen.Route.Lowest, in.Seen.Route.Sibling = 25, 25, true
			in.Seen.SLOs, in.Now = tc.says, noon.Add(tc.after)
			next := rollout.Decide(in).Next.Rollout
			if next.Phase != tc.phase || next.Step != tc.step {
				t.Errorf("goes to %s, step %d: %s", next.Phase, next.Step, next.Message)
			}
			if held := next.Failure != nil; held != tc.manual {
				t.Errorf("held for people: %t", held)
			}
		})
	}
}

// Budgets are remembered with what is written anyway: while nothing else
// changes, they stand still.
func TestBudgetsAreRememberedWithTransitions(t *testing.T) {
	for name, tc := range map[string]struct {
		after time.Duration
		want  string
	}{
		"the step goes on": {30 * time.Second, "0.01"},
		"the step is over": {90 * time.Second, "0.02"},
	} {
		in := at(v1alpha1.PhaseProgressing)
		in.Object.Spec.Analysis.SLOs = []v1alpha1.SLO{{Name: "api"}}
		run := &in.Object.Status.Rollout
		run.Step, run.Exposed = 1, true
		run.Budgets = []v1alpha1.BudgetRecord{{Name: "api", Consumed: "0.01"}}
		in.Seen.Route.Weight, in.Seen.Route.Lowest, in.Seen.Route.Sibling = 25, 25, true
		in.Seen.SLOs, in.Now = []verdict.Verdict{testkit.Passed(v1alpha1.SignalSLO)}, noon.Add(tc.after)
		in.Seen.Budgets = []v1alpha1.BudgetRecord{{Name: "api", Consumed: "0.02"}}
		want := []v1alpha1.BudgetRecord{{Name: "api", Consumed: tc.want}}
		if diff := gocmp.Diff(want, rollout.Decide(in).Next.Rollout.Budgets); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What the objectives said is part of what is to be known when something else
// turns the release back.
func TestObjectivesAreToldWhenSomethingElseFails(t *testing.T) {
	in := at(v1alpha1.PhaseProgressing)
	in.Object.Spec.Analysis.SLOs = []v1alpha1.SLO{{Name: "errors"}}
	in.Object.Status.Rollout.Step, in.Object.Status.Rollout.Exposed = 1, true
	in.Seen.Metrics[0] = verdict.Named(testkit.Failed(v1alpha1.SignalMetric, "TooManyFailures"), "errors") // of the same name
	in.Seen.SLOs = []verdict.Verdict{verdict.Named(testkit.Passed(v1alpha1.SignalSLO), "errors")}
	in.Seen.Budgets = []v1alpha1.BudgetRecord{{Name: "errors"}}
	next := rollout.Decide(in).Next.Rollout
	var kinds []v1alpha1.SignalKind
	for _, v := range next.Verdicts {
		kinds = append(kinds, v.Kind)
	}
	if diff := gocmp.Diff([]v1alpha1.SignalKind{v1alpha1.SignalSLO, v1alpha1.SignalMetric}, kinds); diff != "" || len(next.Budgets) != 1 {
		t.Errorf("%s; budgets %+v", diff, next.Budgets)
	}
}
