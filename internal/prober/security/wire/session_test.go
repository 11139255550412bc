package wire

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hasty is a clock that goes by itself, and remembers how long it was waited for.
type hasty struct {
	now   time.Time
	waits []time.Duration
}

func (h *hasty) Now() time.Time { return h.now }

func (h *hasty) After(d time.Duration) <-chan time.Time {
	h.now, h.waits = h.now.Add(d), append(h.waits, d)
	done := make(chan time.Time, 1)
	done <- h.now
	return done
}

// says is a server that says the same to everyone, and keeps what it heard.
func says(t *testing.T, text string) (address string, heard func() []string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed with the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() }) //nolint:errcheck // it is gone either way
	var (
		mu  sync.Mutex
		all []string
	)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 4096)
			n, _ := conn.Read(buffer)
			mu.Lock()
			all = append(all, string(buffer[:n]))
			mu.Unlock()
			fmt.Fprint(conn, text) //nolint:errcheck // nobody waits for it
			conn.Close()           //nolint:errcheck // nobody waits for it
		}
	}()
	return listener.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, all...)
	}
}

func session(address string) *Session {
	return &Session{Clock: &hasty{now: time.Unix(0, 0)}, Address: address, Host: "app.prod.svc", Release: "v2", Budget: 3, Interval: time.Second, Patience: time.Second}
}

func TestWhatIsWritten(t *testing.T) {
	address, heard := says(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
	s := session(address)
	a, err := s.Send(t.Context(), Request{Method: "POST", Path: "/..%2fa b", Headers: []Header{{"X-A", "1\x01"}, {"Transfer-Encoding ", "chunked"}}, Body: "{}"})
	if err != nil || a.Status != 200 || a.Body != "{}" {
		t.Fatalf("%+v, %v", a, err)
	}
	want := "POST /..%2fa b HTTP/1.1\r\nHost: app.prod.svc\r\nUser-Agent: signal-operator-security\r\nX-Signal-Synthetic: v2\r\nConnection: close\r\nX-A: 1\x01\r\nTransfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}"
	if diff := cmp.Diff([]string{want}, heard()); diff != "" {
		t.Error(diff)
	}
}

// The same request is sent once; others wait their turn, and end with the budget.
func TestBudgetAndTurn(t *testing.T) {
	address, heard := says(t, "HTTP/1.1 204 No Content\r\n\r\n")
	s := session(address)
	for _, path := range []string{"/a", "/a", "/b", "/a", "/c"} {
		if _, err := s.Send(t.Context(), Get(path)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Send(t.Context(), Get("/d")); !errors.Is(err, ErrBudget) {
		t.Errorf("got %v", err)
	}
	if clock, ok := s.Clock.(*hasty); !ok || s.Sent != 3 || len(heard()) != 3 || len(clock.waits) != 2 || clock.waits[0] != time.Second {
		t.Errorf("%d sent, %d heard, %v waited", s.Sent, len(heard()), s.Clock)
	}
	if s.Known(Get("/a")).Status != 204 || s.Known(Get("/d")).Status != 0 {
		t.Error("an answer is not known")
	}
}

func TestWhatComesBack(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want Answer
	}{
		"nothing":             {"", Answer{Closed: true}},
		"no HTTP":             {"SSH-2.0-x\r\n", Answer{Closed: true}},
		"a matter of form":    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", Answer{Status: 201, Answers: 1}},
		"an upgrade":          {"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x00", Answer{Status: 101, Answers: 1}},
		"half a body":         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", Answer{Status: 200, Answers: 1, Body: "half"}},
		"more than is wanted": {"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("a", 300000), Answer{Status: 200, Answers: 1, Body: strings.Repeat("a", maxBody)}},
		"an endless head":     {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 2<<20), Answer{Closed: true}},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := says(t, tc.text)
			got, err := session(address).Send(t.Context(), Get("/"))
			if got.Header = nil; err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNobodyIsThere(t *testing.T) {
	if _, err := session("127.0.0.1:1").Send(t.Context(), Get("/")); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}
