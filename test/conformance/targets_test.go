package conformance_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// exposer is a pod's process: what it exposes is the test's to say.
type exposer struct {
	name, track, release string
	server               *httptest.Server

	mu     sync.Mutex
	answer http.Handler
}

// expose begins a process at an address that is not the loopback one, which no
// pod has.
func expose(t *testing.T, name, track, release string, answer http.Handler) *exposer {
	t.Helper()
	e := &exposer{name: name, track: track, release: release, answer: answer}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(ownAddress(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	e.server = httptest.NewUnstartedServer(e)
	_ = e.server.Listener.Close()
	e.server.Listener = listener
	e.server.Start()
	t.Cleanup(e.server.Close)
	return e
}

// ownAddress is one of this machine by which another could reach it.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && ip.IP.IsGlobalUnicast() {
			return ip.IP.String()
		}
	}
	t.Fatal("this machine has no address but the loopback one: give it a network, if only a dummy interface")
	return ""
}

// ServeHTTP exposes.
func (e *exposer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	answer := e.answer
	e.mu.Unlock()
	answer.ServeHTTP(w, r)
}

func (e *exposer) set(answer http.Handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = answer
}

func (e *exposer) port() int { return e.server.Listener.Addr().(*net.TCPAddr).Port }

// negotiated is what client_golang exposes, in the format that is asked for:
// protobuf, with native histograms, packed.
func negotiated(phase, count int, extra ...func(*prometheus.Registry)) http.Handler {
	r := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, []string{"code", "pod"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "seconds", Buckets: []float64{0.01, 0.1, 1}, NativeHistogramBucketFactor: 1.1,
	}, []string{"route"})
	size := prometheus.NewSummary(prometheus.SummaryOpts{Name: "size_bytes", Objectives: map[float64]float64{0.5: 0.05}})
	current := prometheus.NewGauge(prometheus.GaugeOpts{Name: "phase"})
	r.MustRegister(requests, seconds, size, current)
	current.Set(float64(phase))
	requests.WithLabelValues("200", "not its own").Add(float64(10 * count))
	requests.WithLabelValues("500", "").Add(float64(count))
	for i := range count {
		seconds.WithLabelValues("/a").Observe(float64(i%7) / 20)
		seconds.WithLabelValues("/größe").Observe(float64(i%3) * 2)
		size.Observe(float64(i))
	}
	for _, add := range extra {
		add(r)
	}
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// fixed is an exposition as it is written here, packed if it is to be.
func fixed(contentType string, packed bool, format string, args ...any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		var to io.Writer = w
		if packed {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer func() { _ = z.Close() }()
			to = z
		}
		_, _ = fmt.Fprintf(to, format, args...)
	})
}

const (
	textFormat  = "text/plain; version=0.0.4"
	openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)
