package report

import (
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxLoad bounds the table of the load test, in bytes.
const maxLoad = 8 << 10

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
