package leaks

import (
	"bytes"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/leaky"
	"github.com/signal-delivery/operator/test/signalservice/fault"
	"github.com/signal-delivery/operator/test/signalservice/flaw"
	"github.com/signal-delivery/operator/test/signalservice/redact"
	"github.com/signal-delivery/operator/test/signalservice/settings"
	"github.com/signal-delivery/operator/test/signalservice/store"
	"github.com/signal-delivery/operator/test/signalservice/web"
)

// shared is a log that is written while it is read.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(text)
}

func (s *shared) Sync() error { return nil }

func (s *shared) read() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.text.Bytes())
}

// sampled is what the check says of the sample service with flaws.
func sampled(t *testing.T, flaws ...flaw.Name) (all []verdict.Verdict, logged int) {
	t.Helper()
	s := settings.Default()
	for _, name := range flaws {
		s.Flaws[name] = true
	}
	var log shared
	unsafe := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), &log, zap.InfoLevel))
	faults := fault.New(s.Faults, s.AfterTraffic, func() {})
	kept := store.NewMemory(func() bool { return false })
	t.Cleanup(kept.Close)
	svc := web.New(s, web.Needs{
		Store: kept, Faults: faults, Registry: prometheus.NewRegistry(), Log: unsafe.WithOptions(redact.Redacting()), Unsafe: unsafe,
	})
	go svc.Publish(t.Context())
	server := httptest.NewServer(svc)
	t.Cleanup(server.Close)
	l := leaks("key")
	l.Address = server.Listener.Addr().String()
	_, port, err := net.SplitHostPort(l.Address)
	if err != nil {
		t.Fatal(err)
	}
	l.Metrics = Metrics{Scheme: "http", Path: "/metrics", Port: port}
	api := &leaky.API{Has: func(from leaky.Sink) []byte {
		if from == leaky.Log {
			return log.read()
		}
		return nil
	}}
	l.API = api.Serve(t, l.Address)
	return l.Run(t.Context(), leaky.Spec(quick, func(s *v1alpha1.LeaksSpec) { s.Paths = append(s.Paths, "/v1/account") })), len(log.read())
}

// The sample service is clean as it comes; each of its flaws that leaks is
// found where it leaks.
func TestTheSampleService(t *testing.T) {
	for name, tc := range map[string]struct {
		flaws []flaw.Name
		want  []string // of the message; none: it passes
	}{
		"as it comes":     {nil, nil},
		"log-secrets":     {[]flaw.Name{flaw.LogSecrets}, []string{"the log of container signal of pod app-v2-x", "sent in Authorization"}},
		"error-echo":      {[]flaw.Name{flaw.ErrorEcho}, []string{"answers that are errors of"}},
		"metrics-secrets": {[]flaw.Name{flaw.MetricsSecrets}, []string{"sent in Authorization", "the metrics of pod app-v2-x"}},
	} {
		t.Run(name, func(t *testing.T) {
			all, logged := sampled(t, tc.flaws...)
			v := all[len(all)-1]
			if (v.Outcome == verdict.Passed) != (tc.want == nil) || v.Outcome == verdict.Unknown {
				t.Errorf("%s: %s", v.Outcome, v.Message)
			}
			for _, part := range tc.want {
				if !strings.Contains(v.Message, part) {
					t.Errorf("it does not say %q: %s", part, v.Message)
				}
			}
			t.Logf("%d bytes were logged; %s", logged, v.Message)
		})
	}
}
