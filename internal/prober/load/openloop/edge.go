package openloop

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
	sending "github.com/signal-delivery/operator/internal/prober/load"
)

const (
	edgeEvery = time.Second
	oversized = 2 << 20 // bytes of a body
	slow      = 1000    // bytes of a body that come one in a second
	churned   = 10      // connections that are opened and closed at once
)

// edges sends one request of each kind in a second, until the load is over.
func (s Sender) edges(ctx context.Context, spec v1alpha1.LoadTest) map[v1alpha1.LoadEdge]loadtest.EdgeCounts {
	counts := map[v1alpha1.LoadEdge]loadtest.EdgeCounts{}
	if len(spec.Edges) == 0 {
		return counts
	}
	e := edge{sender: s, wait: time.Duration(max(1, spec.AnswerSeconds)) * time.Second, request: bodied(spec.Requests)}
	through := context.WithoutCancel(ctx) // that the load is over says nothing of a request under way
	var mu sync.Mutex
	var all sync.WaitGroup
	for n := 0; ctx.Err() == nil; n++ {
		for _, kind := range spec.Edges {
			all.Go(func() {
				c := e.send(through, kind, n)
				mu.Lock()
				defer mu.Unlock()
				counts[kind] = counts[kind].Plus(c)
			})
		}
		sleep(ctx, edgeEvery)
	}
	all.Wait()
	return counts
}

// bodied is the first request with a body; where none has one, a POST to the
// path of the first.
func bodied(requests []v1alpha1.LoadRequest) v1alpha1.LoadRequest {
	if i := slices.IndexFunc(requests, func(r v1alpha1.LoadRequest) bool { return r.Body != "" && r.Method != http.MethodGet }); i >= 0 {
		return requests[i]
	}
	return v1alpha1.LoadRequest{Path: requests[0].Path, Method: http.MethodPost}
}

// edge sends edge cases, byte by byte: no client would.
type edge struct {
	sender  Sender
	wait    time.Duration
	request v1alpha1.LoadRequest
}

// send sends the nth request of a kind, and tells what became of it.
func (e edge) send(ctx context.Context, kind v1alpha1.LoadEdge, n int) loadtest.EdgeCounts {
	switch kind {
	case v1alpha1.EdgeOversized:
		return e.exchange(ctx, func(conn net.Conn) { e.drip(conn, oversized, 64<<10, 0) })
	case v1alpha1.EdgeMalformed:
		half := e.request.Body[:len(e.request.Body)/2]
		if n%2 == 1 && json.Valid([]byte(e.request.Body)) && !json.Valid([]byte(half)) {
			return e.exchange(ctx, func(conn net.Conn) { _, _ = io.WriteString(conn, e.head(len(half))+half) })
		}
		return e.exchange(ctx, func(conn net.Conn) {
			_, _ = io.WriteString(conn, strings.Replace(e.head(0), "Content-Length: 0", "Content-Length: none", 1))
		})
	case v1alpha1.EdgeSlowBody:
		return e.exchange(ctx, func(conn net.Conn) { e.drip(conn, slow, 1, time.Second) })
	case v1alpha1.EdgeConnectionChurn:
		return e.churn(ctx)
	}
	return loadtest.EdgeCounts{}
}

// drip sends a body of that size in blocks, with a pause after each.
func (e edge) drip(conn net.Conn, size, block int, pause time.Duration) {
	_, _ = io.WriteString(conn, e.head(size)) // that it closes is seen below
	for sent := 0; sent < size; sent += block {
		if _, err := io.WriteString(conn, strings.Repeat("x", block)); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// head is the head of the request, for a body of so many bytes.
func (e edge) head(length int) string {
	var b strings.Builder
	path, _ := loadtest.Parse(e.request.Path) // as validated
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", cmp.Or(e.request.Method, http.MethodPost), path.Fill(loadtest.Facts{Now: time.Now()}), e.sender.Host)
	for _, h := range e.request.Headers {
		if name := http.CanonicalHeaderKey(h.Name); name != "Host" && name != "Content-Length" && name != "Connection" && name != "Transfer-Encoding" {
			fmt.Fprintf(&b, "%s: %s\r\n", name, parse(h.Value).Fill(loadtest.Facts{Now: time.Now()}))
		}
	}
	fmt.Fprintf(&b, "%s: %s\r\nUser-Agent: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", sending.HeaderSynthetic, e.sender.Release, sending.UserAgent, length)
	return b.String()
}

func (e edge) dial(ctx context.Context) (net.Conn, error) {
	at, err := url.Parse(e.sender.URL)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{Timeout: e.wait}).DialContext(ctx, "tcp", at.Host)
}

// exchange writes on a connection of its own, and waits for an answer or the
// end of it.
func (e edge) exchange(ctx context.Context, write func(net.Conn)) loadtest.EdgeCounts {
	c := loadtest.EdgeCounts{Sent: 1}
	conn, err := e.dial(ctx)
	if err != nil {
		c.Closed = 1
		return c
	}
	var writing sync.WaitGroup
	writing.Go(func() { write(conn) })
	_ = conn.SetReadDeadline(time.Now().Add(e.wait)) // of a connection that is open
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		_ = response.Body.Close()
	}
	_ = conn.Close() // which ends the writing
	writing.Wait()
	var timed net.Error
	switch {
	case err == nil && response.StatusCode >= http.StatusInternalServerError:
		c.Broken = 1
	case err == nil && response.StatusCode >= http.StatusBadRequest:
		c.Refused = 1
	case err == nil:
		c.Accepted = 1
	case errors.As(err, &timed) && timed.Timeout():
		c.Patient = 1
	default:
		c.Closed = 1
	}
	return c
}

// churn opens connections and closes them: half of them in the middle of a
// request.
func (e edge) churn(ctx context.Context) loadtest.EdgeCounts {
	var c loadtest.EdgeCounts
	for n := range churned {
		c.Sent, c.Closed = c.Sent+1, c.Closed+1
		conn, err := e.dial(ctx)
		if err != nil {
			continue
		}
		if n%2 == 1 {
			_, _ = io.WriteString(conn, e.head(slow)[:20])
		}
		_ = conn.Close()
	}
	return c
}
