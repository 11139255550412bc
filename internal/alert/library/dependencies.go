package library

// dependencies are the rules on what the service leans on.
var dependencies = []rule{
	{
		// A pool in full use is well-sized; one that is waited for is not.
		alert: "SignalDatabasePoolExhausted", severity: critical, hold: "15s",
		expr: `max by (` + byRelease + `, db_name) (go_sql_in_use_connections{` + own + `} / (go_sql_max_open_connections{` + own + `} > 0)) >= ${used} and sum by (` +
			byRelease + `, db_name) (rate(go_sql_wait_count_total{` + own + `}[${window}])) > ${waits}`,
		limits:      []limit{{"used", "0.9"}, {"waits", "1"}},
		summary:     release + `uses {{ $value | humanizePercentage }} of its connections to database {{ $labels.db_name }}, and waits for more`,
		description: `At least {{ ${used} | humanizePercentage }} of a pod's connections were in use, and more than ${waits} requests/s had to wait for one.`,
	},
	{
		alert: "SignalRedisPoolExhausted", severity: critical, hold: "15s",
		expr:        `sum by (` + byRelease + `) (rate(redis_pool_timeout_total{` + own + `}[${window}])) > ${timeouts}`,
		limits:      []limit{{"timeouts", "0.1"}},
		summary:     release + `waits in vain for a connection to Redis {{ $value | humanize }} times/s`,
		description: `More than ${timeouts} requests/s gave up waiting for a connection in the last ${window}.`,
	},
	{
		// By the names of OpenTelemetry's semantic conventions, whatever is
		// pooled. A breaker that has opened lets few requests wait, and these
		// in vain.
		alert: "SignalPoolExhausted", severity: critical, hold: "15s",
		expr: pooled("max", `db_client_connection_count{`+own+`,db_client_connection_state="used"} / ignoring (db_client_connection_state) (db_client_connection_max{`+own+`} > 0)`) +
			` >= ${used} and (` + pooled("max", `db_client_connection_pending_requests{`+own+`}`) + ` >= ${pending} or ` +
			pooled("sum", `rate(db_client_connection_timeouts_total{`+own+`}[${window}])`) + ` > ${timeouts})`,
		limits:      []limit{{"used", "0.9"}, {"pending", "1"}, {"timeouts", "0.05"}},
		summary:     release + `uses {{ $value | humanizePercentage }} of its connections to {{ $labels.db_client_connection_pool_name }}, and waits for more`,
		description: `At least {{ ${used} | humanizePercentage }} of a pod's connections were in use, while ${pending} or more requests waited for one, or more than ${timeouts} requests/s gave up waiting.`,
	},
	{
		// The state is a number, as in gobreaker, or one series for each state.
		// A breaker that tries again is half open for a moment: it has not
		// closed.
		alert: "SignalCircuitBreakerOpen", severity: critical, hold: "15s",
		expr: `max by (` + byRelease + `, name) (max_over_time(circuit_breaker_state{` + own + `,state=""}[${window}]) and circuit_breaker_state{` + own + `} >= 1) >= 2 or max by (` + byRelease + `, name) (circuit_breaker_state{` +
			own + `,state="open"}) >= 1`,
		summary:     release + `has given up on {{ $labels.name }}: the circuit breaker is open`,
		description: `A circuit breaker opened in the last ${window} and has not closed for 15s or more, in at least one pod.`,
	},
	{
		alert: "SignalQueueDeep", severity: warning, hold: "30s",
		expr:        `max by (` + byRelease + `, queue) (signals_queue_depth{` + own + `} / signals_queue_capacity{` + own + `}) > ${used}`,
		limits:      []limit{{"used", "0.8"}},
		summary:     release + `has filled {{ $value | humanizePercentage }} of queue {{ $labels.queue }}`,
		description: `More than {{ ${used} | humanizePercentage }} of a pod's queue is taken: signals arrive faster than they are worked off.`,
	},
	{
		alert: "SignalDependencyFailing", severity: warning,
		expr: asked(`,outcome="error"`) + ` / ` + asked("") + ` > ${ratio} and ` +
			asked(`,outcome="error"`) + ` >= ${errors}`,
		limits:      []limit{{"ratio", "0.1"}, {"errors", "10"}},
		summary:     release + `gets errors for {{ $value | humanizePercentage }} of its requests to {{ $labels.dependency }}`,
		description: `In the last ${window}, more than {{ ${ratio} | humanizePercentage }} of the requests to a dependency, and at least ${errors}, failed.`,
	},
}

// pooled is something of the pools of pods.
func pooled(how, expr string) string {
	return how + ` by (` + byRelease + `, db_client_connection_pool_name) (` + expr + `)`
}

// asked are requests to dependencies.
func asked(matchers string) string {
	return `sum by (` + byRelease + `, dependency) (increase(signals_dependency_requests_total{` + own + matchers + `}[${window}]))`
}
