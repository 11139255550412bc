package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// consumed is what an objective says.
func consumed(name string, outcome v1alpha1.Outcome, reason, value, limit string) verdict.Verdict {
	return verdict.Verdict{
		Kind: v1alpha1.SignalSLO, Name: name, Outcome: outcome, Reason: reason, Message: fmt.Sprintf("Objective %q: the release consumed %s of its error budget", name, value),
		Evidence: &verdict.Evidence{Value: value, Threshold: limit, Query: "failed / budget", Window: "1m0s", Source: "built-in"},
	}
}

func publish() v1alpha1.BudgetRecord {
	return v1alpha1.BudgetRecord{
		Name: "publish", Operation: `POST /v1/signals|orders`, Objective: "99.9 % succeed", WindowDays: 30, Total: 1200, Failed: 600,
		BurnRate: "500", Consumed: "0.0612", Limit: "0.05",
	}
}

// burned is a release that one objective turned back, and another only looked
// at; of a third, nobody has heard.
func burned() Input {
	why := consumed("publish", verdict.Failed, "BudgetBurned", "6.12 %", "<= 0.05")
	s := newStory().staged().says(smoke()).
		enter(61, v1alpha1.PhaseProgressing, "first", 5, "CheckPassed", "The checks have passed").
		says(consumed("list", verdict.Passed, "NoBudgetLimit", "0.1 %", ""), consumed("publish", verdict.Passed, "WithinBudget", "0.1 %", "<= 0.05")).
		enter(61, v1alpha1.PhaseProgressing, "quarter", 5, "StepPassed", "The step before has passed").
		says(consumed("list", verdict.Passed, "NoBudgetLimit", "0.2 %", ""), why)
	s.in.Rollout.Budgets = []v1alpha1.BudgetRecord{
		publish(),
		{Name: "list", Operation: "GET /v1/signals", Objective: "99 % within 0.3s", WindowDays: 7, Total: 3000, Failed: 3, BurnRate: "0.1", Consumed: "0.002"},
		{Name: "unheard", Operation: "all", Objective: "99 % succeed"},
	}
	return s.enter(12, v1alpha1.PhaseRollingBack, "", 25, why.Reason, why.Message).
		enter(3, v1alpha1.PhaseRolledBack, "", 0, why.Reason, why.Message).end(v1alpha1.ResultRolledBack)
}

func TestBudgets(t *testing.T) {
	text := Make(burned()).Markdown
	golden(t, "budget-burned.md", text)
	want := []string{
		"| operation | objective | target | requests | against | achieved | burn rate | budget consumed | limit | evidence |",
		"|---|---|---|---|---|---|---|---|---|---|",
		"| GET /v1/signals | list | 99 % within 0.3s, 7 days | 3000 | 3 | 99.9 % | 0.1 | 0.2 % | none | 5, 7 |",
		`| POST /v1/signals\|orders | publish | 99.9 % succeed, 30 days | 1200 | 600 | 50 % | 500 | 6.12 % | 5 % | 6, 8 |`,
		"| all | unheard | 99 % succeed | 0 | 0 |  |  | unknown | none | 9 |",
	}
	var got []string
	for _, l := range section(t, text, "Service Level Objectives") {
		if strings.HasPrefix(l, "|") {
			got = append(got, l)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Law 14: each row names evidence that is there, and is of its objective.
func TestEveryBudgetHasItsEvidence(t *testing.T) {
	told := tell(burned())
	for _, s := range told.budgets {
		if len(s.facts) == 0 {
			t.Errorf("%s rests on nothing", s.Name)
		}
		for _, number := range s.facts {
			if f := told.facts[number-1]; f.number != number || f.Kind != v1alpha1.SignalSLO || f.Name != s.Name {
				t.Errorf("%s rests on %+v", s.Name, f)
			}
		}
	}
}

func TestBudgetsForMachines(t *testing.T) {
	var d struct {
		Objectives []map[string]any `json:"objectives"`
	}
	if err := json.Unmarshal(Make(burned()).JSON, &d); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"name": "publish", "operation": "POST /v1/signals|orders", "objective": "99.9 % succeed", "windowDays": 30.0, "total": 1200.0, "failed": 600.0,
		"burnRate": "500", "consumed": "0.0612", "limit": "0.05", "evidence": []any{6.0, 8.0},
	}
	if diff := cmp.Diff(want, d.Objectives[1]); diff != "" || len(d.Objectives) != 3 {
		t.Errorf("%d objectives: %s", len(d.Objectives), diff)
	}
}

func TestWithoutObjectivesThereIsNoTable(t *testing.T) {
	r := Make(good())
	if strings.Contains(r.Markdown, "Service Level") || strings.Contains(string(r.JSON), `"objectives"`) {
		t.Error("there is one")
	}
}

// Objectives as long as the schema lets them be must not push out the rest.
func TestBudgetsAreBounded(t *testing.T) {
	in := burned()
	in.Rollout.Budgets = nil
	for i := range 16 {
		in.Rollout.Budgets = append(in.Rollout.Budgets, v1alpha1.BudgetRecord{Name: fmt.Sprintf("%s%02d", strings.Repeat("|", 38), i), Operation: strings.Repeat("|", 1024), Objective: strings.Repeat("|", 64)})
	}
	r := Make(in)
	if n := len(strings.Join(section(t, r.Markdown, "Service Level Objectives"), "\n")); n > maxBudgets+512 || len(r.Markdown) > 256<<10 || !json.Valid(r.JSON) {
		t.Errorf("the table has %d bytes of %d", n, len(r.Markdown))
	}
}
