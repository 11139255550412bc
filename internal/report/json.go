package report

import (
	"encoding/json"
	"fmt"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// schema names the form of report.json.
const schema = "delivery.signal.dev/report/v1alpha1"

// document is the report for machines.
type document struct {
	Schema          string            `json:"schema"`
	Namespace       string            `json:"namespace"`
	Name            string            `json:"name"`
	Environment     string            `json:"environment"`
	Release         v1alpha1.Release  `json:"release"`
	Stable          *v1alpha1.Release `json:"stable,omitempty"`
	Result          v1alpha1.Result   `json:"result"`
	Reason          string            `json:"reason"`
	Message         string            `json:"message"`
	Start           string            `json:"start"`
	End             string            `json:"end"`
	DurationSeconds int64             `json:"durationSeconds"`
	Exposed         bool              `json:"exposed"`
	Plan            v1alpha1.Plan     `json:"plan"`
	WorkedWell      []statement       `json:"workedWell"`
	Anomalies       []statement       `json:"anomalies"`
	Timeline        []moment          `json:"timeline"`
	Evidence        []verdict.Verdict `json:"evidence"`
}

// statement is a line and the evidence that it rests on, counted from 1.
type statement struct {
	Text     string `json:"text"`
	Evidence []int  `json:"evidence"`
}

// moment is a part of the timeline.
type moment struct {
	v1alpha1.TimelineEntry
	TookSeconds int64 `json:"tookSeconds"`
}

func encode(t tale) []byte {
	r := t.Rollout
	d := document{
		Schema: schema, Namespace: t.Namespace, Name: t.Name, Environment: t.Environment, Release: t.Release, Stable: t.Stable,
		Result: r.Result, Reason: r.Reason, Message: r.Message, Start: stamp(r.StartTime), End: stamp(r.EndTime),
		DurationSeconds: int64(t.duration().Seconds()), Exposed: r.Exposed, Plan: r.Plan,
		WorkedWell: statements(t.worked), Anomalies: statements(t.anomalies), Timeline: []moment{}, Evidence: []verdict.Verdict{},
	}
	for _, p := range t.phases {
		d.Timeline = append(d.Timeline, moment{p.TimelineEntry, int64(p.took.Seconds())})
	}
	d.Evidence = append(d.Evidence, r.Verdicts...)
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("report: encode: %v", err)) // strings and numbers always encode
	}
	return append(text, '\n')
}

func statements(lines []line) []statement {
	out := make([]statement, 0, len(lines))
	for _, l := range lines {
		out = append(out, statement{l.text, l.facts})
	}
	return out
}
