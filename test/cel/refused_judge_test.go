package cel_test

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// judged replaces the metric by a test, and changes a field of it.
func judged(kind string, changes ...change) change {
	const metric = "spec.analysis.metrics"
	return all(append([]change{set(metric, []any{map[string]any{"name": "errors", kind: map[string]any{}}})}, changes...)...)
}

func TestRefusedTests(t *testing.T) {
	t.Parallel()
	const (
		metric  = "spec.analysis.metrics.0."
		one     = "needs exactly one of query, errors and latency"
		ofQuery = "min, max, compare, range and failureBudget are for a query: errors and latency have limits of their own"
		share   = "must be a share from 0 to below 1, in quotes, such as"
		seconds = "must be a number of seconds, in quotes, such as"
		likely  = "must be a probability above 0 and at most 0.5, in quotes, such as"
	)
	refused(t, map[string]refusal{
		"neither":                    {all(judged("errors"), drop(metric+"errors")), one},
		"a query and errors":         {set(metric+"errors", map[string]any{}), one},
		"errors and latency":         {judged("errors", set(metric+"latency", map[string]any{})), one},
		"errors with max":            {judged("errors", set(metric+"max", int64(1))), ofQuery},
		"latency with min":           {judged("latency", set(metric+"min", int64(1))), ofQuery},
		"errors with compare":        {judged("errors", set(metric+"compare", map[string]any{"maxRatio": "1.5"})), ofQuery},
		"latency with range":         {judged("latency", set(metric+"range", map[string]any{"windowSeconds": int64(60)})), ofQuery},
		"errors with failureBudget":  {judged("errors", set(metric+"failureBudget", int64(1))), ofQuery},
		"errors that fail by noData": {judged("errors", set(metric+"noData", "Fail")), "noData: Fail is for a query: errors and latency wait for requests"},

		"only a total":               {judged("errors", set(metric+"errors.totalQuery", "x")), "totalQuery and failedQuery count the same requests: set both, or neither"},
		"only failures":              {judged("errors", set(metric+"errors.failedQuery", "x")), "totalQuery and failedQuery count the same requests: set both, or neither"},
		"queries and matchers":       {judged("errors", set(metric+"errors.totalQuery", "x"), set(metric+"errors.failedQuery", "x"), set(metric+"errors.matchers", "x")), "matchers are added to the counter's selector"},
		"nothing between the limits": {judged("errors", set(metric+"errors.maxIncrease", "0.05")), "detectIncrease must be above maxIncrease"},
		"counter with a selector":    {judged("errors", set(metric+"errors.counter", "x{}")), "must be the name of a metric, such as http_requests_total"},
		"maxIncrease in percent":     {judged("errors", set(metric+"errors.maxIncrease", "1%")), share},
		"maxIncrease of all":         {judged("errors", set(metric+"errors.maxIncrease", "1")), share},
		"detectIncrease negative":    {judged("errors", set(metric+"errors.detectIncrease", "-0.1")), share},
		"max in words":               {judged("errors", set(metric+"errors.max", "few")), share},
		"no requests":                {judged("errors", set(metric+"errors.minRequests", int64(0))), "should be greater than or equal to 1"},
		"alpha of nothing":           {judged("errors", set(metric+"errors.alpha", "0.0")), likely},
		"alpha of more than a half":  {judged("errors", set(metric+"errors.alpha", "0.6")), likely},
		"beta of nothing":            {judged("errors", set(metric+"errors.beta", "0.000")), likely},

		"histogram with a selector": {judged("latency", set(metric+"latency.histogram", "x{}")), "must be the name of a metric, such as http_request_duration_seconds"},
		"quantile below a half":     {judged("latency", set(metric+"latency.quantile", "0.4")), "must be from 0.5 to below 1, in quotes"},
		"quantile in percent":       {judged("latency", set(metric+"latency.quantile", "95")), "must be from 0.5 to below 1, in quotes"},
		"maxRatio below one":        {judged("latency", set(metric+"latency.maxRatio", "0.9")), "must be a number of 1 or more, in quotes"},
		"maxIncreaseSeconds in ms":  {judged("latency", set(metric+"latency.maxIncreaseSeconds", "10ms")), seconds},
		"maxSeconds negative":       {judged("latency", set(metric+"latency.maxSeconds", "-1")), seconds},
		"alpha of latency":          {judged("latency", set(metric+"latency.alpha", "1")), likely},
	})
}

func TestAcceptedTests(t *testing.T) {
	t.Parallel()
	const metric = "spec.analysis.metrics.0."
	for name, change := range map[string]change{
		"errors":                      judged("errors"),
		"latency":                     judged("latency"),
		"errors, absolute":            judged("errors", set(metric+"errors.max", "0.05")),
		"errors, no increase allowed": judged("errors", set(metric+"errors.maxIncrease", "0")),
		"errors by queries":           judged("errors", set(metric+"errors.totalQuery", "x"), set(metric+"errors.failedQuery", "y")),
		"errors of some":              judged("errors", set(metric+"errors.matchers", `route!="/healthz"`), set(metric+"errors.failed", `code=~"5..|429"`)),
		"errors, ignored":             judged("errors", set(metric+"noData", "Ignore")),
		"latency, absolute":           judged("latency", set(metric+"latency.maxSeconds", "2")),
		"latency, only a ratio":       judged("latency", set(metric+"latency.maxIncreaseSeconds", "0")),
		"latency, only an increase":   judged("latency", set(metric+"latency.maxRatio", "1")),
		"latency, the median":         judged("latency", set(metric+"latency.quantile", "0.5")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := object(t, everything)
			change(u.Object)
			if err := apiserver.Create(t.Context(), u.DeepCopy(), client.DryRunAll); err != nil {
				t.Errorf("create: %v", err)
			}
			if err := serverSideApply(t, u); err != nil {
				t.Errorf("server-side apply: %v", err)
			}
		})
	}
}
