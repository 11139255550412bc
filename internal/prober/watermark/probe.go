// Package watermark asks a service who it is, inside a Job: requests that are
// unlike all others, whose answers must be signed by a release. It tells
// missing, forged, replayed, altered and misrouted answers apart, and measures
// how a Gateway splits the traffic. It keeps no answer and repeats none.
package watermark

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/signal-delivery/operator/internal/watermark"
)

// Marks of a request that the operator makes.
const (
	headerSynthetic = "X-Signal-Synthetic" // the id of the release
	userAgent       = "signal-operator-watermark"
)

const (
	ratePerSecond = 50
	maxOpen       = 32 // unanswered requests
	tries         = 3  // of a request that is not answered
	patience      = 5 * time.Second
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	Since(start time.Time) time.Duration
	After(d time.Duration) <-chan time.Time
}

// Probe sends the requests.
type Probe struct {
	Clock     Clock
	Client    *http.Client
	URL       string   // that is asked for
	Host      string   // Host header; empty: the URL's
	Keys      [][]byte // that sign
	Candidate string   // hash of the release that is checked
	Stable    string   // hash of the one beside it
	ID        string   // of the release that is checked, for the mark
}

// NewClient is a client that follows nobody, and makes a connection for each
// request: a Service spreads connections. An address is dialled in place of
// what the URL says.
func NewClient(address string) *http.Client {
	dialer := &net.Dialer{Timeout: patience / 2}
	return &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: 1 << 16, TLSHandshakeTimeout: patience,
			DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
				if address != "" {
					to = address
				}
				return dialer.DialContext(ctx, network, to)
			},
		},
	}
}

// errUnanswered says that the service has not answered itself: there was no
// answer, or it is of something that stands in front of it.
var errUnanswered = errors.New("no answer of the service")

// inFront are what a gateway answers for a service, where it has no signature.
var inFront = map[int]bool{
	http.StatusBadGateway: true, http.StatusServiceUnavailable: true, http.StatusGatewayTimeout: true, http.StatusTooManyRequests: true,
}

// ask sends one request and says which release answered.
func (p Probe) ask(ctx context.Context) (release string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errUnanswered, err)
	}
	r.Host = p.Host
	r.Header.Set(headerSynthetic, p.ID)
	r.Header.Set("User-Agent", userAgent)
	r.Header.Set(watermark.HeaderNonce, nonce())
	res, err := p.Client.Do(r)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errUnanswered, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, watermark.MaxBody+1))
	if err != nil {
		return "", fmt.Errorf("%w: %w", errUnanswered, err)
	}
	if len(body) > watermark.MaxBody {
		return "", fmt.Errorf("%w: it has more than 1 MiB", watermark.ErrMissing)
	}
	release, err = watermark.Verify(p.Keys, watermark.Answer{Request: res.Request, Status: res.StatusCode, Header: res.Header, Body: body})
	if errors.Is(err, watermark.ErrMissing) {
		if inFront[res.StatusCode] {
			return "", fmt.Errorf("%w: status %d", errUnanswered, res.StatusCode)
		}
		return "", fmt.Errorf("%w (status %d)", err, res.StatusCode)
	}
	return release, err //nolint:wrapcheck // it is told as it is
}

// nonce is a value that no other request has.
func nonce() string {
	value := make([]byte, 16)
	_, _ = rand.Read(value) // never fails
	return base64.RawURLEncoding.EncodeToString(value)
}

// round sends so many requests at the rate, those that are not answered again,
// and counts the answers.
func (p Probe) round(ctx context.Context, requests int) tally {
	t := tally{asked: requests, releases: map[string]int{}}
	for range tries {
		if missing := requests - t.answered(); missing > 0 && ctx.Err() == nil {
			p.batch(ctx, missing, &t)
		}
	}
	return t
}

func (p Probe) batch(ctx context.Context, requests int, t *tally) {
	var mu sync.Mutex
	var open sync.WaitGroup
	room := make(chan struct{}, maxOpen)
	start := p.Clock.Now()
	for n := range requests {
		if due := time.Duration(n) * time.Second / ratePerSecond; !p.until(ctx, start, due) {
			break
		}
		room <- struct{}{}
		open.Go(func() {
			release, err := p.ask(ctx)
			mu.Lock()
			t.add(release, err)
			mu.Unlock()
			<-room
		})
	}
	open.Wait() // each has its timeout
}

// until waits until a request is due, and reports whether it still is to be
// sent.
func (p Probe) until(ctx context.Context, start time.Time, due time.Duration) bool {
	if wait := due - p.Clock.Since(start); wait > 0 {
		select {
		case <-ctx.Done():
		case <-p.Clock.After(wait):
		}
	}
	return ctx.Err() == nil
}

// path is what was asked for, without its query and host.
func (p Probe) path() string {
	_, rest, _ := strings.Cut(p.URL, "://")
	_, path, _ := strings.Cut(rest, "/")
	path, _, _ = strings.Cut(path, "?")
	return "/" + path
}
