// Package load sends synthetic requests to both sides of a release, inside a
// Job, so that a quiet service has something to be judged by. It counts how
// they were answered and judges nothing. Every request says that it is
// synthetic, and takes a connection of its own: a Service spreads connections,
// and what is selected anew is reached at once.
package load

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Marks of a synthetic request.
const (
	HeaderSynthetic = "X-Signal-Synthetic" // the id of the release
	UserAgent       = "signal-operator-load"
)

const (
	patience = 30 * time.Second // for the first connection to the canary
	refusal  = 5 * time.Second  // without one, after which there is no canary
	glance   = time.Second      // between two looks at whether the release is over
	dialing  = 2 * time.Second  // that a connection may take
	maxLag   = time.Second      // behind time, after which requests are left out
	maxOpen  = 512              // unanswered requests of one side
	maxBody  = 1 << 20          // bytes that are read of an answer
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	Since(start time.Time) time.Duration
	After(d time.Duration) <-chan time.Time
}

// Load sends requests.
type Load struct {
	Clock   Clock
	Canary  string        // URL of the canary Service, without a path
	Stable  string        // URL of the stable Service; empty beside a first release
	Host    string        // Host header of all requests
	Release string        // id of the release that they are sent for
	Lasts   time.Duration // at most
	Over    func() bool   // whether the release has ended
}

// Run sends the requests until the canary Service has gone, the release is
// over or the time is up, and says how they were answered. The requests are due
// at their rate whether or not those before have been answered.
func (l Load) Run(ctx context.Context, spec v1alpha1.BackgroundLoad) verdict.Verdict {
	timeout := time.Duration(max(1, spec.TimeoutSeconds)) * time.Second
	canary, stable := l.side(l.Canary, timeout), l.side(l.Stable, timeout)
	next, rate := Cycle(spec.Requests), time.Duration(max(1, spec.RatePerSecond))
	start := l.Clock.Now()
	var sending sync.WaitGroup
	send := func(s *side, r v1alpha1.LoadRequest) {
		if s.url == "" || !s.open() {
			return
		}
		sending.Go(func() { s.close(l.send(ctx, s, r, timeout)) })
	}
	end, looked := "", start
	for n := 0; end == ""; n++ {
		due := time.Duration(n) * time.Second / rate
		if end = l.end(ctx, start, due, canary, &looked); end != "" {
			break
		}
		if lag := l.Clock.Since(start) - due; lag > maxLag {
			canary.leaveOut()
			stable.leaveOut()
			continue
		}
		r := next()
		send(canary, r)
		send(stable, r)
	}
	lasted := l.Clock.Since(start)
	sending.Wait() // each has its timeout
	return account(canary, stable, end, lasted, spec)
}

// end waits until a request is due and says why it is not to be sent, or "".
func (l Load) end(ctx context.Context, start time.Time, due time.Duration, canary *side, looked *time.Time) string {
	if due >= l.Lasts {
		return "its time was up"
	}
	if wait := due - l.Clock.Since(start); wait > 0 {
		select {
		case <-ctx.Done():
		case <-l.Clock.After(wait):
		}
	}
	switch now := l.Clock.Now(); {
	case ctx.Err() != nil:
		return "it was stopped"
	case canary.gone(now, start):
		return "the canary Service took no more connections"
	case now.Sub(*looked) >= glance:
		if *looked = now; l.Over != nil && l.Over() {
			return "the release was over"
		}
	}
	return ""
}

// side is one side with a client that notes when a connection is made.
func (l Load) side(url string, timeout time.Duration) *side {
	s := &side{url: url, answers: map[int]int{}}
	dialer := &net.Dialer{Timeout: min(dialing, timeout/2)} // so that it is this that runs out first
	s.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxBody,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dialer.DialContext(ctx, network, address)
				s.dialled(l.Clock.Now(), err, ctx.Err() != nil)
				return conn, err
			},
		},
	}
	return s
}

// send sends one request and returns the status of the answer, or an error.
func (l Load) send(ctx context.Context, s *side, r v1alpha1.LoadRequest, timeout time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, s.url+r.Path, strings.NewReader(r.Body))
	if err != nil {
		return 0, err
	}
	request.Host = l.Host
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, "Host") {
			request.Host = h.Value
			continue
		}
		request.Header.Add(h.Name, h.Value)
	}
	request.Header.Set(HeaderSynthetic, l.Release)
	request.Header.Set("User-Agent", UserAgent)
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, maxBody))
	return response.StatusCode, errors.Join(err, response.Body.Close())
}
