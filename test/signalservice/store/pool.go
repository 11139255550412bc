package store

import "github.com/prometheus/client_golang/prometheus"

// poolStats are what a pool says of itself.
type poolStats struct {
	used, idle, max, pending float64
	timeouts                 float64 // waits that were given up, ever
	waits                    uint64  // for a connection, ever
	waited                   float64 // seconds, ever
}

// pool tells a pool's figures by the names of OpenTelemetry's semantic
// conventions for database clients, as Prometheus writes them:
// https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#connection-pools
// The libraries count waits and add them up, so that wait_time has a count and
// a sum, and no buckets.
type pool struct {
	stats                                func() poolStats
	count, max, pending, timeouts, waits *prometheus.Desc
}

func newPool(name string, stats func() poolStats) pool {
	desc := func(what, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("db_client_connection_"+what, help, labels, prometheus.Labels{"db_client_connection_pool_name": name})
	}
	return pool{
		stats:    stats,
		count:    desc("count", "Connections, by state.", "db_client_connection_state"),
		max:      desc("max", "How many connections there may be."),
		pending:  desc("pending_requests", "Requests that wait for a connection now."),
		timeouts: desc("timeouts_total", "Requests that gave up waiting for a connection."),
		waits:    desc("wait_time_seconds", "How long requests waited for a connection, where they had to."),
	}
}

// Describe is for the registry.
func (p pool) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{p.count, p.max, p.pending, p.timeouts, p.waits} {
		to <- desc
	}
}

// Collect is for the registry.
func (p pool) Collect(to chan<- prometheus.Metric) {
	s := p.stats()
	to <- prometheus.MustNewConstMetric(p.count, prometheus.GaugeValue, s.used, "used")
	to <- prometheus.MustNewConstMetric(p.count, prometheus.GaugeValue, s.idle, "idle")
	to <- prometheus.MustNewConstMetric(p.max, prometheus.GaugeValue, s.max)
	to <- prometheus.MustNewConstMetric(p.pending, prometheus.GaugeValue, s.pending)
	to <- prometheus.MustNewConstMetric(p.timeouts, prometheus.CounterValue, s.timeouts)
	to <- prometheus.MustNewConstSummary(p.waits, s.waits, s.waited, nil)
}
