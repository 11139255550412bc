package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	maxHead = 1 << 20   // bytes that are read of an answer's head
	maxBody = 256 << 10 // and of its body
	timeout = 5 * time.Second
	chunk   = 32 << 10
)

// Errors that end a check, and say nothing of the service.
var (
	ErrBudget      = errors.New("the requestBudget is used up")
	ErrUnreachable = errors.New("no connection was accepted")
	ErrStopped     = errors.New("the time was up")
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// Session sends to one side of a release, one request after the other.
type Session struct {
	Clock    Clock
	Address  string // IP and port: all that is ever dialled
	TLS      string // IP and port where TLS is spoken, on the same side
	Host     string // Host header
	Release  string // id of the release that requests are sent for
	Budget   int
	Interval time.Duration // between two requests, at least
	Patience time.Duration // that a server may have with a client that says nothing
	Forget   bool          // no answer is kept
	Secure   *tls.Config   // of TLS that is spoken at the address; nil: none is

	Sent  int
	next  time.Time
	asked map[string]Answer
}

// Send sends a request, unless the same has been sent before: then the answer
// is that one's.
func (s *Session) Send(ctx context.Context, r Request) (Answer, error) {
	key := fmt.Sprint(r.Fill, r.Patient, r.Twice, r.Cut) + r.head(s.Host, s.Release)
	if a, known := s.asked[key]; known {
		return a, nil
	}
	if r.Twice { // the server may see two
		if err := s.turn(ctx); err != nil {
			return Answer{}, err
		}
		defer func() { s.next = s.next.Add(s.Interval) }()
	}
	a, err := s.within(ctx, s.Address, r.Patient, func(conn net.Conn) Answer { return exchange(s.secured(conn), r, r.head(s.Host, s.Release)) })
	if err != nil {
		return Answer{}, err
	}
	if s.Forget {
		return a, nil
	}
	if s.asked == nil {
		s.asked = map[string]Answer{}
	}
	s.asked[key] = a
	return a, nil
}

// secured speaks TLS over a connection where that is spoken at the address.
func (s *Session) secured(conn net.Conn) net.Conn {
	if s.Secure == nil {
		return conn
	}
	return tls.Client(conn, s.Secure)
}

// Known is the answer to a request that has been sent.
func (s *Session) Known(r Request) Answer {
	return s.asked[fmt.Sprint(r.Fill, r.Patient, r.Twice, r.Cut)+r.head(s.Host, s.Release)]
}

// Shake shakes hands over TLS and hangs up.
func (s *Session) Shake(ctx context.Context, config *tls.Config) (Answer, error) {
	return s.within(ctx, s.TLS, false, func(conn net.Conn) Answer {
		client := tls.Client(conn, config)
		if err := client.HandshakeContext(ctx); err != nil {
			return Answer{Fault: err}
		}
		state := client.ConnectionState()
		return Answer{Shake: &state}
	})
}

// within does something with a new connection, for which it waits its turn.
func (s *Session) within(ctx context.Context, address string, patient bool, do func(net.Conn) Answer) (Answer, error) {
	if err := s.turn(ctx); err != nil {
		return Answer{}, err
	}
	limit := timeout
	if patient {
		limit = s.Patience
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(limited, "tcp", address)
	switch {
	case ctx.Err() != nil:
		return Answer{}, ErrStopped
	case err != nil:
		return Answer{}, ErrUnreachable
	}
	defer conn.Close()                                                               //nolint:errcheck // nothing more is wanted of it
	stop := context.AfterFunc(limited, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck,gosec // it is closed then
	defer stop()
	a := do(conn)
	if ctx.Err() != nil {
		return Answer{}, ErrStopped
	}
	return a, nil
}

// turn waits until the next request is due. Time that was lost is not caught
// up: the rate is a cap.
func (s *Session) turn(ctx context.Context) error {
	if s.Sent >= s.Budget {
		return ErrBudget
	}
	if wait := s.next.Sub(s.Clock.Now()); wait > 0 {
		select {
		case <-ctx.Done():
		case <-s.Clock.After(wait):
		}
	}
	if ctx.Err() != nil {
		return ErrStopped
	}
	s.Sent++
	s.next = s.Clock.Now().Add(s.Interval)
	return nil
}

// exchange writes while it reads: a server may answer, or hang up, before it
// has heard all.
func exchange(conn net.Conn, r Request, head string) Answer {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := io.WriteString(conn, head); err != nil {
			return
		}
		filling := strings.Repeat("a", min(chunk, max(r.Fill, 1)))
		for left := r.Fill; left > 0; left -= len(filling) {
			if _, err := io.WriteString(conn, filling[:min(len(filling), left)]); err != nil {
				return
			}
		}
	}()
	in := bufio.NewReader(io.LimitReader(conn, maxHead+2*maxBody))
	a := read(in, r)
	if r.Twice && a.Status != 0 {
		second := read(in, r)
		if a.Late = second.Late; second.Status != 0 {
			a.Answers++
		}
	}
	conn.Close() //nolint:errcheck,gosec // so that the writer ends
	<-done
	return a
}

// read reads one answer, and what it said before as a matter of form.
func read(in *bufio.Reader, r Request) Answer {
	for {
		response, err := http.ReadResponse(in, &http.Request{Method: r.Method})
		if err != nil {
			var network net.Error
			late := errors.As(err, &network) && network.Timeout()
			return Answer{Late: late, Closed: !late}
		}
		if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		a := Answer{Status: response.StatusCode, Header: response.Header, Answers: 1}
		if response.StatusCode != http.StatusSwitchingProtocols {
			text, _ := io.ReadAll(io.LimitReader(response.Body, maxBody))
			a.Body = string(text)
		}
		response.Body.Close() //nolint:errcheck,gosec // the connection is closed as well
		return a
	}
}
