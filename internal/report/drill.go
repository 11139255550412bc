package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxDrill is what the scorecard may take, in bytes.
const maxDrill = 8 << 10

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
