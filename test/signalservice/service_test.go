package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func get(t *testing.T, s *service, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		settings settings
		path     string
		code     int
	}{
		"signals":                   {settings{}, "/v1/signals", 200},
		"healthy":                   {settings{}, "/healthz", 200},
		"ready":                     {settings{}, "/readyz", 200},
		"version":                   {settings{}, "/version", 200},
		"never ready":               {settings{neverReady: true}, "/readyz", 503},
		"all errors":                {settings{errorRate: 1}, "/v1/signals", 500},
		"errors only after traffic": {settings{errorRate: 1, afterTraffic: time.Hour}, "/v1/signals", 200},
		"faulty is still healthy":   {settings{errorRate: 1}, "/healthz", 200},
		"unknown":                   {settings{}, "/nothing", 404},
	} {
		t.Run(name, func(t *testing.T) {
			tc.settings.version = "v9"
			w := get(t, newService(tc.settings), tc.path)
			if w.Code != tc.code || w.Header().Get("X-Signal-Version") != "v9" {
				t.Errorf("code %d, version %q", w.Code, w.Header().Get("X-Signal-Version"))
			}
		})
	}
}

func TestSignalsAreWellFormed(t *testing.T) {
	var body struct {
		Version string
		Signals []advice
	}
	if err := json.Unmarshal(get(t, newService(settings{version: "v9"}), "/v1/signals").Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Signals) < 3 || body.Version != "v9" {
		t.Errorf("got %+v", body)
	}
}

func TestErrorsAreSpreadEvenly(t *testing.T) {
	for rate, want := range map[float64]int{0: 0, 0.01: 10, 0.25: 250, 0.5: 500, 1: 1000} {
		failed := 0
		for n := range int64(1000) {
			if fails(n+1, rate) {
				failed++
			}
		}
		if failed != want {
			t.Errorf("rate %v: %d of 1000 fail, want %d", rate, failed, want)
		}
	}
}

func TestMetrics(t *testing.T) {
	s := newService(settings{version: "v9", errorRate: 0.5})
	for range 4 {
		get(t, s, "/v1/signals")
	}
	text := get(t, s, "/metrics").Body.String()
	for _, want := range []string{
		`http_requests_total{code="200",method="GET",route="/v1/signals"} 2`,
		`http_requests_total{code="500",method="GET",route="/v1/signals"} 2`,
		`http_request_duration_seconds_count{code="200",route="/v1/signals"} 2`,
		`build_info{version="v9"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// A request that is in flight when the service is told to stop is answered,
// and readiness is gone at once.
func TestDrain(t *testing.T) {
	s := newService(settings{latency: 300 * time.Millisecond})
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // the server closes it
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	answered := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String() + "/v1/signals") //nolint:noctx // bounded by the server
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
		answered <- response.Status
	}()
	for s.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := drain(s, server, 0); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got != "200 OK" {
		t.Errorf("the request in flight got %s", got)
	}
	if code := get(t, s, "/readyz").Code; code != http.StatusServiceUnavailable {
		t.Errorf("ready while draining: %d", code)
	}
}

// Proxies notice late that a pod is going: until then it serves, and sends its
// clients elsewhere.
func TestServesOnWhileDraining(t *testing.T) {
	const delay = 30 * time.Millisecond
	s := newService(settings{})
	if got := get(t, s, "/v1/signals").Header().Get("Connection"); got != "" {
		t.Errorf("before draining, Connection: %s", got)
	}
	start := time.Now()
	if err := drain(s, &http.Server{ReadHeaderTimeout: time.Second}, delay); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < delay {
		t.Errorf("stopped serving after %s, want %s", took, delay)
	}
	if w := get(t, s, "/v1/signals"); w.Code != http.StatusOK || w.Header().Get("Connection") != "close" {
		t.Errorf("while draining: %d, Connection: %q", w.Code, w.Header().Get("Connection"))
	}
}

func TestLatencyBeginsAfterTraffic(t *testing.T) {
	const latency = 30 * time.Millisecond
	took := func(s *service) time.Duration {
		start := time.Now()
		get(t, s, "/v1/signals")
		return time.Since(start)
	}
	if got := took(newService(settings{latency: latency})); got < latency {
		t.Errorf("answered after %s, want %s", got, latency)
	}
	if got := took(newService(settings{latency: time.Hour, afterTraffic: time.Hour})); got > time.Minute {
		t.Errorf("answered after %s, though the fault has not begun", got)
	}
}

func TestSettings(t *testing.T) {
	env := map[string]string{"PORT": "1", "VERSION": "v2", "DRAIN_DELAY": "1s", "FAULT_ERROR_RATE": "0.5", "FAULT_LATENCY": "2s", "FAULT_AFTER_TRAFFIC": "3s", "FAULT_CRASH_AFTER": "0", "FAULT_NEVER_READY": "true"}
	got, err := settingsFrom(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	want := settings{port: "1", version: "v2", drainDelay: time.Second, errorRate: 0.5, latency: 2 * time.Second, afterTraffic: 3 * time.Second, neverReady: true}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(settings{})); diff != "" {
		t.Error(diff)
	}
	for name, value := range map[string]string{"FAULT_ERROR_RATE": "1.5", "FAULT_LATENCY": "fast"} {
		_, err := settingsFrom(func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
