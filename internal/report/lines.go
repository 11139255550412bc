package report

import (
	"fmt"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// worked are the verdicts in favour, those that say the same thing together.
func worked(facts []fact) []line {
	var lines group
	for _, f := range facts {
		if f.Outcome != verdict.Passed || f.Kind == v1alpha1.SignalRequest || f.Reason == "NoGates" || odd(f) {
			continue
		}
		switch f.Kind {
		case v1alpha1.SignalMetric:
			lines.add("metric "+f.Name, fmt.Sprintf("Metric %s kept its limits", f.Name), f)
		case v1alpha1.SignalAlert:
			lines.add("alert "+f.Name, quiet(f), f)
		case v1alpha1.SignalSpec, v1alpha1.SignalArtifact, v1alpha1.SignalGate, v1alpha1.SignalWorkload, v1alpha1.SignalRoute,
			v1alpha1.SignalSmoke, v1alpha1.SignalDeadline:
			lines.add(string(f.Kind)+f.Message, f.Message, f)
		case v1alpha1.SignalRequest:
		}
	}
	return lines.lines
}

func quiet(f fact) string {
	if f.Name == "" {
		return f.Message
	}
	return fmt.Sprintf("Alert rule %s stayed quiet", f.Name)
}

// odd reports whether a verdict in favour tells of something that was not as
// it should be.
func odd(f fact) bool {
	failing := f.Evidence != nil && f.Evidence.Failures > 0
	return failing || f.Reason == "FiredBefore" || f.Reason == "NoDataIgnored"
}

// anomalies are the verdicts against, those that were waited for in vain,
// those in favour with something odd, and what people asked for.
func anomalies(facts []fact) []line {
	var lines group
	for _, f := range facts {
		switch {
		case f.Outcome == verdict.Failed:
			lines.add(f.Message, fmt.Sprintf("**%s**: %s", escape(f.Reason), escape(f.Message)), f)
		case f.Outcome == verdict.Unknown:
			lines.add(f.Message, fmt.Sprintf("**%s** was waited for in vain: %s", escape(f.Reason), escape(f.Message)), f)
		case f.Kind == v1alpha1.SignalRequest:
			lines.add(f.Message, fmt.Sprintf("**%s**: %s", escape(f.Reason), escape(f.Message)), f)
		case odd(f) && f.Kind == v1alpha1.SignalMetric && f.Evidence.Failures > 0:
			lines.add("failing "+f.Name, fmt.Sprintf("**FailingSamples**: metric %s had failing samples, within what it may have", escape(f.Name)), f)
		case odd(f):
			lines.add(f.Message, fmt.Sprintf("**%s**: %s", escape(f.Reason), escape(f.Message)), f)
		}
	}
	return lines.lines
}

// measures are the values of the metrics, step by step.
func measures(facts []fact) []line {
	var lines group
	for _, f := range facts {
		if f.Kind != v1alpha1.SignalMetric || f.Evidence == nil || f.Evidence.Value == "" {
			continue
		}
		where := string(f.Phase)
		if f.Step != "" {
			where += " " + f.Step
		}
		text := fmt.Sprintf("**%s** (%s): %s, must be %s", escape(f.Name), escape(where), escape(f.Evidence.Value), escape(f.Evidence.Threshold))
		if f.Evidence.Baseline != "" {
			text += ", stable " + escape(f.Evidence.Baseline)
		}
		lines.add(text, text, f)
	}
	return lines.lines
}

// group collects lines; facts with the same key share one.
type group struct {
	lines []line
	at    map[string]int
}

func (g *group) add(key, text string, f fact) {
	if i, there := g.at[key]; there {
		g.lines[i].facts = append(g.lines[i].facts, f.number)
		return
	}
	if g.at == nil {
		g.at = map[string]int{}
	}
	g.at[key] = len(g.lines)
	g.lines = append(g.lines, line{text: text, facts: []int{f.number}})
}
