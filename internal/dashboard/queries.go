package dashboard

import "fmt"

// What the objectives' rules record; internal/slo names them.
const (
	seriesBurnRate  = "signal_slo:burn_rate:ratio"
	seriesRemaining = "signal_slo:error_budget_remaining:ratio"
)

// Labels by which series say whose they are: those that a PodMonitor, or the
// Prometheus of the cluster, gives the samples of pods.
const (
	byRelease = "delivery_signal_dev_release"
	byPod     = "namespace, pod"
	named     = "{{" + byRelease + "}}"
	window    = "[$__rate_interval]"
)

// queries ask for what belongs to one SignalDeployment.
type queries struct{ namespace, name string }

// own selects the service's series, of the releases that are looked at.
func (q queries) own(metric, more string) string {
	return fmt.Sprintf(`%s{namespace=%q,delivery_signal_dev_name=%q,delivery_signal_dev_release=~"$release"%s}`, metric, q.namespace, q.name, more)
}

// pods selects series that know no more of the service than its pods' names,
// which are of letters, digits and dashes.
func (q queries) pods(metric, more string) string {
	return fmt.Sprintf(`%s{namespace=%q,pod=~"%s-($release)-.+"%s}`, metric, q.namespace, q.name, more)
}

// operator asks for what the operator says of the SignalDeployment, as a
// format with one selector in it. A Prometheus that scrapes the operator moves
// the namespace out of the way.
func (q queries) operator(format, metric, more string) string {
	moved := fmt.Sprintf(`%s{name=%q,exported_namespace=%q%s}`, metric, q.name, q.namespace, more)
	kept := fmt.Sprintf(`%s{name=%q,exported_namespace="",namespace=%q%s}`, metric, q.name, q.namespace, more)
	return "(" + fmt.Sprintf(format, moved) + " or " + fmt.Sprintf(format, kept) + ")"
}

// objective selects what the rules record of objectives.
func (q queries) objective(series string) string {
	return fmt.Sprintf(`%s{namespace=%q,delivery_signal_dev_name=%q}`, series, q.namespace, q.name)
}

// sum adds up counters' rates by labels.
func sum(by, selector string) string { return "sum by (" + by + ") (rate(" + selector + window + "))" }

// most is the largest value by labels.
func most(by, expr string) string { return "max by (" + by + ") (" + expr + ")" }

func (q queries) requests(more string) string {
	return sum(byRelease, q.own("http_requests_total", more))
}

// latency is a quantile, of a classic or a native histogram.
func (q queries) latency(quantile string) string {
	const seconds = "http_request_duration_seconds"
	return fmt.Sprintf("histogram_quantile(%[1]s, %[2]s) or histogram_quantile(%[1]s, %[3]s)", quantile,
		sum(byRelease+", le", q.own(seconds+"_bucket", "")), sum(byRelease, q.own(seconds, "")))
}

// rows are what the dashboard shows, from top to bottom.
func (q queries) rows() []row {
	return []row{
		{"Release", q.release()},
		{"Stable and candidate", q.traffic()},
		{"Objectives", q.objectives()},
		{"Pods", q.resources()},
		{"Dependencies", q.dependencies()},
	}
}

func (q queries) release() []plan {
	weight := graph("Weight of the candidate", "percent", "The candidate's share of the traffic, as read back from the routes.",
		ask{most("name", q.operator("%s", "signal_rollout_weight", "")), "weight"}).steps()
	weight.most = new(100.0)
	return []plan{
		weight,
		timeline("Phase", "The phase that the latest release is in.", ask{most("phase", q.operator("%s", "signal_rollout_phase", "")+" == 1"), "{{phase}}"}),
		number("Releases that ended", "By result, within the time shown.",
			ask{"sum by (result) (" + q.operator("increase(%s[$__range])", "signal_rollouts_total", "") + ")", "{{result}}"}),
		graph("Verdicts of every SignalDeployment", "short", "By kind and outcome. The operator counts them for all that it releases, not for each.",
			ask{"sum by (kind, outcome) (increase(signal_verdicts_total" + window + "))", "{{kind}} {{outcome}}"}).steps().wide(24),
	}
}

func (q queries) traffic() []plan {
	latency := func(name, quantile string) plan {
		return graph("Latency "+name, "s", "By release.", ask{q.latency(quantile), named})
	}
	failing := q.requests(`,code=~"5.."`)
	return []plan{
		graph("Requests", "reqps", "By release.", ask{q.requests(""), named}).wide(12),
		graph("Error ratio", "percentunit", "The share of requests that were answered with a code of 500 or more, by release.",
			ask{"(" + failing + " or 0 * " + q.requests("") + ") / (" + q.requests("") + " > 0)", named}).within(0.01, 0.05).wide(12),
		latency("p50", "0.5"), latency("p95", "0.95"), latency("p99", "0.99"),
	}
}

func (q queries) objectives() []plan {
	left := graph("Error budget left", "percentunit", "The share of the window's error budget that is left, by objective; below 0 when more was spent.",
		ask{q.objective(seriesRemaining), "{{slo}}: {{operation}}"}).wide(12)
	left.least, left.most = nil, new(1.0)
	burn := graph("Burn rate", "short", "How many times too fast the error budget is being burned, by objective: at 1 it lasts just as long as its window.",
		ask{q.objective(seriesBurnRate), "{{slo}}: {{operation}}"}).wide(12)
	burn.warn, burn.bad = new(1.0), new(14.4)
	return []plan{left, burn}
}

func (q queries) resources() []plan {
	limit := func(resource string) string {
		return most(byPod, q.pods("kube_pod_container_resource_limits", `,resource="`+resource+`"`))
	}
	cpu, memory := "rate("+q.own("process_cpu_seconds_total", "")+window+")", q.own("process_resident_memory_bytes", "")
	periods := func(which string) string {
		return sum(byPod, q.pods("container_cpu_cfs_"+which+"_total", `,container!=""`))
	}
	return []plan{
		graph("Ready pods", "short", "By release.", ask{"sum by (release) (label_replace(" + q.pods("kube_pod_status_ready", `,condition="true"`) + `, "release", "$1", "pod", ".+-([0-9a-f]{10})-.+"))`, "{{release}}"}).steps(),
		graph("Restarts", "short", "In the ten minutes before, by pod.", ask{"sum by (pod) (increase(" + q.pods("kube_pod_container_status_restarts_total", "") + "[10m]))", "{{pod}}"}).steps(),
		graph("CPU throttling", "percentunit", "The share of periods in which the kernel held a pod back.", ask{periods("throttled_periods") + " / " + periods("periods"), "{{pod}}"}).within(0.1, 0.25),
		graph("CPU", "short", "Cores in use, by release.", ask{"sum by (" + byRelease + ") (" + cpu + ")", named}).wide(6),
		graph("CPU of the limit", "percentunit", "By pod; nothing where there is no limit.", ask{most(byPod, cpu) + " / " + limit("cpu"), "{{pod}}"}).within(0.7, 0.9).wide(6),
		graph("Memory", "bytes", "Resident memory, by release.", ask{"sum by (" + byRelease + ") (" + memory + ")", named}).wide(6),
		graph("Memory of the limit", "percentunit", "By pod; nothing where there is no limit.", ask{most(byPod, memory) + " / " + limit("memory"), "{{pod}}"}).within(0.7, 0.9).wide(6),
	}
}

// poolName is the label that OpenTelemetry's conventions name a pool by.
const poolName = "db_client_connection_pool_name"

func (q queries) dependencies() []plan {
	outcome := func(more string) string {
		return sum(byRelease+", dependency", q.own("signals_dependency_requests_total", more))
	}
	breaker := graph("Circuit breakers", "short", "0 is closed, 1 half open, 2 open.",
		ask{most(byRelease+", name", q.own("circuit_breaker_state", `,state=""`)), "{{name}} " + named},
		ask{"2 * " + most(byRelease+", name", q.own("circuit_breaker_state", `,state="open"`)), "{{name}} " + named}).steps()
	breaker.most, breaker.warn, breaker.bad = new(2.0), new(1.0), new(2.0)
	return []plan{
		graph("Connection pools", "percentunit", "The share of connections in use, of the fullest pod.",
			ask{most(byRelease+", db_name", q.own("go_sql_in_use_connections", "")+" / ("+q.own("go_sql_max_open_connections", "")+" > 0)"), "{{db_name}} " + named},
			ask{most(byRelease+", "+poolName, q.own("db_client_connection_count", `,db_client_connection_state="used"`)+" / ignoring (db_client_connection_state) ("+q.own("db_client_connection_max", "")+" > 0)"), "{{" + poolName + "}} " + named}).within(0.8, 0.9),
		graph("Waits for the database pool", "reqps", "Requests that had to wait for a connection.", ask{sum(byRelease+", db_name", q.own("go_sql_wait_count_total", "")), "{{db_name}} " + named}),
		graph("Pool timeouts", "reqps", "Requests that waited for a connection in vain.", ask{sum(byRelease, q.own("redis_pool_timeout_total", "")), named},
			ask{sum(byRelease+", "+poolName, q.own("db_client_connection_timeouts_total", "")), "{{" + poolName + "}} " + named}),
		breaker,
		graph("Errors of dependencies", "percentunit", "The share of requests to each that failed.",
			ask{outcome(`,outcome="error"`) + " / (" + outcome("") + " > 0)", "{{dependency}} " + named}).within(0.05, 0.1),
		graph("Queues", "percentunit", "How full the fullest pod's are.",
			ask{most(byRelease+", queue", q.own("signals_queue_depth", "")+" / "+q.own("signals_queue_capacity", "")), "{{queue}} " + named}).within(0.6, 0.8),
	}
}

// markers show in every panel when a release went on, and when it turned back.
func (q queries) markers() []annotation {
	began := func(name, color, phases string) annotation {
		is := q.operator("%s", "signal_rollout_phase", `,phase=~"`+phases+`"`)
		was := q.operator("%s offset 1m", "signal_rollout_phase", `,phase=~"`+phases+`"`)
		return annotation{
			Name: name, Datasource: prometheus, Enable: true, IconColor: color, Step: "15s", TitleFormat: q.name + " {{phase}}", TextFormat: "",
			Expr: most("phase", is) + " unless " + most("phase", was),
		}
	}
	return []annotation{
		began("Releases", "blue", "Pending|Resolving|Gating|Staging|Checking|Progressing|CuttingOver|Verifying|Settling|Succeeded"),
		began("Turned back", "red", "RollingBack|RolledBack|Failed"),
	}
}

func (q queries) variables() []variable {
	releases := fmt.Sprintf(`label_values(http_requests_total{namespace=%q,delivery_signal_dev_name=%q}, %s)`, q.namespace, q.name, byRelease)
	return []variable{
		{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus", Refresh: 1},
		{
			Name: "release", Label: "Release", Type: "query", Query: releases, Definition: releases, Datasource: &prometheus,
			Refresh: 2, Sort: 1, Multi: true, IncludeAll: true, AllValue: "[0-9a-f]{10}", Current: map[string]any{"text": []string{"All"}, "value": []string{"$__all"}},
		},
	}
}
