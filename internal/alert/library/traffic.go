package library

// release begins most summaries: whose fault it is.
const release = `Release {{ $labels.delivery_signal_dev_release }} of ${namespace}/${name} `

// traffic are the rules on what users see.
var traffic = []rule{
	{
		// Pods that have yet to answer for the first time are not counted:
		// a release that starts is not unavailable.
		alert: "SignalUnavailable", severity: critical, hold: "15s",
		expr:        `avg by (` + byRelease + `) (up{` + own + `} and max_over_time(up{` + own + `}[1d]) == 1) < ${share}`,
		limits:      []limit{{"share", "0.75"}},
		summary:     release + `answers on {{ $value | humanizePercentage }} of its pods`,
		description: `Of the pods that have answered before, fewer than {{ ${share} | humanizePercentage }} answer scrapes.`,
	},
	{
		alert: "SignalErrorRatioHigh", severity: critical,
		expr: errors("", "${window}") + ` / ` + requests("", "${window}") + ` > ${ratio} and ` +
			errors("", "${window}") + ` >= ${errors}`,
		limits:      []limit{{"ratio", "0.05"}, {"errors", "5"}},
		summary:     release + `fails {{ $value | humanizePercentage }} of its requests`,
		description: `In the last ${window}, more than {{ ${ratio} | humanizePercentage }} of the requests, and at least ${errors}, were answered with a code of 500 or more.`,
	},
	{
		alert: "SignalErrorRatioAboveStable", severity: critical,
		expr: errors(notStable, "${window}") + ` / ` + requests(notStable, "${window}") + ` > on (` + service + `) group_left () ${factor} * min by (` + service + `) (` +
			orNone(errors("", "${window}"), "") + ` / (` + requests("", "${window}") + ` >= ${requests})) + ${difference} and ` +
			errors(notStable, "${window}") + ` >= ${errors}`,
		limits:      []limit{{"factor", "2"}, {"difference", "0.01"}, {"requests", "100"}, {"errors", "5"}},
		summary:     release + `fails {{ $value | humanizePercentage }} of its requests, far more than the release beside it`,
		description: `In the last ${window}, the share of failed requests was more than ${factor} times that of the release beside it, and {{ ${difference} | humanizePercentage }} of the requests on top.`,
	},
	{
		alert: "SignalLatencyHigh", severity: critical, hold: "10s",
		expr:        slow("0.95", "0.05", "${p95}") + ` or ` + slow("0.99", "0.01", "${p99}"),
		limits:      []limit{{"p95", "0.5"}, {"p99", "1"}, {"slow", "5"}},
		summary:     release + `answers with a latency of {{ $value | humanizeDuration }} at quantile {{ $labels.quantile }}`,
		description: `In the last ${window}, quantile 0.95 of the latency was above ${p95} s, or quantile 0.99 above ${p99} s, with at least ${slow} requests beyond it.`,
	},
	{
		alert: "SignalLatencyAboveStable", severity: critical, hold: "10s",
		expr:        slower("0.95", "0.05") + ` or ` + slower("0.99", "0.01"),
		limits:      []limit{{"factor", "1.5"}, {"difference", "0.05"}, {"slow", "5"}},
		summary:     release + `answers with a latency of {{ $value | humanizeDuration }} at quantile {{ $labels.quantile }}, far more than the release beside it`,
		description: `In the last ${window}, quantile 0.95 or 0.99 of the latency was more than ${factor} times that of the release beside it, and ${difference} s on top, with at least ${slow} requests beyond it on both sides.`,
	},
	{
		alert: "SignalTrafficDropped", severity: warning, hold: "30s",
		expr: `(` + served("[${window}]") + ` or 0 * ` + served("[10m] offset ${window}") + `) < ${ratio} * (` +
			served("[10m] offset ${window}") + ` >= ${rate})`,
		limits:      []limit{{"ratio", "0.5"}, {"rate", "1"}},
		summary:     `${namespace}/${name} takes {{ $value | humanize }} requests/s, far fewer than before`,
		description: `In the last ${window}, the service took less than {{ ${ratio} | humanizePercentage }} of the requests that it took in the ten minutes before.`,
	},
	{
		alert: "SignalCandidateWithoutTraffic", severity: warning, hold: "15s",
		expr: `sum by (` + service + `) (increase(http_requests_total{` + own + `}[${window}])) * on () group_left () min(` + weight("min_over_time") + `) / 100 >= ${expected} and on () max(` +
			weight("max_over_time") + `) < 100 and on (` + service + `) count by (` + service + `) (` + requests("", "${window}") + ` > 0) < 2`,
		limits:      []limit{{"expected", "20"}},
		summary:     `The candidate of ${namespace}/${name} takes no requests, where {{ $value | humanize }} were to be expected`,
		description: `Only one release takes requests, although by the weight on the route at least ${expected} of those in the last ${window} were the other one's.`,
	},
	{
		alert: "SignalErrorBudgetBurningFast", severity: critical,
		expr: burns("5m", "1h"), limits: []limit{{"objective", "0.999"}, {"burn", "14.4"}, {"errors", "10"}},
		summary:     release + `fails {{ $value | humanizePercentage }} of its requests, which spends a month's error budget in two days`,
		description: `Over the last 5m and the last 1h, errors were more than ${burn} times what an objective of ${objective} allows.`,
	},
	{
		alert: "SignalErrorBudgetBurningSlowly", severity: warning,
		expr: burns("30m", "6h"), limits: []limit{{"objective", "0.999"}, {"burn", "6"}, {"errors", "10"}},
		summary:     release + `fails {{ $value | humanizePercentage }} of its requests, which spends a month's error budget in five days`,
		description: `Over the last 30m and the last 6h, errors were more than ${burn} times what an objective of ${objective} allows.`,
	},
}

// served is the rate of requests of the whole service.
func served(window string) string {
	return `sum by (` + service + `) (rate(http_requests_total{` + own + `}` + window + `))`
}

// latency is a quantile of it, by release, of a classic or a native histogram.
func latency(quantile, matchers string) string {
	classic := `rate(http_request_duration_seconds_bucket{` + own + matchers + `}[${window}])`
	native := `rate(http_request_duration_seconds{` + own + matchers + `}[${window}])`
	return `(histogram_quantile(` + quantile + `, sum by (` + byRelease + `, le) (` + classic + `)) or histogram_quantile(` + quantile + `, sum by (` + byRelease + `) (` + native + `)))`
}

// beyond says that enough requests were slower than a quantile for it to be
// one.
func beyond(rest, matchers string) string {
	return rest + ` * ` + requests(matchers, "${window}") + ` >= ${slow}`
}

func slow(quantile, rest, most string) string {
	return as("quantile", quantile, latency(quantile, "")+` > `+most+` and `+beyond(rest, ""))
}

func slower(quantile, rest string) string {
	return as("quantile", quantile, latency(quantile, notStable)+` > on (`+service+`) group_left () ${factor} * min by (`+service+`) (`+
		latency(quantile, "")+` and `+beyond(rest, "")+`) + ${difference} and `+beyond(rest, notStable))
}

// weight is the candidate's share of the traffic over the window, in percent.
// The operator says it of itself: a Prometheus that scrapes it moves the
// namespace out of the way.
func weight(function string) string {
	return function + `(signal_rollout_weight{name="${name}",exported_namespace="${namespace}"}[${window}]) or ` +
		function + `(signal_rollout_weight{name="${name}",exported_namespace="",namespace="${namespace}"}[${window}])`
}

// burns says that a release spends the error budget too fast, over a short and
// a long window.
func burns(short, long string) string {
	ratio := func(window string) string {
		return errors("", window) + ` / ` + requests("", window) + ` > ${burn} * (1 - ${objective})`
	}
	return ratio(short) + ` and ` + ratio(long) + ` and ` + errors("", short) + ` >= ${errors}`
}
