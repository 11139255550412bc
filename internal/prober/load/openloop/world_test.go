package openloop

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// pipes is a network in memory, whose time a test can make up.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.closed) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// service answers on pipes, inside the bubble of a test.
func service(t *testing.T, answer http.HandlerFunc) Sender {
	t.Helper()
	at := newPipes()
	server := &http.Server{Handler: answer, ReadHeaderTimeout: time.Hour}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(at) })
	t.Cleanup(func() { _ = server.Close(); serving.Wait() })
	return Sender{URL: "http://signals", Host: "signals.test.svc", Release: "v1", Workers: 1, dial: at.dial}
}

// realService answers on a real network.
func realService(t *testing.T, answer http.HandlerFunc) Sender {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return Sender{URL: server.URL, Host: "signals.test.svc", Release: "v1", Workers: 1}
}

// steady is a load of one request.
func steady(rate, seconds int32) v1alpha1.LoadTest {
	return v1alpha1.LoadTest{
		Requests: []v1alpha1.LoadRequest{{Path: "/", Method: http.MethodGet, Weight: 1}}, Shape: v1alpha1.LoadConstant,
		RatePerSecond: rate, DurationSeconds: seconds, AnswerSeconds: 5, Workers: 1,
	}
}

// since counts the requests of each second since the first.
type since struct {
	mu      sync.Mutex
	start   time.Time
	seconds map[int]int
}

func (s *since) note() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.start.IsZero() {
		s.start, s.seconds = time.Now(), map[int]int{}
	}
	d := time.Since(s.start)
	s.seconds[int(d.Seconds())]++
	return d
}

// dozing is a pacer that gets no time for a second, before the hundredth
// request.
type dozing struct{ vegeta.Pacer }

func (d dozing) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if hits == 100 {
		time.Sleep(time.Second)
	}
	return d.Pacer.Pace(elapsed, hits)
}
