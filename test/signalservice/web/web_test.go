package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/signal-delivery/operator/internal/watermark"
	"github.com/signal-delivery/operator/test/signalservice/fault"
	"github.com/signal-delivery/operator/test/signalservice/flaw"
	"github.com/signal-delivery/operator/test/signalservice/settings"
	"github.com/signal-delivery/operator/test/signalservice/store"
)

const trusted = "https://app.example.com"

// bench is a service that has published one signal of each market.
type bench struct {
	*Service
	t    *testing.T
	logs *observer.ObservedLogs
}

func newBench(t *testing.T, change ...func(*settings.Settings)) bench {
	t.Helper()
	s := settings.Default()
	s.Version, s.AllowedOrigins, s.UserA, s.UserB = "v9", []string{trusted}, "Bearer a", "Bearer b"
	for _, c := range change {
		c(&s)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	faults := fault.New(s.Faults, s.AfterTraffic, func() {})
	svc := New(s, Needs{
		Store: store.NewMemory(func() bool { return faults.Down(fault.Postgres) }), Faults: faults, Registry: prometheus.NewRegistry(), Log: log, Unsafe: log, Sign: sign(t),
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	svc.Publish(ctx)
	return bench{svc, t, logs}
}

// key signs what tests ask for.
var key = []byte(strings.Repeat("k", 32))

func sign(t *testing.T) watermark.Middleware {
	t.Helper()
	middleware, err := watermark.Sign(key, "v9-hash")
	if err != nil {
		t.Fatal(err)
	}
	return middleware
}

func with(names ...flaw.Name) func(*settings.Settings) {
	return func(s *settings.Settings) {
		for _, name := range names {
			s.Flaws[name] = true
		}
	}
}

// ask sends a request; a header is a name and then a value.
func (b bench) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func TestAnswers(t *testing.T) {
	failing := func(s *settings.Settings) { s.Faults.ErrorRate = 1 }
	for name, tc := range map[string]struct {
		change func(*settings.Settings)
		path   string
		code   int
	}{
		"signals":                   {with(), "/v1/signals", 200},
		"the latest":                {with(), flaw.Latest, 200},
		"a page":                    {with(), "/", 200},
		"healthy":                   {with(), "/healthz", 200},
		"ready":                     {with(), "/readyz", 200},
		"version":                   {with(), "/version", 200},
		"metrics":                   {with(), "/metrics", 200},
		"metrics elsewhere":         {func(s *settings.Settings) { s.MetricsPort = "9090" }, "/metrics", 404},
		"never ready":               {func(s *settings.Settings) { s.NeverReady = true }, "/readyz", 503},
		"slow to start":             {with(flaw.SlowStart), "/readyz", 503},
		"started":                   {func(s *settings.Settings) { with(flaw.SlowStart)(s); s.StartDelay = 0 }, "/readyz", 200},
		"all errors":                {failing, "/v1/signals", 500},
		"errors only after traffic": {func(s *settings.Settings) { failing(s); s.AfterTraffic = time.Hour }, "/v1/signals", 200},
		"faulty is still healthy":   {failing, "/healthz", 200},
		"unknown":                   {with(), "/nothing", 404},
		"not normal":                {with(), "/v1/./signals", 400},
		"an account, by nobody":     {with(), "/v1/account", 401},
		"faults are off":            {with(), "/faults", 404},
		"another verb":              {with(), "/v1/orders", 405},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBench(t, tc.change).ask(http.MethodGet, tc.path, "")
			if w.Code != tc.code || w.Header().Get("X-Signal-Version") != "v9" {
				t.Errorf("code %d, version %q", w.Code, w.Header().Get("X-Signal-Version"))
			}
		})
	}
}

func TestSignalsAreWellFormed(t *testing.T) {
	var body struct {
		Version string
		Signals []store.Signal
	}
	if err := json.Unmarshal(newBench(t).ask(http.MethodGet, "/v1/signals", "").Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Signals) != len(markets) || body.Version != "v9" {
		t.Fatalf("got %+v", body)
	}
	for _, s := range body.Signals {
		if s.Symbol == "" || s.Direction == "" || s.Strength < 0 || s.Strength > 1 || time.Since(s.Published) > time.Minute {
			t.Errorf("got %+v", s)
		}
	}
}

func TestOrders(t *testing.T) {
	const good = `{"symbol":"EURUSD","side":"buy","quantity":1.5}`
	for name, tc := range map[string]struct {
		body    string
		headers []string
		code    int
		says    string
	}{
		"an order":               {good, nil, 201, `"symbol":"EURUSD"`},
		"paid by card":           {`{"symbol":"EURUSD","side":"sell","quantity":1,"cardNumber":"4111111111111111"}`, nil, 201, `"side":"sell"`},
		"a charset":              {good, []string{"Content-Type", "application/json; charset=utf-8"}, 201, `"id":`},
		"of a trusted page":      {good, []string{"Origin", trusted}, 201, `"id":`},
		"of a strange page":      {good, []string{"Origin", "https://evil.example"}, 403, "origin"},
		"of another type":        {good, []string{"Content-Type", "text/plain"}, 415, "application/json"},
		"of no type":             {good, []string{"Content-Type", ""}, 415, "application/json"},
		"packed":                 {good, []string{"Content-Encoding", "gzip"}, 415, "packed"},
		"nothing":                {"", nil, 400, "the body is no order"},
		"no JSON":                {`{"symbol":`, nil, 400, "the body is no order"},
		"a list":                 {`[]`, nil, 400, "the body is no order"},
		"two":                    {good + good, nil, 400, "the body is no order"},
		"an unknown field":       {`{"symbol":"EURUSD","side":"buy","quantity":1,"role":"admin"}`, nil, 400, "the body is no order"},
		"a symbol in lower case": {`{"symbol":"eurusd","side":"buy","quantity":1}`, nil, 400, "symbol must be"},
		"a third side":           {`{"symbol":"EURUSD","side":"keep","quantity":1}`, nil, 400, "side must be"},
		"none of it":             {`{"symbol":"EURUSD","side":"buy","quantity":0}`, nil, 400, "quantity must be"},
		"too much of it":         {`{"symbol":"EURUSD","side":"buy","quantity":1000001}`, nil, 400, "quantity must be"},
		"no card":                {`{"symbol":"EURUSD","side":"buy","quantity":1,"cardNumber":"4111-1111"}`, nil, 400, "cardNumber must be"},
		"too large":              {`{"symbol":"` + strings.Repeat("A", 64<<10) + `"}`, nil, 413, "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBench(t).ask(http.MethodPost, "/v1/orders", tc.body, append([]string{"Content-Type", "application/json"}, tc.headers...)...)
			if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.says) || strings.Contains(w.Body.String(), "4111") {
				t.Errorf("%d: %s", w.Code, w.Body)
			}
		})
	}
}

func TestOrdersAreRefusedWhileTheDatabaseIsDown(t *testing.T) {
	b := newBench(t, func(s *settings.Settings) { s.FaultSwitches = true })
	order := func() int {
		return b.ask(http.MethodPost, "/v1/orders", `{"symbol":"EURUSD","side":"buy","quantity":1}`, "Content-Type", "application/json").Code
	}
	for _, tc := range []struct {
		state string
		code  int
	}{{"down", 503}, {"up", 201}} {
		if w := b.ask(http.MethodPost, "/faults", `{"dependency":{"postgres":"`+tc.state+`"}}`); w.Code != http.StatusOK {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		if got := order(); got != tc.code {
			t.Errorf("while the database is %s: %d", tc.state, got)
		}
		if got := b.ask(http.MethodGet, "/v1/signals", "").Code; got != http.StatusOK {
			t.Errorf("signals while the database is %s: %d", tc.state, got)
		}
	}
}

func TestMetrics(t *testing.T) {
	b := newBench(t, func(s *settings.Settings) { s.Faults.ErrorRate = 0.5 })
	for range 4 {
		b.ask(http.MethodGet, "/v1/signals", "")
	}
	text := b.ask(http.MethodGet, "/metrics", "").Body.String()
	for _, want := range []string{
		`http_requests_total{code="200",method="GET",route="/v1/signals"} 2`,
		`http_requests_total{code="500",method="GET",route="/v1/signals"} 2`,
		`http_request_duration_seconds_count{code="200",route="/v1/signals"} 2`,
		`build_info{version="v9"} 1`,
		`signals_published_total 6`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// The stream begins with the newest signal, and goes on with each that is
// published.
func TestStream(t *testing.T) {
	b := newBench(t)
	server := httptest.NewServer(b)
	defer server.Close()
	defer b.EndStreams()
	response, err := http.Get(server.URL + flaw.Stream) //nolint:noctx // it ends with the test
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	event := func() string {
		t.Helper()
		var text strings.Builder
		for lines.Scan() && lines.Text() != "" {
			fmt.Fprintln(&text, lines.Text())
		}
		return text.String()
	}
	for n := range 3 {
		if got := event(); !strings.Contains(got, "event: signal\ndata: {\"symbol\":") {
			t.Errorf("event %d: %q", n, got)
		}
		b.publish(t.Context(), markets[0])
	}
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type: %s", got)
	}
}

// Proxies notice late that a pod is going: until then it serves, and sends its
// clients elsewhere.
func TestServesOnWhileDraining(t *testing.T) {
	b := newBench(t)
	if got := b.ask(http.MethodGet, "/v1/signals", "").Header().Get("Connection"); got != "" {
		t.Errorf("before draining, Connection: %s", got)
	}
	b.Drain()
	if w := b.ask(http.MethodGet, "/v1/signals", ""); w.Code != http.StatusOK || w.Header().Get("Connection") != "close" {
		t.Errorf("while draining: %d, Connection: %q", w.Code, w.Header().Get("Connection"))
	}
	if code := b.ask(http.MethodGet, "/readyz", "").Code; code != http.StatusServiceUnavailable {
		t.Errorf("ready while draining: %d", code)
	}
}
