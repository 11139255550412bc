package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// line is a sentence and the numbers of the facts that it rests on.
type line struct {
	label, text string
	facts       []int
}

// vacuous are the reasons of verdicts in favour of nothing.
var vacuous = map[string]bool{"NoGates": true, "NoChecks": true, "NoRules": true, "NoRoutes": true, "NothingToJudge": true}

// worked are the verdicts in favour, those that say the same thing together,
// and the parts of the way in which every signal was in favour.
func worked(facts []fact, plan v1alpha1.Plan) []line {
	lines := append(favour(facts), passages(facts, plan)...)
	slices.SortStableFunc(lines, func(a, b line) int { return a.facts[0] - b.facts[0] })
	return lines
}

func favour(facts []fact) []line {
	var lines group
	for _, f := range facts {
		switch {
		case !inFavour(f) || detailed(f) || f.Kind == v1alpha1.SignalRequest || vacuous[f.Reason] || critical(f):
		case f.Kind == v1alpha1.SignalMetric && f.Name != "" && f.Evidence != nil && f.Evidence.Threshold != "":
			lines.add("metric "+f.Name, line{text: fmt.Sprintf("Metric %s kept its limits in every sample%s: %s", f.Name, often(f, facts, "of"), seen(*f.Evidence))}, f)
		case f.Kind == v1alpha1.SignalSLO && f.Name != "":
			lines.add("objective "+f.Name, line{text: f.Message}, f)
		case f.Kind == v1alpha1.SignalAlert && f.Name != "":
			lines.add("alert "+f.Name, line{text: fmt.Sprintf("Alert rule %s stayed quiet%s", f.Name, often(f, facts, "in"))}, f)
		default:
			lines.add("said "+f.Message, line{text: f.Message}, f)
		}
	}
	return lines.lines
}

// inFavour reports whether a verdict is in favour, and of nothing odd.
func inFavour(f fact) bool { return f.Outcome == verdict.Passed && !odd(f) }

// odd reports whether a verdict in favour tells of something that was not as
// it should be.
func odd(f fact) bool {
	return failing(f) || f.Reason == "FiredBefore" || f.Reason == "NoDataIgnored" || f.Reason == "TagMoved"
}

func failing(f fact) bool { return f.Evidence != nil && f.Evidence.Failures > 0 }

// judges reports whether a signal judges a release that takes traffic.
func judges(f fact) bool {
	return f.Kind == v1alpha1.SignalMetric || f.Kind == v1alpha1.SignalSLO || f.Kind == v1alpha1.SignalAlert
}

// often says how many of a signal's verdicts were in favour of nothing odd.
func often(f fact, facts []fact, before string) string {
	good, all := 0, 0
	for _, other := range facts {
		if other.Kind != f.Kind || other.Name != f.Name || other.Outcome == "" {
			continue
		}
		all++
		if inFavour(other) {
			good++
		}
	}
	switch {
	case all == 1:
		return ""
	case good == all:
		return fmt.Sprintf(" %s all %d verdicts", before, all)
	}
	return fmt.Sprintf(" %s %d of %d verdicts", before, good, all)
}

// seen says the latest value of a metric.
func seen(e verdict.Evidence) string {
	text := "must be " + e.Threshold
	if e.Baseline != "" {
		text = fmt.Sprintf("stable %s, %s", e.Baseline, text)
	}
	if e.Value != "" {
		text = fmt.Sprintf("last %s, %s", e.Value, text)
	}
	return text
}

// passages are the steps, moves and phases under traffic in which signals
// spoke, and nothing but in favour.
func passages(facts []fact, plan v1alpha1.Plan) []line {
	var lines group
	against := map[string]bool{}
	for _, f := range facts {
		switch {
		case f.Outcome != verdict.Passed:
			against[where(f)] = true
		case judges(f):
			lines.add(where(f), line{label: where(f), text: passage(f, plan)}, f)
		}
	}
	passed := slices.DeleteFunc(lines.lines, func(l line) bool { return l.text == "" || against[l.label] })
	for i := range passed {
		passed[i].label = ""
		passed[i].text += fmt.Sprintf(": %d of %d signals in favour", len(passed[i].facts), len(passed[i].facts))
	}
	return passed
}

// passage names what was passed when the fact was recorded, if it is worth a
// line.
func passage(f fact, plan v1alpha1.Plan) string {
	if f.Phase == v1alpha1.PhaseVerifying {
		return "Verified after the cutover"
	}
	if f.Phase == v1alpha1.PhaseCuttingOver {
		return "Cutover move " + f.Step + " passed"
	}
	if f.Phase != v1alpha1.PhaseProgressing {
		return ""
	}
	for _, step := range plan.Steps {
		if step.Name == f.Step {
			return fmt.Sprintf("Step %s passed at %d %% of the traffic", f.Step, step.Weight)
		}
	}
	return "Step " + f.Step + " passed"
}

// anomalies are what was against, what was left open, what was in favour with
// something odd, and what people asked for.
func anomalies(facts []fact) []line {
	var lines group
	for _, f := range facts {
		switch {
		case f.Kind == v1alpha1.SignalSLO && f.Outcome == "": // the table tells it
		case f.Outcome == verdict.Unknown && f.Kind == v1alpha1.SignalGate:
			lines.add("waited "+f.Name+f.Reason, line{label: f.Reason, text: "waited before it started: " + f.Message}, f)
		case f.Outcome == verdict.Unknown:
			lines.add("open "+f.Message, line{label: f.Reason, text: "left open: " + f.Message}, f)
		case f.Outcome == verdict.Passed && f.Kind == v1alpha1.SignalMetric && failing(f):
			lines.join("failing "+f.Name, line{label: "FailingSamples", text: fmt.Sprintf("Metric %s passed with failing samples: ", f.Name)},
				fmt.Sprintf("%d of %d%s", f.Evidence.Failures, f.Evidence.Samples, inside(f)), f)
		case !inFavour(f) || f.Kind == v1alpha1.SignalRequest:
			lines.add(f.Reason+" "+f.Message, line{label: f.Reason, text: f.Message}, f)
		}
	}
	return lines.lines
}

// measures are the values of the metrics, and how the traffic was split, step
// by step.
func measures(facts []fact) []line {
	var lines group
	for _, f := range facts {
		split := f.Kind == v1alpha1.SignalWatermark && f.Name == "split"
		if f.Kind != v1alpha1.SignalMetric && !split || f.Evidence == nil || f.Evidence.Value == "" {
			continue
		}
		text := f.Evidence.Value
		if f.Evidence.Threshold != "" {
			text += ", must be " + f.Evidence.Threshold
		}
		if f.Evidence.Baseline != "" {
			text += ", stable " + f.Evidence.Baseline
		}
		l := line{label: fmt.Sprintf("%s (%s)", f.Name, where(f)), text: text}
		lines.add(l.label+l.text, l, f)
	}
	return lines.lines
}

// remembered is what was worth remembering and no verdict tells: a release
// that ends early leaves signals unheard.
func remembered(r v1alpha1.RolloutStatus) []verdict.Verdict {
	var out []verdict.Verdict
	for _, key := range r.FiredBefore {
		told := func(v verdict.Verdict) bool {
			return v.Kind == v1alpha1.SignalAlert && v.Outcome == verdict.Passed && strings.Contains(v.Message, key)
		}
		if !slices.ContainsFunc(r.Verdicts, told) {
			out = append(out, verdict.Verdict{
				Kind: v1alpha1.SignalAlert, Name: key, Reason: "FiredBefore", Evidence: &verdict.Evidence{Source: "status.rollout.firedBefore"},
				Message: fmt.Sprintf("Alert %s fired before the release started, and is not blamed on it", key),
			})
		}
	}
	for _, tally := range r.Tallies {
		told := func(v verdict.Verdict) bool {
			return v.Kind == v1alpha1.SignalMetric && v.Name == tally.Name && failing(fact{Verdict: v})
		}
		if tally.Failures > 0 && !slices.ContainsFunc(r.Verdicts, told) {
			out = append(out, verdict.Verdict{
				Kind: v1alpha1.SignalMetric, Name: tally.Name, Reason: "FailingSamples", Evidence: &verdict.Evidence{Source: "status.rollout.tallies", Failures: tally.Failures},
				Message: fmt.Sprintf("Metric %s had %d failing samples", tally.Name, tally.Failures),
			})
		}
	}
	return out
}

// where is the phase and the step in which a fact was recorded.
func where(f fact) string { return strings.TrimSpace(string(f.Phase) + " " + f.Step) }

// inside is where, as the end of a sentence.
func inside(f fact) string {
	if where(f) == "" {
		return ""
	}
	return " in " + where(f)
}

// group collects lines; facts with the same key share one, and the latest has
// its say.
type group struct {
	lines []line
	at    map[string]int
}

func (g *group) add(key string, l line, f fact) {
	if g.at == nil {
		g.at = map[string]int{}
	}
	i, there := g.at[key]
	if !there {
		i = len(g.lines)
		g.at[key], g.lines = i, append(g.lines, line{})
	}
	l.facts = append(slices.Clone(g.lines[i].facts), f.number)
	g.lines[i] = l
}

// join adds a part to a list of parts.
func (g *group) join(key string, l line, part string, f fact) {
	if i, there := g.at[key]; there {
		l.text = g.lines[i].text + ", "
	}
	l.text += part
	g.add(key, l, f)
}
