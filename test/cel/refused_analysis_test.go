package cel_test

import (
	"strings"
	"testing"
)

func TestRefusedAnalysis(t *testing.T) {
	t.Parallel()
	const (
		metric   = "spec.analysis.metrics.0."
		decimal  = `must be an integer or a decimal number in quotes, such as "0.01"`
		duration = `must be a duration from 250ms to 1m, such as 1s`
	)
	digits := strings.Repeat("1", 33)
	noLimit := all(drop(metric+"min"), drop(metric+"max"), drop(metric+"compare"))
	refused(t, map[string]refusal{
		"interval under 250ms":    {set("spec.analysis.interval", "249ms"), `spec.analysis.interval: Invalid value: "249ms": ` + duration},
		"interval over a minute":  {set("spec.analysis.interval", "61s"), duration},
		"interval without a unit": {set("spec.analysis.interval", "1"), duration},
		"interval as a number":    {set("spec.analysis.interval", int64(1)), `spec.analysis.interval in body must be of type string: "integer"`},
		"interval in words":       {set("spec.analysis.interval", "often"), duration},
		"interval negative":       {set("spec.analysis.interval", "-1s"), duration},
		"interval of 33 letters":  {set("spec.analysis.interval", "1."+long(30)+"s"), `spec.analysis.interval: Too long`},

		"33 metrics":              {fill("spec.analysis.metrics", 32, named), `spec.analysis.metrics: Too many: 33: must have at most 32 items`},
		"metric of a name twice":  {twice("spec.analysis.metrics"), `spec.analysis.metrics[1]: Duplicate value: {"name":"errors"}`},
		"metric without a name":   {drop(metric + "name"), `spec.analysis.metrics[0].name: Required value`},
		"metric name empty":       {set(metric+"name", ""), `spec.analysis.metrics[0].name in body should be at least 1 chars long`},
		"metric name in capitals": {set(metric+"name", "Errors"), `spec.analysis.metrics[0].name: Invalid value: "Errors": must consist of lower-case letters, digits and '-'`},
		"metric name too long":    {set(metric+"name", long(64)), `spec.analysis.metrics[0].name: Too long`},
		"metric server empty":     {set(metric+"server", ""), `spec.analysis.metrics[0].server in body should be at least 1 chars long`},
		"metric server too long":  {set(metric+"server", long(64)), `spec.analysis.metrics[0].server: Too long`},
		"metric server by URL":    {set(metric+"address", "http://prometheus:9090"), `unknown field "spec.analysis.metrics[0].address"`},
		"metric without a query":  {drop(metric + "query"), `spec.analysis.metrics[0]: Invalid value: needs exactly one of query, errors and latency`},
		"query empty":             {set(metric+"query", ""), `spec.analysis.metrics[0].query in body should be at least 1 chars long`},
		"query of 4097 letters":   {set(metric+"query", long(4097)), `spec.analysis.metrics[0].query: Too long: may not be more than 4096 bytes`},
		"metric without a limit":  {noLimit, `spec.analysis.metrics[0]: Invalid value: needs a limit: set min, max or compare`},

		"max without quotes":        {set(metric+"max", 0.01), `spec.analysis.metrics[0].max in body must be of type integer,string: "number"`},
		"max of 33 digits":          {set(metric+"max", digits), `spec.analysis.metrics[0].max: Too long: may not be more than 32 bytes`},
		"max in percent":            {set(metric+"max", "1%"), `spec.analysis.metrics[0].max: Invalid value: "1%": ` + decimal},
		"max in words":              {set(metric+"max", "low"), decimal},
		"max with a comma":          {set(metric+"max", "0,01"), decimal},
		"max with a unit":           {set(metric+"max", "500ms"), decimal},
		"max beyond all numbers":    {set(metric+"max", "1e999"), decimal},
		"max not a number":          {set(metric+"max", "NaN"), decimal},
		"min empty":                 {set(metric+"min", ""), `spec.analysis.metrics[0].min: Invalid value: "": ` + decimal},
		"min a bare point":          {set(metric+"min", ".5"), decimal},
		"compare without a limit":   {set(metric+"compare", map[string]any{}), `spec.analysis.metrics[0].compare: Invalid value: needs a limit: set maxRatio, minRatio, maxIncrease or maxDecrease`},
		"maxRatio in words":         {set(metric+"compare.maxRatio", "double"), `spec.analysis.metrics[0].compare.maxRatio: Invalid value: "double": must be an integer or a decimal number in quotes, such as "1.5"`},
		"minRatio in words":         {set(metric+"compare.minRatio", "half"), `spec.analysis.metrics[0].compare.minRatio: Invalid value: "half": must be an integer or a decimal number in quotes, such as "0.9"`},
		"maxIncrease in percent":    {set(metric+"compare.maxIncrease", "5%"), `spec.analysis.metrics[0].compare.maxIncrease: Invalid value: "5%": must be an integer or a decimal number in quotes, such as "0.05"`},
		"maxDecrease in percent":    {set(metric+"compare.maxDecrease", "5%"), `spec.analysis.metrics[0].compare.maxDecrease: Invalid value: "5%": must be an integer or a decimal number in quotes, such as "0.05"`},
		"min of 33 digits":          {set(metric+"min", digits), `spec.analysis.metrics[0].min: Too long`},
		"maxRatio of 33 digits":     {set(metric+"compare.maxRatio", digits), `spec.analysis.metrics[0].compare.maxRatio: Too long`},
		"minRatio of 33 digits":     {set(metric+"compare.minRatio", digits), `spec.analysis.metrics[0].compare.minRatio: Too long`},
		"maxIncrease of 33 digits":  {set(metric+"compare.maxIncrease", digits), `spec.analysis.metrics[0].compare.maxIncrease: Too long`},
		"maxDecrease of 33 digits":  {set(metric+"compare.maxDecrease", digits), `spec.analysis.metrics[0].compare.maxDecrease: Too long`},
		"no consecutive failures":   {set(metric+"consecutiveFailures", int64(0)), `spec.analysis.metrics[0].consecutiveFailures in body should be greater than or equal to 1`},
		"1001 consecutive failures": {set(metric+"consecutiveFailures", int64(1001)), `spec.analysis.metrics[0].consecutiveFailures in body should be less than or equal to 1000`},
		"failure budget negative":   {set(metric+"failureBudget", int64(-1)), `spec.analysis.metrics[0].failureBudget in body should be greater than or equal to 0`},
		"failure budget too great":  {set(metric+"failureBudget", int64(100001)), `spec.analysis.metrics[0].failureBudget in body should be less than or equal to 100000`},
		"no samples":                {set(metric+"minSamples", int64(0)), `spec.analysis.metrics[0].minSamples in body should be greater than or equal to 1`},
		"10001 samples":             {set(metric+"minSamples", int64(10001)), `spec.analysis.metrics[0].minSamples in body should be less than or equal to 10000`},
		"noData in small letters":   {set(metric+"noData", "fail"), `spec.analysis.metrics[0].noData: Unsupported value: "fail": supported values: "Unknown", "Fail", "Ignore"`},
		"range without window":      {drop(metric + "range.windowSeconds"), `spec.analysis.metrics[0].range.windowSeconds: Required value`},
		"window 0":                  {set(metric+"range.windowSeconds", int64(0)), `spec.analysis.metrics[0].range.windowSeconds in body should be greater than or equal to 1`},
		"window over a day":         {set(metric+"range.windowSeconds", int64(86401)), `spec.analysis.metrics[0].range.windowSeconds in body should be less than or equal to 86400`},
		"window as a duration":      {set(metric+"range.windowSeconds", "1m"), `spec.analysis.metrics[0].range.windowSeconds in body must be of type integer: "string"`},
		"range step 0":              {set(metric+"range.stepSeconds", int64(0)), `spec.analysis.metrics[0].range.stepSeconds in body should be greater than or equal to 1`},
		"range step over an hour":   {set(metric+"range.stepSeconds", int64(3601)), `spec.analysis.metrics[0].range.stepSeconds in body should be less than or equal to 3600`},
		"reduce in small letters":   {set(metric+"range.reduce", "avg"), `spec.analysis.metrics[0].range.reduce: Unsupported value: "avg": supported values: "Avg", "Min", "Max", "Last", "Sum"`},
	})
}
