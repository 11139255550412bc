package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Bounds of tables, in bytes.
const (
	maxCritical = 10 << 10 // of critical paths
	maxLoad     = 8 << 10  // of the load test
	maxDrill    = 8 << 10  // of the drill, each
)

// critical are the facts about critical paths, by the reasons that they have.
func critical(f fact) bool {
	return f.Kind == v1alpha1.SignalSmoke && strings.HasPrefix(f.Reason, "CriticalPath") && f.Evidence != nil
}

// crossing is a critical path, and which check asked for it.
type crossing struct {
	Name     string           `json:"name"`
	Path     string           `json:"path"`
	Covered  bool             `json:"covered"`
	By       string           `json:"by,omitempty"`
	Asked    string           `json:"asked,omitempty"`
	Outcome  v1alpha1.Outcome `json:"outcome"`
	Phase    v1alpha1.Phase   `json:"phase,omitempty"`
	Evidence []int            `json:"evidence"`
}

func crossings(facts []fact) []crossing {
	var out []crossing
	for _, f := range facts {
		if !critical(f) {
			continue
		}
		c := crossing{Name: f.Name, Path: f.Evidence.Threshold, Covered: f.Reason != "CriticalPathNotCovered", Outcome: f.Outcome, Phase: f.Phase, Evidence: []int{f.number}}
		if c.Covered {
			c.By, c.Asked = f.Evidence.Source, f.Evidence.Value
		}
		out = append(out, c)
	}
	return out
}

// critical is the table of critical paths; without any, there is none.
func (w *writer) critical(all []crossing) {
	if len(all) == 0 {
		return
	}
	w.f("## Critical Paths 🧭\n\n| name | path | covered by | asked as | outcome | phase | evidence |\n|---|---|---|---|---|---|---|\n")
	rows := make([]string, 0, len(all))
	for _, c := range all {
		by, outcome := c.By, string(c.Outcome)
		if !c.Covered {
			by, outcome = "not covered", ""
		}
		rows = append(rows, row(c.Name, c.Path, by, c.Asked, outcome, string(c.Phase), numbers(c.Evidence)))
	}
	w.fill(maxCritical, rows, "\n")
	w.f("\n")
}

// clippedCrossings are for machines what the table says to people.
func clippedCrossings(facts []fact, clip func(string) string) []crossing {
	out := crossings(facts)
	for i := range out {
		out[i].Name, out[i].Path, out[i].By, out[i].Asked = clip(out[i].Name), clip(out[i].Path), clip(out[i].By), clip(out[i].Asked)
	}
	return out
}

// measure is a line of the load test, for people and for machines.
type measure struct {
	Measure  string           `json:"measure"`
	Outcome  v1alpha1.Outcome `json:"outcome"`
	Value    string           `json:"value"`
	Limit    string           `json:"limit,omitempty"`
	Stable   string           `json:"stable,omitempty"`
	Text     string           `json:"text"`
	Evidence []int            `json:"evidence"`
}

// part is what of a load test the verdict is about; it sums up all when that is
// empty.
func part(f fact) (what string, of bool) {
	if f.Kind != v1alpha1.SignalLoad {
		return "", false
	}
	what, of = strings.CutPrefix(f.Name, "load ")
	return what, of || f.Name == "load"
}

// loadTest are the lines of the load test: the whole, and then its parts.
func loadTest(facts []fact) []measure {
	var whole, parts []measure
	for _, f := range facts {
		what, of := part(f)
		if !of || f.Evidence == nil {
			continue
		}
		m := measure{what, f.Outcome, f.Evidence.Value, f.Evidence.Threshold, f.Evidence.Baseline, f.Message, []int{f.number}}
		if what == f.Name {
			m.Measure = "test"
			whole = append(whole, m)
			continue
		}
		parts = append(parts, m)
	}
	return append(whole, parts...)
}

// loadTest is the table of the load test; without one, there is none.
func (w *writer) loadTest(all []measure) {
	if len(all) == 0 {
		return
	}
	w.f("## Load Test 🏋️\n\n| measure | outcome | value | limit | stable | says | evidence |\n|---|---|---|---|---|---|---|\n")
	rows := make([]string, 0, len(all))
	for _, m := range all {
		rows = append(rows, row(m.Measure, string(m.Outcome), m.Value, m.Limit, m.Stable, m.Text, numbers(m.Evidence)))
	}
	w.fill(maxLoad, rows, "\n")
	w.f("\n")
}

// measuresOf are the lines with texts that fit.
func measuresOf(all []measure, clip func(string) string) []measure {
	out := make([]measure, 0, len(all))
	for _, m := range all {
		m.Value, m.Limit, m.Stable, m.Text = clip(m.Value), clip(m.Limit), clip(m.Stable), clip(m.Text)
		out = append(out, m)
	}
	return out
}

// detailed reports whether a verdict in favour is told in the table of the load
// test.
func detailed(f fact) bool {
	what, of := part(f)
	return of && what != "load" && f.Outcome == verdict.Passed
}

// lastDrill is the last drill that is over, or nil.
func lastDrill(memory *v1alpha1.DrillStatus) *v1alpha1.DrillRun {
	if memory == nil {
		return nil
	}
	for i, run := range memory.Runs {
		if run.Result != v1alpha1.DrillRunning {
			return &memory.Runs[i]
		}
	}
	return nil
}

// drill is the scorecard of the last drill: how soon a failing release would be
// noticed, and turned back.
func (w *writer) drill(run *v1alpha1.DrillRun) {
	if run == nil {
		return
	}
	w.f("## Rollback Drill\n\n")
	w.f("- **Result**: %s, %d of 100 points: %s\n", cell(string(run.Result)), run.Score, escape(run.Message))
	w.f("- **Hypothesis**: a failing signal is noticed and turned back in time, and everything is as it was\n\n")
	if len(run.Parts) > 0 {
		w.f("| part | outcome | value | limit | points |\n|---|---|---|---|---|\n")
		rows := make([]string, 0, len(run.Parts))
		for _, p := range run.Parts {
			points := "0 of " + strconv.Itoa(int(p.Points))
			if p.Outcome == verdict.Passed {
				points = strconv.Itoa(int(p.Points))
			}
			rows = append(rows, row(p.Name, string(p.Outcome), p.Value, p.Threshold, points))
		}
		w.fill(maxDrill, rows, "\n")
		w.f("\n")
	}
	w.f("| moment (UTC) | seen | after |\n|---|---|---|\n")
	rows := make([]string, 0, len(run.Moments))
	for _, m := range run.Moments {
		after := m.Time.Sub(run.Moments[0].Time.Time).Round(time.Millisecond)
		rows = append(rows, row(m.Time.UTC().Format("2006-01-02 15:04:05.000"), m.Name, after.String()))
	}
	w.fill(maxDrill, rows, "\n")
	w.f("\n")
}

// scorecard is the drill alone.
func scorecard(in Input, run *v1alpha1.DrillRun) string {
	if run == nil {
		return ""
	}
	w := &writer{}
	w.f("# Rollback Drill - %s\n\n", cell(in.Name))
	w.f("**Target**: %s  \n**Serves Now**: %s\n\n", cell(fmt.Sprintf("%s/%s, environment %s", in.Namespace, in.Name, in.Environment)), serving(in.Stable))
	w.drill(run)
	return strings.TrimRight(w.String(), "\n") + "\n"
}

func clippedDrill(run *v1alpha1.DrillRun, clip func(string) string) *v1alpha1.DrillRun {
	if run == nil {
		return nil
	}
	out := run.DeepCopy()
	out.Message = clip(out.Message)
	for i := range out.Parts {
		out.Parts[i].Value = clip(out.Parts[i].Value)
	}
	return out
}
