package databases

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// way leads to a server, and can be cut.
type way struct {
	url string

	mu    sync.Mutex
	shut  bool
	conns []net.Conn
}

func cut(t *testing.T, to string) *way {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	host := target.Host
	target.Host = listener.Addr().String()
	w := &way{url: target.String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			w.lead(conn, host)
		}
	}()
	return w
}

func (w *way) lead(conn net.Conn, host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shut {
		_ = conn.Close() // the way is cut
		return
	}
	server, err := net.Dial("tcp", host) //nolint:noctx // it ends with the test
	if err != nil {
		_ = conn.Close()
		return
	}
	w.conns = append(w.conns, conn, server)
	go func() { _, _ = io.Copy(server, conn) }() // it ends when one is closed
	go func() { _, _ = io.Copy(conn, server) }()
}

// open opens or cuts the way.
func (w *way) open(is bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut = !is
	if w.shut {
		for _, conn := range w.conns {
			_ = conn.Close()
		}
		w.conns = nil
	}
}
