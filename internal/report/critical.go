package report

import (
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// maxCritical bounds the table of critical paths, in bytes.
const maxCritical = 10 << 10

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
