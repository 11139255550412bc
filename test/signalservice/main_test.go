package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/signal-delivery/operator/test/signalservice/fault"
	"github.com/signal-delivery/operator/test/signalservice/flaw"
	"github.com/signal-delivery/operator/test/signalservice/settings"
	"github.com/signal-delivery/operator/test/signalservice/store"
	"github.com/signal-delivery/operator/test/signalservice/web"
)

// serving is a service that has published, with its server and its address.
func serving(t *testing.T, s settings.Settings) (*web.Service, servers, string) {
	t.Helper()
	faults := fault.New(s.Faults, s.AfterTraffic, func() {})
	kept := store.NewMemory(func() bool { return faults.Down(fault.Postgres) })
	svc := web.New(s, web.Needs{
		Store: kept, Faults: faults, Registry: prometheus.NewRegistry(), Log: zap.NewNop(), Unsafe: zap.NewNop(),
	})
	go svc.Publish(t.Context())
	all, err := serversOf(s, svc)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = all[0].Serve(listener) }() // it ends when it is closed
	t.Cleanup(func() { _ = all[0].Close() })
	address := listener.Addr().String()
	for { // until there are signals
		if code, _ := get(t, "http://"+address+flaw.Latest); code != http.StatusServiceUnavailable {
			return svc, all, address
		}
		time.Sleep(time.Millisecond)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}

// A request that is in flight when the service is told to stop is answered, a
// stream is ended, and readiness is gone at once.
func TestDrain(t *testing.T) {
	s := settings.Default()
	s.Faults.LatencyMilliseconds = 300
	svc, all, address := serving(t, s)
	answered, streamed := make(chan int, 1), make(chan string, 1)
	go func() {
		code, _ := get(t, "http://"+address+"/v1/signals")
		answered <- code
	}()
	go func() {
		_, text := get(t, "http://"+address+flaw.Stream)
		streamed <- text
	}()
	for svc.Faults.Asked() == 0 {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	if err := all.drain(svc, 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 200*time.Millisecond || took > stopTimeout/2 {
		t.Errorf("drained in %s", took)
	}
	if got := <-answered; got != http.StatusOK {
		t.Errorf("the request in flight got %d", got)
	}
	if got := <-streamed; !strings.Contains(got, "event: signal\n") {
		t.Errorf("the stream was %q", got)
	}
}

func TestSIGTERM(t *testing.T) {
	for name, tc := range map[string]struct {
		flaws flaw.Set
		stops bool
	}{
		"is heeded":  {nil, true},
		"is ignored": {flaw.Set{flaw.IgnoresSIGTERM: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if got := stopping(ctx, tc.flaws).Err() != nil; got != tc.stops {
				t.Errorf("stops: %t", got)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	for name, tc := range map[string]struct {
		flaws  flaw.Set
		speaks uint16
		answer bool
	}{
		"of today":               {nil, tls.VersionTLS12, true},
		"of yesterday":           {nil, tls.VersionTLS11, false},
		"of yesterday, too weak": {flaw.Set{flaw.TLSOld: true}, tls.VersionTLS11, true},
	} {
		t.Run(name, func(t *testing.T) {
			lender := httptest.NewTLSServer(http.NotFoundHandler()) // of its certificate
			defer lender.Close()
			listener, err := tls.Listen("tcp", "127.0.0.1:0", configOf(lender.TLS.Certificates[0], tc.flaws))
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				if conn, err := listener.Accept(); err == nil {
					_, _ = conn.Read(make([]byte, 1)) // shakes hands
				}
			}()
			dialer := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tc.speaks, InsecureSkipVerify: true}}
			conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
			if err == nil {
				_ = conn.Close()
			}
			if (err == nil) != tc.answer {
				t.Errorf("%v", err)
			}
		})
	}
}
