package library

// signals are the rules on what the service is for, and on what protects it.
var signals = []rule{
	{
		// Of the whole service: a release without traffic has nothing to publish.
		alert: "SignalStale", severity: critical,
		expr:        `time() - max by (` + service + `) (signals_last_published_timestamp_seconds{` + own + `} > 0) > ${seconds}`,
		limits:      []limit{{"seconds", "120"}},
		summary:     `${namespace}/${name} published its newest signal {{ $value | humanizeDuration }} ago`,
		description: `No release has published a signal for more than ${seconds} s.`,
	},
	{
		// By request, so that a small share of the traffic is no small volume.
		alert: "SignalVolumeLow", severity: warning, hold: "30s",
		expr: orNone(published(notStable), notStable) + ` / (` + requests(notStable, "${window}") + ` >= ${requests}) < on (` + service + `) group_left () ${ratio} * max by (` +
			service + `) (` + published("") + ` / (` + requests("", "${window}") + ` >= ${requests}))`,
		limits:      []limit{{"ratio", "0.5"}, {"requests", "100"}},
		summary:     release + `publishes {{ $value | humanize }} signals per request, far fewer than the release beside it`,
		description: `In the last ${window}, less than ${ratio} times as many signals were published per request as by the release beside it.`,
	},
	{
		alert: "SignalDuplicated", severity: critical,
		expr: grown("signals_duplicates_total", "", "${window}") + ` / ` + published("") + ` > ${ratio} and ` +
			grown("signals_duplicates_total", "", "${window}") + ` >= ${duplicates}`,
		limits:      []limit{{"ratio", "0.01"}, {"duplicates", "5"}},
		summary:     release + `publishes {{ $value | humanizePercentage }} of its signals twice`,
		description: `In the last ${window}, more than {{ ${ratio} | humanizePercentage }} of the signals, and at least ${duplicates}, were published more than once.`,
	},
	{
		alert: "SignalWatermarkFailing", severity: critical,
		expr:        failed("signals_watermark_failures_total"),
		limits:      []limit{{"failures", "0"}},
		summary:     release + `could not watermark {{ $value | humanize }} signals`,
		description: `In the last ${window}, more than ${failures} signals could not be watermarked: they cannot be traced to who leaks them.`,
	},
	{
		alert: "SignalRedactionFailing", severity: critical,
		expr:        failed("signals_redaction_failures_total"),
		limits:      []limit{{"failures", "0"}},
		summary:     release + `could not redact {{ $value | humanize }} log entries`,
		description: `In the last ${window}, more than ${failures} log entries could not be redacted: secrets may be in the logs.`,
	},
	{
		alert: "SignalCertificateExpiring", severity: warning,
		expr:        `min by (` + byRelease + `) (signals_certificate_expiry_timestamp_seconds{` + own + `} > 0) - time() < ${seconds}`,
		limits:      []limit{{"seconds", "604800"}},
		summary:     release + `has a certificate that expires in {{ $value | humanizeDuration }}`,
		description: `A certificate that the service presents expires in less than {{ ${seconds} | humanizeDuration }}.`,
	},
}

func published(matchers string) string {
	return grown("signals_published_total", matchers, "${window}")
}

// failed is how often something went wrong that never may. A counter that has
// only just appeared, with a number in it, has grown as well.
func failed(metric string) string {
	fresh := metric + `{` + own + notStable + `}`
	return `sum by (` + byRelease + `) (round(increase(` + metric + `{` + own + `}[${window}]))) > ${failures} or sum by (` + byRelease + `) (` + fresh + ` unless ` + fresh + ` offset ${window}) > ${failures}`
}
