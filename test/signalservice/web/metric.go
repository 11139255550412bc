package web

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/signal-delivery/operator/test/signalservice/flaw"
)

// metrics are what the service tells of itself.
type metrics struct {
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	published prometheus.Counter
	newest    prometheus.Gauge
	callers   *prometheus.CounterVec // a flaw, else nil
}

func newMetrics(registry *prometheus.Registry, version string, flaws flaw.Set) metrics {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "How long answers took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"route", "code"}),
		published: prometheus.NewCounter(prometheus.CounterOpts{Name: "signals_published_total", Help: "Signals that clients were given."}),
		newest:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "signals_last_published_timestamp_seconds", Help: "When the newest signal was made."}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "build_info", Help: "1, labelled with the version."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	registry.MustRegister(m.seconds, m.published, m.newest, build)
	registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
	if !flaws[flaw.MissingMetric] {
		registry.MustRegister(m.requests)
	}
	if flaws[flaw.MetricsSecrets] {
		m.callers = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_by_caller_total", Help: "Requests answered, by who asked."}, []string{"authorization", "query"})
		registry.MustRegister(m.callers)
	}
	// Counters start at zero, so that a first error is an increase.
	for _, code := range []string{"200", "500"} {
		m.requests.WithLabelValues("/v1/signals", http.MethodGet, code)
	}
	return m
}
