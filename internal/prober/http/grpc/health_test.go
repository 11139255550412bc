package grpcprobe

import (
	"context"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/http/target"
	"github.com/signal-delivery/operator/internal/verdict"
)

// listen is a free port.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// start serves gRPC until the test is over.
func start(t *testing.T, server *grpc.Server) target.Target {
	t.Helper()
	l := listen(t)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return target.Target{URL: "http://" + l.Addr().String(), Host: "app-canary.prod.svc"}
}

// with is a server that says this of the service trades.
func with(said healthv1.HealthCheckResponse_ServingStatus, options ...grpc.ServerOption) *grpc.Server {
	server, service := grpc.NewServer(options...), health.NewServer()
	service.SetServingStatus("trades", said)
	healthv1.RegisterHealthServer(server, service)
	return server
}

func trades() v1alpha1.GRPCCheck { return v1alpha1.GRPCCheck{Service: "trades"} }

// odd is a health service that answers as nobody should.
type odd struct {
	healthv1.UnimplementedHealthServer
	answer *healthv1.HealthCheckResponse
	err    error
	hangs  bool
}

func (o odd) Check(ctx context.Context, _ *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	if o.hangs {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return o.answer, o.err
}

func TestHealth(t *testing.T) {
	oddly := func(o odd) *grpc.Server {
		server := grpc.NewServer()
		healthv1.RegisterHealthServer(server, o)
		return server
	}
	for name, tc := range map[string]struct {
		server *grpc.Server
		check  v1alpha1.GRPCCheck
		reason string
		says   string
		value  string
	}{
		"the server serves":            {with(healthv1.HealthCheckResponse_SERVING), v1alpha1.GRPCCheck{}, ReasonServing, "gRPC health of the server was answered with SERVING", "SERVING"},
		"the service serves":           {with(healthv1.HealthCheckResponse_SERVING), trades(), ReasonServing, "gRPC health of trades was answered with SERVING", "SERVING"},
		"it does not":                  {with(healthv1.HealthCheckResponse_NOT_SERVING), trades(), ReasonNotServing, "gRPC health of trades was answered with NOT_SERVING, not with SERVING", "NOT_SERVING"},
		"it does not know":             {with(healthv1.HealthCheckResponse_UNKNOWN), trades(), ReasonNotServing, "answered with UNKNOWN", "UNKNOWN"},
		"it does not know the service": {with(healthv1.HealthCheckResponse_SERVICE_UNKNOWN), trades(), ReasonNotServing, "answered with SERVICE_UNKNOWN", "SERVICE_UNKNOWN"},
		"another service":              {with(healthv1.HealthCheckResponse_SERVING), v1alpha1.GRPCCheck{Service: "orders"}, ReasonNoHealth, "gRPC health of orders was not answered: the server's health service does not know it", "code NotFound"},
		"no health service":            {grpc.NewServer(), trades(), ReasonNoHealth, "the server has no grpc.health.v1.Health", "code Unimplemented"},
		"a status of the future":       {oddly(odd{answer: &healthv1.HealthCheckResponse{Status: 77}}), trades(), ReasonNotServing, "a status that gRPC does not know", "a status that gRPC does not know"},
		"an error with words":          {oddly(odd{err: status.Error(codes.Internal, "hunter2")}), trades(), ReasonNoAnswer, "gRPC health of trades was answered with code Internal", "code Internal"},
		"a refusal with words":         {oddly(odd{err: status.Error(codes.PermissionDenied, "hunter2")}), trades(), ReasonNoAnswer, "answered with code PermissionDenied", "code PermissionDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Probe{Clock: clock.RealClock{}, Target: start(t, tc.server)}.Run(t.Context(), tc.check)
			if got.Reason != tc.reason || (got.Outcome == verdict.Passed) != (tc.reason == ReasonServing) || got.Outcome == verdict.Unknown || !strings.Contains(got.Message, tc.says) {
				t.Errorf("got %+v", got)
			}
			if strings.Contains(got.Message, "hunter2") {
				t.Errorf("it repeats what came: %s", got.Message)
			}
			got.Evidence.Window = ""
			want := &verdict.Evidence{Value: tc.value, Threshold: "SERVING", Query: query(tc.check), Source: "app-canary.prod.svc"}
			if diff := cmp.Diff(want, got.Evidence); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAServerThatSaysNothing(t *testing.T) {
	hanging := grpc.NewServer()
	healthv1.RegisterHealthServer(hanging, odd{hangs: true})
	silent := listen(t)
	t.Cleanup(func() { _ = silent.Close() })
	plain := httptest.NewServer(nil)
	t.Cleanup(plain.Close)
	for name, to := range map[string]target.Target{
		"it does not answer the call":   start(t, hanging),
		"it takes no connection up":     {URL: "http://" + silent.Addr().String()},
		"it speaks HTTP/1, and no gRPC": {URL: plain.URL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			got := Probe{Clock: clock.RealClock{}, Target: to}.Run(ctx, trades())
			if got.Outcome != verdict.Failed || got.Reason != ReasonNoAnswer {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// late is a clock that lets no time pass, and calls someone before each wait.
type late struct {
	clock.RealClock
	wait func()
}

func (l late) After(time.Duration) <-chan time.Time {
	l.wait()
	done := make(chan time.Time, 1)
	done <- time.Time{}
	return done
}

func TestAServerThatListensLateIsWaitedFor(t *testing.T) {
	l := listen(t)
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	waits := 0
	probe := Probe{Target: target.Target{URL: "http://" + address}, Clock: late{wait: func() {
		if waits++; waits != 3 {
			return
		}
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		server := with(healthv1.HealthCheckResponse_SERVING)
		go func() { _ = server.Serve(l) }()
		t.Cleanup(server.Stop)
	}}}
	if got := probe.Run(t.Context(), trades()); got.Outcome != verdict.Passed || waits != 3 {
		t.Errorf("after %d waits: %+v", waits, got)
	}
}

func TestHealthOverTLS(t *testing.T) {
	lender := httptest.NewUnstartedServer(nil) // has a certificate for example.com
	lender.StartTLS()
	t.Cleanup(lender.Close)
	served := start(t, with(healthv1.HealthCheckResponse_SERVING, grpc.Creds(credentials.NewServerTLSFromCert(&lender.TLS.Certificates[0]))))
	for name, tc := range map[string]struct {
		trust  target.Trust
		reason string
		says   string
	}{
		"a name that it has":      {trusting(t, lender, "example.com"), ReasonServing, "SERVING"},
		"another name":            {trusting(t, lender, "app.example"), ReasonNoAnswer, "its certificate is for another name than tls.serverName"},
		"an authority of its own": {target.Trust{ServerName: "example.com"}, ReasonNoAnswer, "an authority that is not trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			to := served
			to.URL, to.TLS = strings.Replace(served.URL, "http:", "https:", 1), tc.trust
			if got := (Probe{Clock: clock.RealClock{}, Target: to}).Run(t.Context(), trades()); got.Reason != tc.reason || !strings.Contains(got.Message, tc.says) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// trusting believes a server's own certificate.
func trusting(t *testing.T, server *httptest.Server, name string) target.Trust {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return target.Trust{ServerName: name, Roots: roots}
}

// What every request of the target has, a call has, too.
func TestACallHasWhatEveryRequestHas(t *testing.T) {
	var got metadata.MD
	to := start(t, with(healthv1.HealthCheckResponse_SERVING, grpc.UnaryInterceptor(func(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		got, _ = metadata.FromIncomingContext(ctx)
		return next(ctx, r)
	})))
	to.Headers = []v1alpha1.HTTPHeader{{Name: "X-Signal-Release", Value: "abc"}}
	if v := (Probe{Clock: clock.RealClock{}, Target: to}).Run(t.Context(), trades()); v.Outcome != verdict.Passed {
		t.Errorf("got %+v", v)
	}
	if strings.Join(got["x-signal-release"], "") != "abc" || strings.Join(got[":authority"], "") != "app-canary.prod.svc" {
		t.Errorf("it was asked with %v", got)
	}
}
