package report

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxBudgets bounds the table of objectives, in bytes.
const maxBudgets = 18 << 10

// spending is what a release consumed of one error budget, and the numbers of
// the facts that say so.
type spending struct {
	v1alpha1.BudgetRecord
	facts []int
}

// spendings are those of the objectives, by operation: what the budgets were
// when the release last came into a phase, step or move.
func spendings(budgets []v1alpha1.BudgetRecord, facts []fact) []spending {
	out := make([]spending, 0, len(budgets))
	for _, b := range budgets {
		s := spending{BudgetRecord: b}
		for _, f := range facts {
			if f.Kind == v1alpha1.SignalSLO && f.Name == b.Name {
				s.facts = append(s.facts, f.number)
			}
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b spending) int {
		if a.Operation == b.Operation {
			return 0
		}
		if a.Operation < b.Operation {
			return -1
		}
		return 1
	})
	return out
}

// untold are the budgets of which no verdict tells.
func untold(r v1alpha1.RolloutStatus) []verdict.Verdict {
	var out []verdict.Verdict
	for _, b := range r.Budgets {
		told := func(v verdict.Verdict) bool { return v.Kind == v1alpha1.SignalSLO && v.Name == b.Name }
		if !slices.ContainsFunc(r.Verdicts, told) {
			out = append(out, verdict.Verdict{
				Kind: v1alpha1.SignalSLO, Name: b.Name, Reason: "Remembered",
				Message:  fmt.Sprintf("Objective %q: %d of %d requests were counted against its error budget", b.Name, b.Failed, b.Total),
				Evidence: &verdict.Evidence{Value: b.Consumed, Threshold: atMost(b.Limit), Source: "status.rollout.budgets"},
			})
		}
	}
	return out
}

// aim is the objective with its window.
func (s spending) aim() string {
	if s.WindowDays == 0 {
		return s.Objective
	}
	return fmt.Sprintf("%s, %d days", s.Objective, s.WindowDays)
}

// ratio is the share of requests that were answered well.
func (s spending) ratio() string {
	if s.Total <= 0 {
		return ""
	}
	return share(1 - float64(s.Failed)/float64(s.Total))
}

// budgets is the table of objectives; without any, there is none.
func (w *writer) budgets(all []spending) {
	if len(all) == 0 {
		return
	}
	w.f("## Service Level Objectives 🎯\n\n| operation | objective | target | requests | against | achieved | burn rate | budget consumed | limit | evidence |\n|---|---|---|---|---|---|---|---|---|---|\n")
	rows := make([]string, 0, len(all))
	for _, s := range all {
		rows = append(rows, row(s.Operation, s.Name, s.aim(), strconv.FormatInt(s.Total, 10), strconv.FormatInt(s.Failed, 10), s.ratio(),
			s.BurnRate, portion(s.Consumed, "unknown"), portion(s.Limit, "none"), numbers(s.facts)))
	}
	w.fill(maxBudgets, rows, "\n")
	w.f("\n")
}

// portion is a share as a percentage, if there is one.
func portion(text, absent string) string {
	if text == "" {
		return absent
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return share(n)
}

func share(n float64) string { return strconv.FormatFloat(n*100, 'g', 5, 64) + " %" }

func atMost(limit string) string {
	if limit == "" {
		return ""
	}
	return "<= " + limit
}

// account is a row of the table, for machines.
type account struct {
	v1alpha1.BudgetRecord
	Evidence []int `json:"evidence"`
}

func accounts(all []spending, clip func(string) string) []account {
	out := make([]account, 0, len(all))
	for _, s := range all {
		s.Operation = clip(s.Operation)
		out = append(out, account{s.BudgetRecord, s.facts})
	}
	return out
}
