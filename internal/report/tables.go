package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/signal-delivery/operator/internal/verdict"
)

// maxCell bounds what one table cell repeats, in bytes before escaping.
const maxCell = 300

func (w *writer) timeline(phases []phase) {
	w.f("## Timeline\n\n| start (UTC) | phase | step | weight | took | reason |\n|---|---|---|---|---|---|\n")
	rows := make([]string, 0, len(phases))
	for i, p := range phases {
		took := span(p.took)
		if i == len(phases)-1 {
			took = ""
		}
		rows = append(rows, row(clock(p.Time), string(p.Phase), p.Step, strconv.Itoa(int(p.Weight))+" %", took, p.Reason))
	}
	w.fill(maxTimeline, rows, "\n")
	w.f("\n")
}

func (w *writer) evidence(facts []fact) {
	w.f("## Evidence\n\n| # | kind | name | phase | outcome | reason | value | limit | stable | window | source | time (UTC) |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	shown := fitting(facts, maxEvidence)
	for _, f := range shown {
		w.f("%s", evidenceRow(f))
	}
	if n := len(facts) - len(shown); n > 0 {
		w.f("\n%d more in favour or of less weight are left out here; report.json has them.\n", n)
	}
	w.queries(facts)
	w.f("\n")
}

// fitting are the facts whose rows fit into the limit. Those in favour have to
// stand back: the others say why.
func fitting(facts []fact, limit int) []fact {
	shown := map[int]bool{}
	for _, passed := range []bool{false, true} {
		for _, f := range facts {
			size := len(evidenceRow(f))
			if (f.Outcome == verdict.Passed) == passed && size <= limit {
				limit -= size
				shown[f.number] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(facts), func(f fact) bool { return !shown[f.number] })
}

func evidenceRow(f fact) string {
	e := verdict.Evidence{}
	if f.Evidence != nil {
		e = *f.Evidence
	}
	return row(strconv.Itoa(f.number), string(f.Kind), f.Name, where(f), string(f.Outcome), f.Reason,
		e.Value, e.Threshold, e.Baseline, e.Window, e.Source, clock(e.Time))
}

// queries lists what was asked, each once.
func (w *writer) queries(facts []fact) {
	var asked group
	for _, f := range facts {
		if f.Evidence != nil && f.Evidence.Query != "" {
			asked.add(f.Evidence.Query, line{text: f.Evidence.Query}, f)
		}
	}
	if len(asked.lines) == 0 {
		return
	}
	w.f("\nWhat was asked:\n\n")
	items := make([]string, 0, len(asked.lines))
	for _, l := range asked.lines {
		items = append(items, "- ["+numbers(l.facts)+"] "+code(l.text)+"\n")
	}
	w.fill(maxQueries, items, "- ")
}

func row(cells ...string) string {
	var b strings.Builder
	for _, text := range cells {
		b.WriteString("| " + cell(text) + " ")
	}
	return b.String() + "|\n"
}

// cell is text that is not ours, short enough for a table.
func cell(text string) string { return escape(verdict.Clip(text, maxCell)) }
