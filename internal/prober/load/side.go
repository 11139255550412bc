package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// side is one side of the release, and what became of the requests to it.
type side struct {
	url    string
	client *http.Client

	mu           sync.Mutex
	pending      int         // not answered yet
	sent         int         // over a connection that was made
	answers      map[int]int // by the first digit of the status
	unanswered   int         // of those sent
	unreached    int         // no connection was made, and one was later
	leftOut      int         // not sent in time, or with too many unanswered
	connected    bool        // ever
	refused      int         // connections in a row that were not made
	refusedSince time.Time
}

// open takes one of the requests that may be unanswered, or leaves it out.
func (s *side) open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending >= maxOpen {
		s.leftOut++
		return false
	}
	s.pending++
	return true
}

// leaveOut counts a request that was due too long ago.
func (s *side) leaveOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.url != "" {
		s.leftOut++
	}
}

// close counts an answer. What found no connection has been counted.
func (s *side) close(status int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending--
	var dialing *net.OpError
	switch {
	case err == nil:
		s.sent++
		s.answers[status/100]++
	case errors.As(err, &dialing) && dialing.Op == "dial", errors.Is(err, context.Canceled): // the end cut it off
	default:
		s.sent++
		s.unanswered++
	}
}

// dialled notes whether a connection was made. One that was given up because
// the request was says nothing.
func (s *side) dialled(now time.Time, err error, givenUp bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.unreached += s.refused
		s.connected, s.refused, s.refusedSince = true, 0, time.Time{}
	case givenUp:
	default:
		if s.refused == 0 {
			s.refusedSince = now
		}
		s.refused++
	}
}

// gone reports whether connections have been refused for so long that the side
// has gone. Before the first, a node's proxy may not know of it yet.
func (s *side) gone(now, start time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.refused == 0:
		return false
	case s.connected:
		return now.Sub(s.refusedSince) >= refusal
	}
	return now.Sub(start) >= patience
}

// text says what became of the requests to the side.
func (s *side) text() string {
	parts := []string{fmt.Sprintf("%d sent", s.sent)}
	for _, class := range slices.Sorted(maps.Keys(s.answers)) {
		parts = append(parts, fmt.Sprintf("%d answered %dxx", s.answers[class], class))
	}
	for _, c := range []struct {
		count int
		what  string
	}{{s.unanswered, "not answered"}, {s.unreached, "without a connection"}, {s.leftOut, "left out"}} {
		if c.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.count, c.what))
		}
	}
	return strings.Join(parts, ", ")
}

// answered reports whether the side ever answered.
func (s *side) answered() bool { return len(s.answers) > 0 }
