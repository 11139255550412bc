package conformance_test

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// service is a process that counts what it does.
type service struct {
	prometheus.Gatherer
	random   *rand.Rand
	errors   float64 // share of requests
	slowness float64 // seconds, about

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	size     *prometheus.SummaryVec
	dotted   *prometheus.CounterVec
	cpu      prometheus.Counter
	inflight prometheus.Gauge
	celsius  prometheus.Gauge
	queue    prometheus.Gauge
}

func newService(seed uint64, version string, errorShare, slowness float64) *service {
	registry := prometheus.NewRegistry()
	s := &service{
		Gatherer: registry, random: rand.New(rand.NewPCG(seed, seed)), errors: errorShare, slowness: slowness,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total"}, []string{"route", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1}, NativeHistogramBucketFactor: 1.1,
		}, []string{"route"}),
		size: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Name: "http_response_size_bytes", Objectives: map[float64]float64{0.5: 0.05, 0.99: 0.001}, MaxAge: time.Hour,
		}, []string{"route"}),
		dotted:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http.server.requests"}, []string{"http.route"}),
		cpu:      prometheus.NewCounter(prometheus.CounterOpts{Name: "process_cpu_seconds_total"}),
		inflight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "http_requests_in_flight"}),
		celsius:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "temperature_celsius"}),
		queue:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "queue_length"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "build_info", ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	registry.MustRegister(s.requests, s.duration, s.size, s.dotted, s.cpu, s.inflight, s.celsius, s.queue, info)
	return s
}

var routes = []string{"/v1/signals", "/v1/orders", "/größe"}

// work is five seconds of traffic. The second route is closed for a while, and
// counts from zero again when it is back.
func (s *service) work(tick int) {
	open := routes
	if tick >= 80 && tick < 100 {
		open = []string{routes[0], routes[2]}
		s.requests.DeletePartialMatch(prometheus.Labels{"route": routes[1]})
		s.duration.DeletePartialMatch(prometheus.Labels{"route": routes[1]})
	}
	for range 5 + s.random.IntN(20) {
		route, code, method := open[s.random.IntN(len(open))], "200", "GET"
		switch p := s.random.Float64(); {
		case p < s.errors:
			code = "500"
		case p < s.errors+0.1:
			code = "404"
		}
		if s.random.IntN(4) == 0 {
			method = "POST"
		}
		s.requests.WithLabelValues(route, method, code).Inc()
		s.duration.WithLabelValues(route).Observe(s.slowness * s.random.ExpFloat64())
		s.size.WithLabelValues(route).Observe(float64(s.random.IntN(5000)))
		s.dotted.WithLabelValues(route).Inc()
	}
	s.cpu.Add(s.random.Float64() / 3)
	s.inflight.Set(float64(s.random.IntN(10)))
	s.celsius.Add(s.random.NormFloat64())
	s.queue.Set(map[int]float64{40: math.NaN(), 41: math.Inf(1), 42: math.Inf(-1)}[tick] + float64(tick%7))
}

// pods are two of the stable release, of which one falls down and starts anew,
// one of a candidate, and one that exposes classic histograms alone.
func pods() []*target {
	var (
		a = newService(1, "v1", 0.02, 0.02)
		b = newService(2, "v1", 0.02, 0.03)
		c = newService(3, "v2", 0.2, 0.1)
		d = newService(4, "v0", 0, 0.05)
	)
	named := func(pod, track, release string) labels.Labels {
		return labels.FromStrings("namespace", "prod", "pod", pod, "instance", pod+":8080", "job", "prod/signal", "track", track, "release", release)
	}
	text := expfmt.NewFormat(expfmt.TypeTextPlain).WithEscapingScheme(model.NoEscaping)
	protobuf := expfmt.NewFormat(expfmt.TypeProtoDelim).WithEscapingScheme(model.NoEscaping)
	openMetrics := expfmt.NewFormat(expfmt.TypeOpenMetrics).WithEscapingScheme(model.NoEscaping)
	both := textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true}
	return []*target{
		{own: named("a", "stable", "r1"), to: ticks, format: protobuf, options: both, live: working(a)},
		{
			own: named("b", "stable", "r1"), to: ticks, format: protobuf, options: both,
			down: func(tick int) bool { return tick >= 60 && tick < 64 },
			live: func(tick int) prometheus.Gatherer {
				if tick == 60 {
					b = newService(5, "v1", 0.02, 0.03)
				}
				return working(b)(tick)
			},
		},
		{own: named("c", "candidate", "r2"), from: 40, to: 120, format: protobuf, options: both, live: working(c)},
		{own: named("d", "stable", "r0"), to: ticks, format: text, live: working(d)},
		{
			own: labels.FromStrings("namespace", "prod", "pod", "e", "instance", "e:8080", "job", "prod/other"), from: 20, to: 140, format: openMetrics,
			options: textparse.ParserOptions{ConvertClassicHistogramsToNHCB: true}, live: working(newService(6, "v0", 0.5, 0.2)),
		},
	}
}

func working(s *service) func(tick int) prometheus.Gatherer {
	return func(tick int) prometheus.Gatherer {
		s.work(tick)
		return s
	}
}
