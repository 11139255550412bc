package report

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// schema names the form of report.json.
const schema = "delivery.signal.dev/report/v1alpha1"

// document is the report for machines.
type document struct {
	Schema          string                 `json:"schema"`
	Namespace       string                 `json:"namespace"`
	Name            string                 `json:"name"`
	Environment     string                 `json:"environment"`
	Release         v1alpha1.Release       `json:"release"`
	Stable          *v1alpha1.Release      `json:"stable,omitempty"`
	Phase           v1alpha1.Phase         `json:"phase"`
	Result          v1alpha1.Result        `json:"result"`
	Reason          string                 `json:"reason"`
	Message         string                 `json:"message"`
	Start           string                 `json:"start"`
	End             string                 `json:"end"`
	DurationSeconds int64                  `json:"durationSeconds"`
	Exposed         bool                   `json:"exposed"`
	Overruled       bool                   `json:"overruled"`
	RollbackNeeded  bool                   `json:"rollbackNeeded"`
	Plan            v1alpha1.Plan          `json:"plan"`
	WorkedWell      []statement            `json:"workedWell"`
	Anomalies       []statement            `json:"anomalies"`
	KeyMetrics      []statement            `json:"keyMetrics"`
	CriticalPaths   []crossing             `json:"criticalPaths,omitempty"`
	Objectives      []account              `json:"objectives,omitempty"`
	LoadTest        []measure              `json:"loadTest,omitempty"`
	Profiles        []v1alpha1.Profile     `json:"profiles,omitempty"`
	Observed        []v1alpha1.Anomaly     `json:"observedAnomalies,omitempty"`
	Drill           *v1alpha1.DrillRun     `json:"drill,omitempty"`
	Timeline        []moment               `json:"timeline"`
	Tallies         []v1alpha1.MetricTally `json:"tallies,omitempty"`
	FiredBefore     []string               `json:"firedBefore,omitempty"`
	ClippedTo       int                    `json:"clippedTo,omitempty"` // bytes, when texts had to be shortened
	Evidence        []exhibit              `json:"evidence"`
}

// statement is a line and the numbers of the evidence that it rests on.
type statement struct {
	Label    string `json:"label,omitempty"`
	Text     string `json:"text"`
	Evidence []int  `json:"evidence"`
}

// moment is a part of the timeline.
type moment struct {
	v1alpha1.TimelineEntry
	TookSeconds int64 `json:"tookSeconds"`
}

// exhibit is a verdict and its number. What was remembered without a verdict
// has no outcome.
type exhibit struct {
	Number int `json:"number"`
	verdict.Verdict
}

// encode writes the document. What is too long for a ConfigMap is said with
// shorter texts: half a document would be no JSON.
func encode(t tale) []byte {
	var text []byte
	for _, limit := range []int{0, 1024, 256, 64, 16} {
		if text = marshal(compose(t, limit)); len(text) <= maxJSON {
			break
		}
	}
	return text
}

func marshal(d document) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // limits and queries are full of < and >
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		panic(fmt.Sprintf("report: encode: %v", err)) // strings and numbers always encode
	}
	return b.Bytes()
}

// compose is the document with texts of at most limit bytes; 0 is no limit.
func compose(t tale, limit int) document {
	clip := func(text string) string {
		if limit == 0 {
			return text
		}
		return verdict.Clip(text, limit)
	}
	r := t.Rollout
	d := document{
		Schema: schema, Namespace: t.Namespace, Name: t.Name, Environment: t.Environment, Release: t.Release, Stable: t.Stable,
		Phase: r.Phase, Result: r.Result, Reason: r.Reason, Message: r.Message, Start: stamp(r.StartTime), End: stamp(r.EndTime),
		DurationSeconds: int64(t.duration().Seconds()), Exposed: r.Exposed, Overruled: r.Overruled, RollbackNeeded: t.turnedBack(), Plan: r.Plan,
		WorkedWell: statements(t.worked, clip), Anomalies: statements(t.anomalies, clip), KeyMetrics: statements(t.measures, clip), Objectives: accounts(t.budgets, clip), LoadTest: measuresOf(loadTest(t.facts), clip),
		CriticalPaths: clippedCrossings(t.facts, clip),
		Timeline:      []moment{}, Tallies: r.Tallies, ClippedTo: limit, Evidence: []exhibit{},
	}
	d.profiles(t, clip)
	d.Drill = clippedDrill(lastDrill(t.Drill), clip)
	for _, key := range r.FiredBefore {
		d.FiredBefore = append(d.FiredBefore, clip(key))
	}
	for _, p := range t.phases {
		p.Message = clip(p.Message)
		d.Timeline = append(d.Timeline, moment{p.TimelineEntry, int64(p.took.Seconds())})
	}
	for _, f := range t.facts {
		d.Evidence = append(d.Evidence, exhibit{f.number, clipped(f.Verdict, clip)})
	}
	return d
}

func clipped(v verdict.Verdict, clip func(string) string) verdict.Verdict {
	v.Name, v.Message = clip(v.Name), clip(v.Message)
	if v.Evidence == nil {
		return v
	}
	e := *v.Evidence
	e.Value, e.Baseline, e.Threshold, e.Query, e.Source = clip(e.Value), clip(e.Baseline), clip(e.Threshold), clip(e.Query), clip(e.Source)
	return verdict.With(v, e)
}

func statements(lines []line, clip func(string) string) []statement {
	out := make([]statement, 0, len(lines))
	for _, l := range lines {
		out = append(out, statement{clip(l.label), clip(l.text), l.facts})
	}
	return out
}
