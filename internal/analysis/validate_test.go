package analysis

import (
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// A metric that cannot be judged is an error with its field, before anything
// starts: failure mode 43, and 41 for servers.
func TestValidate(t *testing.T) {
	const at = "spec.analysis.metrics[1]."
	for name, tc := range map[string]struct {
		bounds bounds
		change func(*v1alpha1.Metric)
		want   string
	}{
		"good":                  {},
		"all limits":            {bounds: bounds{"1", "1", "1", "1", "-1", "0"}},
		"every variable":        {change: query(`sum(rate(x{a="${namespace}",b="${name}",c="${service}",d="${release}"}[${window}]))`)},
		"a variable as a name":  {change: query(`${name}_errors`)},
		"a scalar":              {change: query(`scalar(x)`)},
		"an unknown server":     {change: func(m *v1alpha1.Metric) { m.Server = "other" }, want: at + `server (metric "p95"): no metric server is called "other": there are default, main`},
		"no PromQL":             {change: query("sum(rate(x[1m])"), want: at + `query (metric "p95"): 1:16: parse error: unclosed left parenthesis`},
		"on its second line":    {change: query("sum(x)\n  by by"), want: at + `query (metric "p95"): 2:6: parse error: unexpected <by> in grouping opts, expected "("`},
		"behind a variable":     {change: query(`x{a="${namespace}"} ?`), want: at + `query (metric "p95"): 1:21: parse error: unexpected character: '?'`},
		"behind the window":     {change: query(`rate(x[${window}]) ?`), want: at + `query (metric "p95"): 1:20: parse error: unexpected character: '?'`},
		"a string":              {change: query(`"x"`), want: at + `query (metric "p95"): must answer with one number, but is a string`},
		"a range vector":        {change: query(`x[1m]`), want: at + `query (metric "p95"): must answer with one number, but is a range vector`},
		"an unknown variable":   {change: query(`x{r="${stable}"}`), want: at + `query (metric "p95"): ${stable} is not known: there are ${namespace}, ${name}, ${service}, ${release}, ${window}`},
		"an unended variable":   {change: query(`x{r="${release"}[1m]`), want: at + `query (metric "p95"): ${release"} is not known: there are ${namespace}, ${name}, ${service}, ${release}, ${window}`},
		"a brace too few":       {change: query(`x == "${release`), want: at + `query (metric "p95"): has a "${" without a "}"`},
		"as many points as may": {change: between(11000, 1)},
		"too many points":       {change: between(11001, 1), want: at + `range.stepSeconds (metric "p95"): makes more than the 11000 values that a query may have: take a longer step or a shorter window`},
		"a longer step":         {change: between(86400, 8)},
		"min above max":         {bounds: bounds{least: "2", most: "1.5"}, want: at + `min (metric "p95"): is 2, above max 1.5: nothing could pass`},
		"min is no number":      {bounds: bounds{least: "x"}, want: at + `min (metric "p95"): "x" is not a number`},
		"max is no number":      {bounds: bounds{least: "1", most: "x"}, want: at + `max (metric "p95"): "x" is not a number`},
		"ratios the wrong way":  {bounds: bounds{minRatio: "1.1", maxRatio: "1"}, want: at + `compare.minRatio (metric "p95"): is 1.1, above compare.maxRatio 1: nothing could pass`},
		"a ratio of no number":  {bounds: bounds{maxRatio: "x"}, want: at + `compare.maxRatio (metric "p95"): "x" is not a number`},
		"a bad increase":        {bounds: bounds{maxIncrease: "x"}, want: at + `compare.maxIncrease (metric "p95"): "x" is not a number`},
		"a bad decrease":        {bounds: bounds{maxDecrease: "x"}, want: at + `compare.maxDecrease (metric "p95"): "x" is not a number`},
	} {
		t.Run(name, func(t *testing.T) {
			good := v1alpha1.Metric{Name: "errors", Server: "main", Query: "x"}
			m := tc.bounds.metric()
			m.Name, m.Server, m.Query = "p95", "main", "x"
			if tc.change != nil {
				tc.change(&m)
			}
			got := ""
			if err := Validate(v1alpha1.AnalysisSpec{Metrics: []v1alpha1.Metric{good, m}}, []string{"default", "main"}); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func query(q string) func(*v1alpha1.Metric) {
	return func(m *v1alpha1.Metric) { m.Query = q }
}

func between(window, step int32) func(*v1alpha1.Metric) {
	return func(m *v1alpha1.Metric) { m.Range = &v1alpha1.MetricRange{WindowSeconds: window, StepSeconds: step} }
}

func TestNoServers(t *testing.T) {
	err := Validate(v1alpha1.AnalysisSpec{Metrics: []v1alpha1.Metric{{Name: "errors", Server: "default", Query: "x"}}}, nil)
	want := `spec.analysis.metrics[0].server (metric "errors"): no metric server is configured: the cluster's administrator names one with --prometheus`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
