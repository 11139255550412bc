package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// told is what a story's report says, as text with its evidence.
func told(lines []line) []string {
	var out []string
	for _, l := range lines {
		text := l.text + " [" + numbers(l.facts) + "]"
		if l.label != "" {
			text = l.label + ": " + text
		}
		out = append(out, text)
	}
	return out
}

// during begins a step, in which the verdicts are recorded.
func during(s *story, name string, verdicts ...verdict.Verdict) *story {
	return s.enter(1, v1alpha1.PhaseProgressing, name, 5, "Why", "why").says(verdicts...)
}

// remember is a story with what no verdict may tell.
func remember(s *story, keys []string, tallies ...v1alpha1.MetricTally) *story {
	s.in.Rollout.FiredBefore, s.in.Rollout.Tallies = keys, tallies
	return s
}

func named(name string, v verdict.Verdict) verdict.Verdict { return verdict.Named(v, name) }

func open() verdict.Verdict {
	return verdict.Named(verdict.Wait(v1alpha1.SignalMetric, "NoData", "Metric has no data"), "errors")
}

func TestWorked(t *testing.T) {
	firedBefore := verdict.Named(verdict.Pass(v1alpha1.SignalAlert, "FiredBefore", "Alert A fired before"), "A")
	ignored := verdict.Named(verdict.Pass(v1alpha1.SignalMetric, "NoDataIgnored", "Metric has no data, which is ignored"), "errors")
	incomparable := verdict.With(verdict.Named(verdict.Pass(v1alpha1.SignalMetric, "WithinLimits", "There is nothing to compare with"), "ratio"), verdict.Evidence{Value: "3"})
	deadline := verdict.Fail(v1alpha1.SignalDeadline, "DeadlineExceeded", "It took too long")
	promoted := verdict.Pass(v1alpha1.SignalRequest, "Promoted", "Someone promoted it")
	for name, tc := range map[string]struct {
		story *story
		want  []string
	}{
		"a step with every signal in favour": {during(newStory(), "half", errorsOf("0", 0), quiet()), []string{
			"Metric errors kept its limits in every sample: last 0, stable 0.001, must be <= 0.01, <= 1.5 * stable [1]",
			"Step half passed at 50 % of the traffic: 2 of 2 signals in favour [1, 2]", "Alert rule SignalErrors stayed quiet [2]",
		}},
		"a tag that moved is no success": {newStory().says(verdict.Pass(v1alpha1.SignalArtifact, "TagMoved", "The tag names something else now")), nil},
		"a step that is not in the plan": {during(newStory(), "gone", quiet()), []string{
			"Alert rule SignalErrors stayed quiet [1]", "Step gone passed: 1 of 1 signals in favour [1]",
		}},
		"metrics in favour when time ran out are no passed step": {during(newStory(), "half", errorsOf("0", 0), deadline), []string{
			"Metric errors kept its limits in every sample: last 0, stable 0.001, must be <= 0.01, <= 1.5 * stable [1]",
		}},
		"a step with a signal left open": {during(newStory(), "half", quiet(), open()), []string{"Alert rule SignalErrors stayed quiet [1]"}},
		"a step that people passed":      {during(newStory(), "half", promoted), nil},
		"signals before any traffic":     {newStory().enter(0, v1alpha1.PhaseChecking, "", 0, "Why", "why").says(quiet()), []string{"Alert rule SignalErrors stayed quiet [1]"}},
		"an alert that fired later": {during(during(newStory(), "first", quiet()), "half", firing()), []string{
			"Alert rule SignalErrors stayed quiet in 1 of 2 verdicts [1]", "Step first passed at 5 % of the traffic: 1 of 1 signals in favour [1]",
		}},
		"a metric with failing samples passed its step": {during(newStory(), "half", errorsOf("0", 1)), []string{"Step half passed at 50 % of the traffic: 1 of 1 signals in favour [1]"}},
		"the latest value of a metric": {during(during(newStory(), "first", errorsOf("0.003", 0)), "first", errorsOf("0.004", 0)), []string{
			"Metric errors kept its limits in every sample of all 2 verdicts: last 0.004, stable 0.001, must be <= 0.01, <= 1.5 * stable [1, 2]",
			"Step first passed at 5 % of the traffic: 2 of 2 signals in favour [1, 2]",
		}},
		"a metric that had failing samples once": {during(during(newStory(), "first", errorsOf("0.003", 0)), "half", errorsOf("0.004", 1)), []string{
			"Metric errors kept its limits in every sample of 1 of 2 verdicts: last 0.003, stable 0.001, must be <= 0.01, <= 1.5 * stable [1]",
			"Step first passed at 5 % of the traffic: 1 of 1 signals in favour [1]", "Step half passed at 50 % of the traffic: 1 of 1 signals in favour [2]",
		}},
		"a metric without a limit to hold against": {newStory().says(incomparable), []string{"There is nothing to compare with [1]"}},
		"signals of other names and kinds count for themselves": {
			remember(newStory().says(errorsOf("0", 0), named("latency", errorsOf("0.2", 0)), named("errors", quiet())), nil, v1alpha1.MetricTally{Name: "errors", Failures: 1}),
			[]string{
				"Metric errors kept its limits in every sample: last 0, stable 0.001, must be <= 0.01, <= 1.5 * stable [1]",
				"Metric latency kept its limits in every sample: last 0.2, stable 0.001, must be <= 0.01, <= 1.5 * stable [2]",
				"Alert rule errors stayed quiet [3]",
			},
		},
		"a limit alone":            {newStory().says(verdict.With(errorsOf("", 0), verdict.Evidence{Threshold: "<= 1"})), []string{"Metric errors kept its limits in every sample: must be <= 1 [1]"}},
		"what is odd is no praise": {newStory().says(firedBefore, ignored), nil},
		"nothing to judge":         {newStory().says(verdict.Pass(v1alpha1.SignalGate, "NoGates", "No gate was asked for")), nil},
		"the same thing twice":     {newStory().says(smoke(), smoke()), []string{`Check "alive" passed [1, 2]`}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, told(tell(tc.story.in).worked)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnomalies(t *testing.T) {
	firedBefore := verdict.Named(verdict.Pass(v1alpha1.SignalAlert, "FiredBefore", `Alert A{x="1"} fired before`), "A")
	for name, tc := range map[string]struct {
		story *story
		want  []string
	}{
		"none":    {newStory().says(smoke(), quiet(), errorsOf("0", 0)), nil},
		"against": {newStory().says(firing(), firing()), []string{"AlertFiring: Alert SignalErrors fires for the candidate with value 0.2: too many errors [1, 2]"}},
		"open":    {newStory().says(open()), []string{"NoData: left open: Metric has no data [1]"}},
		"waited for a gate": {
			newStory().says(verdict.Named(verdict.Wait(v1alpha1.SignalGate, "Frozen", "Freeze ends at ten"), "calendar"), verdict.Named(verdict.Pass(v1alpha1.SignalGate, "NoFreeze", "No freeze"), "calendar")),
			[]string{"Frozen: waited before it started: Freeze ends at ten [1]"},
		},
		"approved": {newStory().says(verdict.Pass(v1alpha1.SignalRequest, "Approved", "Someone approved step half")), []string{"Approved: Someone approved step half [1]"}},
		"failing samples within the budget": {
			during(during(newStory(), "first", errorsOf("0", 1)), "half", errorsOf("0", 0), errorsOf("0", 3)),
			[]string{"FailingSamples: Metric errors passed with failing samples: 1 of 12 in Progressing first, 3 of 12 in Progressing half [1, 3]"},
		},
		"an alert that fired before, told by its verdict": {remember(newStory().says(firedBefore), []string{`A{x="1"}`}), []string{`FiredBefore: Alert A{x="1"} fired before [1]`}},
		"an alert that fired before, told by none": {
			remember(newStory().says(firedBefore), []string{`B{}`}),
			[]string{`FiredBefore: Alert A{x="1"} fired before [1]`, "FiredBefore: Alert B{} fired before the release started, and is not blamed on it [2]"},
		},
		"an alert that fired before is not told by another that fires": {remember(newStory().says(firing()), []string{"Signal"}), []string{
			"AlertFiring: Alert SignalErrors fires for the candidate with value 0.2: too many errors [1]",
			"FiredBefore: Alert Signal fired before the release started, and is not blamed on it [2]",
		}},
		"failing samples that no verdict tells": {
			remember(newStory().says(errorsOf("0", 0)), nil, v1alpha1.MetricTally{Name: "errors", Failures: 2}, v1alpha1.MetricTally{Name: "none"}),
			[]string{"FailingSamples: Metric errors had 2 failing samples [2]"},
		},
		"failing samples that a verdict tells": {
			remember(newStory().says(errorsOf("0", 2)), nil, v1alpha1.MetricTally{Name: "errors", Failures: 2}),
			[]string{"FailingSamples: Metric errors passed with failing samples: 2 of 12 [1]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, told(tell(tc.story.in).anomalies)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMeasures(t *testing.T) {
	s := during(newStory(), "half", errorsOf("0.002", 0), errorsOf("0.002", 0), errorsOf("", 0), quiet())
	s.says(verdict.With(errorsOf("", 0), verdict.Evidence{Value: "3"}), verdict.With(errorsOf("", 0), verdict.Evidence{Value: "3", Threshold: "<= 4"}))
	want := []string{
		"errors (Progressing half): 0.002, must be <= 0.01, <= 1.5 * stable, stable 0.001 [1, 2]",
		"errors (Progressing half): 3 [5]", "errors (Progressing half): 3, must be <= 4 [6]",
	}
	if diff := cmp.Diff(want, told(tell(s.in).measures)); diff != "" {
		t.Error(diff)
	}
}

// The verdict that decided is the one that the release's end names: not an
// earlier failure that was overruled.
func TestDecider(t *testing.T) {
	superseded := verdict.Fail(v1alpha1.SignalRequest, "Superseded", "A newer release was asked for")
	for name, tc := range map[string]struct {
		story  *story
		reason string
		want   int
	}{
		"the only one":         {newStory().says(smoke(), firing()), "AlertFiring", 2},
		"the latest of two":    {newStory().says(firing(), firing()), "AlertFiring", 2},
		"after one overruled":  {newStory().says(firing(), superseded), "Superseded", 2},
		"none is of the end":   {newStory().says(firing()), "Superseded", 0},
		"one in favour is not": {newStory().says(smoke()), "CheckPassed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			tc.story.in.Rollout.Reason = tc.reason
			got := 0
			if f := tell(tc.story.in).decider(); f != nil {
				got = f.number
			}
			if got != tc.want {
				t.Errorf("evidence %d, want %d", got, tc.want)
			}
		})
	}
}
