package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// service answers requests.
type service struct {
	settings
	http.Handler
	draining atomic.Bool
	asked    atomic.Int64 // requests for signals, for a deterministic share of errors
	first    atomic.Int64 // when the first of them came, in Unix nanoseconds

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newService(s settings) *service {
	registry := prometheus.NewRegistry()
	svc := &service{
		settings: s,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "How long answers took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"route", "code"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "build_info", Help: "1, labelled with the version."}, []string{"version"})
	build.WithLabelValues(s.version).Set(1)
	registry.MustRegister(svc.requests, svc.seconds, build)
	registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
	// Counters start at zero, so that a first error is an increase.
	for _, code := range []string{"200", "500"} {
		svc.requests.WithLabelValues("/v1/signals", http.MethodGet, code)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /v1/signals", svc.counted("/v1/signals", svc.signals))
	mux.Handle("GET /version", svc.counted("/version", func(w http.ResponseWriter, _ *http.Request) int {
		return write(w, http.StatusOK, map[string]string{"version": s.version})
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", svc.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	svc.Handler = svc.marked(mux)
	return svc
}

// marked tells which version answered, and sends clients elsewhere while
// draining.
func (s *service) marked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Signal-Version", s.version)
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// counted measures what a handler answers.
func (s *service) counted(route string, answer func(http.ResponseWriter, *http.Request) int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		code := strconv.Itoa(answer(w, r))
		s.seconds.WithLabelValues(route, code).Observe(time.Since(start).Seconds())
		s.requests.WithLabelValues(route, r.Method, code).Inc()
	})
}

// advice is one trading signal.
type advice struct {
	Symbol    string  `json:"symbol"`
	Direction string  `json:"direction"`
	Strength  float64 `json:"strength"`
}

func (s *service) signals(w http.ResponseWriter, _ *http.Request) int {
	n := s.asked.Add(1)
	s.first.CompareAndSwap(0, time.Now().UnixNano())
	if time.Since(time.Unix(0, s.first.Load())) >= s.afterTraffic {
		time.Sleep(s.latency)
		if fails(n, s.errorRate) {
			return write(w, http.StatusInternalServerError, map[string]string{"error": "a fault was asked for"})
		}
	}
	return write(w, http.StatusOK, map[string]any{"version": s.version, "signals": []advice{
		{"EURUSD", "buy", 0.81}, {"XAUUSD", "sell", 0.64}, {"BTCUSD", "hold", 0.5},
	}})
}

// fails spreads errors evenly: of the first n requests, rate x n fail.
func fails(n int64, rate float64) bool {
	return math.Floor(float64(n)*rate) > math.Floor(float64(n-1)*rate)
}

func (s *service) ready(w http.ResponseWriter, _ *http.Request) {
	if s.neverReady || s.draining.Load() {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func write(w http.ResponseWriter, code int, body any) int {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
	return code
}
