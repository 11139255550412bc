package library_test

import (
	"time"

	"github.com/signal-delivery/operator/internal/alert/library"
)

// newSays is an alert on the new release; the labels come before "release".
func newSays(labels, severity, value, text string) []string {
	if labels != "" {
		labels += " "
	}
	return []string{labels + "release=new severity=" + severity + ": " + value + ": Release bbbbbbbbbb of prod/app " + text}
}

// pool is what a pool says of the connections it has and may have.
func pool(whose, name, used, most string) string {
	return `db_client_connection_count{` + whose + `,db_client_connection_pool_name="` + name + `",db_client_connection_state="used"} ` + used + `
		db_client_connection_max{` + whose + `,db_client_connection_pool_name="` + name + `"} ` + most + "\n"
}

func poolSays(value, percent string) []string {
	return newSays("db_client_connection_pool_name=prices", "critical", value, "uses "+percent+" of its connections to prices, and waits for more")
}

var dependencyStories = map[string]map[string]story{
	"SignalDatabasePoolExhausted": {
		"just": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 9.5x24
				go_sql_max_open_connections{$new,db_name="signals"} 10x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+5.2x24
				go_sql_in_use_connections{$new2,db_name="signals"} 1x24
				go_sql_max_open_connections{$new2,db_name="signals"} 10x24
				go_sql_in_use_connections{$new,db_name="audit"} 1x24
				go_sql_max_open_connections{$new,db_name="audit"} 10x24
				go_sql_wait_count_total{$new,db_name="audit"} 0+5.2x24`,
			want: newSays("db_name=signals", "critical", "0.95", "uses 95% of its connections to database signals, and waits for more"),
		},
		"nearly all are in use": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 9x24
				go_sql_max_open_connections{$new,db_name="signals"} 10x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+3x24
				go_sql_wait_count_total{$new2,db_name="signals"} 0+3x24`,
			want: newSays("db_name=signals", "critical", "0.9", "uses 90% of its connections to database signals, and waits for more"),
		},
		"not quite all are in use": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 8.5x24
				go_sql_max_open_connections{$new,db_name="signals"} 10x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+50x24`,
		},
		"one waits in a second": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 10x24
				go_sql_max_open_connections{$new,db_name="signals"} 10x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+10x24`,
			every: 10 * time.Second,
		},
		"hardly anyone waits": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 10x24
				go_sql_max_open_connections{$new,db_name="signals"} 10x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+4.8x24`,
		},
		"nobody waits any more": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 10x24
				go_sql_max_open_connections{$new,db_name="signals"} 10x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+50x8 400x16`,
		},
		"half a minute ago, some waited": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 10x24
				go_sql_max_open_connections{$new,db_name="signals"} 10x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+50x17 850x7`,
			want: newSays("db_name=signals", "critical", "1", "uses 100% of its connections to database signals, and waits for more"),
		},
		"there is no maximum": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 10x24
				go_sql_max_open_connections{$new,db_name="signals"} 0x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+50x24`,
		},
		"the maximum is one": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 1x24
				go_sql_max_open_connections{$new,db_name="signals"} 1x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+50x24`,
			want: newSays("db_name=signals", "critical", "1", "uses 100% of its connections to database signals, and waits for more"),
		},
		"for 15 s": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 1x20 10x4
				go_sql_max_open_connections{$new,db_name="signals"} 10x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+50x24`,
			want: newSays("db_name=signals", "critical", "1", "uses 100% of its connections to database signals, and waits for more"),
		},
		"for 10 s": {
			series: `go_sql_in_use_connections{$new,db_name="signals"} 1x21 10x3
				go_sql_max_open_connections{$new,db_name="signals"} 10x24
				go_sql_wait_count_total{$new,db_name="signals"} 0+50x24`,
		},
	},
	"SignalRedisPoolExhausted": {
		"just": {
			series: `redis_pool_timeout_total{$new} 0+0.26x24
				redis_pool_timeout_total{$new2} 0+0.26x24`,
			want: newSays("", "critical", "0.104", "waits in vain for a connection to Redis 104m times/s"),
		},
		"every ten seconds":          {series: `redis_pool_timeout_total{$new} 0+1x24`, every: 10 * time.Second},
		"hardly ever":                {series: `redis_pool_timeout_total{$new} 0+0.48x24`},
		"more than a minute ago":     {series: `redis_pool_timeout_total{$new} 0+50x8 400x16`},
		"less than a minute ago":     {series: `redis_pool_timeout_total{$new} 0+11x17 187x7`, want: newSays("", "critical", "0.8", "waits in vain for a connection to Redis 800m times/s")},
		"for 15 s, since it started": {series: `redis_pool_timeout_total{$new} _x20 0+50x4`, want: newSays("", "critical", "3.33333", "waits in vain for a connection to Redis 3.333 times/s")},
		"for 10 s, since it started": {series: `redis_pool_timeout_total{$new} _x21 0+50x3`},
		"in a Prometheus": {
			series: `redis_pool_timeout_total{$day2} 0+30x24`, every: 15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow,
			want: newSays("", "critical", "2", "waits in vain for a connection to Redis 2 times/s"),
		},
	},
	"SignalPoolExhausted": {
		"requests wait": {
			series: pool("$new", "prices", "9.5x24", "10x24") + pool("$new2", "prices", "1x24", "10x24") + pool("$new", "audit", "1x24", "10x24") +
				`db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 2x24
				db_client_connection_pending_requests{$new2,db_client_connection_pool_name="prices"} 0x24
				db_client_connection_pending_requests{$new,db_client_connection_pool_name="audit"} 2x24`,
			want: poolSays("0.95", "95%"),
		},
		"requests give up": {
			series: pool("$new", "prices", "10x24", "10x24") + `db_client_connection_timeouts_total{$new,db_client_connection_pool_name="prices"} 0+0.13x24
				db_client_connection_timeouts_total{$new2,db_client_connection_pool_name="prices"} 0+0.13x24`,
			want: poolSays("1", "100%"),
		},
		"nearly all are in use": {
			series: pool("$new", "prices", "9x24", "10x24") + `db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 1x24`,
			want:   poolSays("0.9", "90%"),
		},
		"not quite all are in use": {
			series: pool("$new", "prices", "8.5x24", "10x24") + `db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 5x24`,
		},
		"half the time, in each of two pods": { // as an average of a collector
			series: pool("$new", "prices", "10x24", "10x24") + `db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 0.6x24
				db_client_connection_pending_requests{$new2,db_client_connection_pool_name="prices"} 0.6x24`,
		},
		"nobody waits": {
			series: pool("$new", "prices", "10x24", "10x24") + `db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 0x24
				db_client_connection_timeouts_total{$new,db_client_connection_pool_name="prices"} 5x24`,
		},
		"idle ones are not in use": {
			series: `db_client_connection_count{$new,db_client_connection_pool_name="prices",db_client_connection_state="idle"} 10x24
				db_client_connection_max{$new,db_client_connection_pool_name="prices"} 10x24
				db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 1x24`,
		},
		"hardly anyone gives up": {
			series: pool("$new", "prices", "10x24", "10x24") + `db_client_connection_timeouts_total{$new,db_client_connection_pool_name="prices"} 0+0.24x24`,
		},
		"one gives up in twenty seconds": {
			series: pool("$new", "prices", "10x24", "10x24") + `db_client_connection_timeouts_total{$new,db_client_connection_pool_name="prices"} 0+1x24`,
			every:  20 * time.Second, at: 8 * time.Minute,
		},
		"more than a minute ago": {
			series: pool("$new", "prices", "10x24", "10x24") + `db_client_connection_timeouts_total{$new,db_client_connection_pool_name="prices"} 0+50x8 400x16`,
		},
		"less than a minute ago": {
			series: pool("$new", "prices", "10x24", "10x24") + `db_client_connection_timeouts_total{$new,db_client_connection_pool_name="prices"} 0+11x17 187x7`,
			want:   poolSays("1", "100%"),
		},
		"there is no maximum": {
			series: pool("$new", "prices", "10x24", "0x24") + `db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 1x24`,
		},
		"the maximum is one": {
			series: pool("$new", "prices", "1x24", "1x24") + `db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 1x24`,
			want:   poolSays("1", "100%"),
		},
		"for 15 s": {
			series: pool("$new", "prices", "1x20 10x4", "10x24") + `db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 1x24`,
			want:   poolSays("1", "100%"),
		},
		"for 10 s": {
			series: pool("$new", "prices", "1x21 10x3", "10x24") + `db_client_connection_pending_requests{$new,db_client_connection_pool_name="prices"} 1x24`,
		},
	},
	"SignalCircuitBreakerOpen": {
		"as a number": {
			series: `circuit_breaker_state{$new,name="broker"} 0x10 2x14
				circuit_breaker_state{$new2,name="broker"} 2x24
				circuit_breaker_state{$new3,name="broker"} 0x24
				circuit_breaker_state{$new4,name="broker"} 1x24
				circuit_breaker_state{$new,name="prices"} 0x24`,
			want: newSays("name=broker", "critical", "2", "has given up on broker: the circuit breaker is open"),
		},
		"half open": {series: `circuit_breaker_state{$new,name="broker"} 1x24`},
		"as a state": {
			series: `circuit_breaker_state{$new,name="broker",state="open"} 0x10 1x14
				circuit_breaker_state{$new2,name="broker",state="open"} 1x24
				circuit_breaker_state{$new3,name="broker",state="open"} 0x24
				circuit_breaker_state{$new,name="broker",state="closed"} 1x10 0x14
				circuit_breaker_state{$new,name="prices",state="open"} 0x24
				circuit_breaker_state{$new,name="prices",state="closed"} 1x24`,
			want: newSays("name=broker", "critical", "1", "has given up on broker: the circuit breaker is open"),
		},
		"other states": {
			series: `circuit_breaker_state{$new,name="broker",state="half_open"} 2x24
				circuit_breaker_state{$new,name="prices",state="closed"} 2x24`,
		},
		"for 15 s": {
			series: `circuit_breaker_state{$new,name="broker"} 0x20 2x4`,
			want:   newSays("name=broker", "critical", "2", "has given up on broker: the circuit breaker is open"),
		},
		"for 10 s": {series: `circuit_breaker_state{$new,name="broker"} 0x21 2x3`},
		"it tries again now and then": {
			series: `circuit_breaker_state{$new,name="broker"} 0x10 2x5 1x0 2x4 1x0`,
			want:   newSays("name=broker", "critical", "2", "has given up on broker: the circuit breaker is open"),
		},
		"it has closed": {series: `circuit_breaker_state{$new,name="broker"} 2x18 0x5`},
		"half open for less than a minute": {
			series: `circuit_breaker_state{$new,name="broker"} 2x15 1x8`,
			want:   newSays("name=broker", "critical", "2", "has given up on broker: the circuit breaker is open"),
		},
		"half open for more than a minute": {series: `circuit_breaker_state{$new,name="broker"} 2x5 1x18`},
	},
	"SignalQueueDeep": {
		"just": {
			series: `signals_queue_depth{$new,queue="outbox"} 85x24
				signals_queue_capacity{$new,queue="outbox"} 100x24
				signals_queue_depth{$new2,queue="outbox"} 1x24
				signals_queue_capacity{$new2,queue="outbox"} 100x24
				signals_queue_depth{$new,queue="inbox"} 1x24
				signals_queue_capacity{$new,queue="inbox"} 100x24`,
			want: newSays("queue=outbox", "warning", "0.85", "has filled 85% of queue outbox"),
		},
		"not quite": {
			series: `signals_queue_depth{$new,queue="outbox"} 80x24
				signals_queue_capacity{$new,queue="outbox"} 100x24`,
		},
		"for 30 s": {
			series: `signals_queue_depth{$new,queue="outbox"} 1x17 99x7
				signals_queue_capacity{$new,queue="outbox"} 100x24`,
			want: newSays("queue=outbox", "warning", "0.99", "has filled 99% of queue outbox"),
		},
		"for 25 s": {
			series: `signals_queue_depth{$new,queue="outbox"} 1x18 99x6
				signals_queue_capacity{$new,queue="outbox"} 100x24`,
		},
	},
	"SignalDependencyFailing": {
		"just": {
			series: `signals_dependency_requests_total{$new,dependency="broker",outcome="success"} 0+89.5x24
				signals_dependency_requests_total{$new,dependency="broker",outcome="error"} 0+5.25x24
				signals_dependency_requests_total{$new2,dependency="broker",outcome="error"} 0+5.25x24
				signals_dependency_requests_total{$new,dependency="prices",outcome="success"} 0+100x24`,
			want: newSays("dependency=broker", "warning", "0.105", "gets errors for 10.5% of its requests to broker"),
		},
		"not quite": {
			series: `signals_dependency_requests_total{$new,dependency="broker",outcome="success"} 0+90x24
				signals_dependency_requests_total{$new,dependency="broker",outcome="error"} 0+10x24`,
		},
		"hardly an error": {
			series: `signals_dependency_requests_total{$new,dependency="broker",outcome="error"} 0+0.8x24
				signals_dependency_requests_total{$new,dependency="broker",outcome="success"} 0+3x24`,
		},
		"a tenth": {
			series: `signals_dependency_requests_total{$new,dependency="broker",outcome="error"} 0+10x24
				signals_dependency_requests_total{$new,dependency="broker",outcome="success"} 0+90x24`,
			every: 6 * time.Second,
		},
		"of several pods": {
			series: `signals_dependency_requests_total{$new,dependency="broker",outcome="error"} 0+0.5x24
				signals_dependency_requests_total{$new2,dependency="broker",outcome="error"} 0+0.5x24
				signals_dependency_requests_total{$new,dependency="broker",outcome="success"} 0+1x24
				signals_dependency_requests_total{$new2,dependency="broker",outcome="success"} 0+3x24`,
			want: newSays("dependency=broker", "warning", "0.2", "gets errors for 20% of its requests to broker"),
		},
		"hardly enough": {
			series: `signals_dependency_requests_total{$new,dependency="broker",outcome="error"} 0+1x24`, every: 6 * time.Second,
			want: newSays("dependency=broker", "warning", "1", "gets errors for 100% of its requests to broker"),
		},
		"more than a minute ago": {
			series: `signals_dependency_requests_total{$new,dependency="broker",outcome="success"} 0+80x24
				signals_dependency_requests_total{$new,dependency="broker",outcome="error"} 0+40x11 440x13`,
		},
		"less than a minute ago": {
			series: `signals_dependency_requests_total{$new,dependency="broker",outcome="success"} 0+80x17 1360+120x7
				signals_dependency_requests_total{$new,dependency="broker",outcome="error"} 0+40x17 680x7`,
			want: newSays("dependency=broker", "warning", "0.133333", "gets errors for 13.33% of its requests to broker"),
		},
	},
}
