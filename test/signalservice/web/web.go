// Package web answers the requests of the sample service: signals and orders,
// by HTTP.
package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/signal-delivery/operator/internal/watermark"
	"github.com/signal-delivery/operator/test/signalservice/fault"
	"github.com/signal-delivery/operator/test/signalservice/flaw"
	"github.com/signal-delivery/operator/test/signalservice/settings"
	"github.com/signal-delivery/operator/test/signalservice/store"
)

// Service answers requests.
type Service struct {
	http.Handler
	Metrics http.Handler // for a port of their own
	Faults  *fault.Faults

	settings settings.Settings
	log      *zap.Logger
	store    store.Store
	metrics  metrics
	feed     feed
	draining atomic.Bool
	started  time.Time

	ended   chan struct{} // streams end
	endOnce sync.Once
}

// Needs are what a service is made of.
type Needs struct {
	Store    store.Store
	Faults   *fault.Faults
	Registry *prometheus.Registry
	Log      *zap.Logger          // redacted
	Unsafe   *zap.Logger          // not redacted, for flaws alone
	Sign     watermark.Middleware // nil: answers are not marked
}

// New is a service with these settings.
func New(s settings.Settings, n Needs) *Service {
	svc := &Service{settings: s, log: n.Log, store: n.Store, Faults: n.Faults, metrics: newMetrics(n.Registry, s.Version, s.Flaws), started: time.Now(), ended: make(chan struct{})}
	svc.Metrics = promhttp.HandlerFor(n.Registry, promhttp.HandlerOpts{})
	mux := http.NewServeMux()
	for route, answer := range map[string]func(http.ResponseWriter, *http.Request) int{
		"GET /{$}":           page,
		"GET /version":       svc.version,
		"GET /v1/signals":    svc.signals,
		"GET " + flaw.Latest: svc.latest,
		"GET " + flaw.Stream: svc.stream,
		"POST /v1/orders":    svc.order,
		"GET /v1/account":    only(s.UserA, s.UserB),
		"GET /v1/accounts/a": only(s.UserA),
		"GET /v1/admin":      only(),
		"POST /login":        login(),
	} {
		mux.Handle(route, svc.counted(route, answer))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", svc.ready)
	if s.MetricsPort == "" {
		mux.Handle("GET /metrics", svc.Metrics)
	}
	if s.FaultSwitches {
		mux.Handle("POST /faults", n.Faults)
	}
	svc.Handler = svc.marked(s.Flaws.Marked(n.Sign, s.Flaws.Around(guarded(s.AllowedOrigins, mux), s.Limits, n.Unsafe)))
	return svc
}

// Drain turns readiness off.
func (s *Service) Drain() { s.draining.Store(true) }

// EndStreams ends the streams that clients listen to.
func (s *Service) EndStreams() { s.endOnce.Do(func() { close(s.ended) }) }

// marked tells which version answered, and sends clients elsewhere while
// draining.
func (s *Service) marked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Signal-Version", s.settings.Version)
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// counted measures what a handler answers, and logs what failed. Of a request
// it knows the route alone, never what was sent.
func (s *Service) counted(route string, answer func(http.ResponseWriter, *http.Request) int) http.Handler {
	_, path, _ := cut(route)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		status := answer(w, r)
		code := strconv.Itoa(status)
		s.metrics.seconds.WithLabelValues(path, code).Observe(time.Since(start).Seconds())
		s.metrics.requests.WithLabelValues(path, r.Method, code).Inc()
		if s.metrics.callers != nil {
			s.metrics.callers.WithLabelValues(r.Header.Get("Authorization"), r.URL.RawQuery).Inc()
		}
		if status >= http.StatusInternalServerError {
			s.log.Warn("Request failed", zap.String("route", path), zap.Int("status", status))
		}
	})
}

func (s *Service) ready(w http.ResponseWriter, _ *http.Request) {
	slow := s.settings.Flaws[flaw.SlowStart] && time.Since(s.started) < s.settings.StartDelay
	if s.settings.NeverReady || slow || s.draining.Load() {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (s *Service) version(w http.ResponseWriter, _ *http.Request) int {
	return write(w, http.StatusOK, map[string]string{"version": s.settings.Version})
}

// page is for people; it issues a session of its own to whoever has none.
func page(w http.ResponseWriter, _ *http.Request) int {
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: "none", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, "<!doctype html><html><title>Signals</title></html>") // the client may be gone
	return http.StatusOK
}

func write(w http.ResponseWriter, code int, body any) int {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
	return code
}

func problem(w http.ResponseWriter, code int, text string) int {
	return write(w, code, map[string]string{"error": text})
}
