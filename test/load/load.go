// Package load sends requests at a constant rate to a service on this machine
// and remembers every answer, so that a lost one can be counted. It is an
// open loop: a slow answer does not slow the next request down.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Options of Start.
type Options struct {
	URL  string // only addresses of this machine are taken: loopback, or RFC 2544's 198.18.0.0/15
	Host string // Host header; absent: the URL's

	Rate     int           // requests a second; absent: 200
	Duration time.Duration // after which it stops by itself; absent: a minute, at most an hour
	Limit    int           // requests after which it stops by itself; absent: what Rate and Duration make
}

// timeout is how long an answer may take before its request is lost.
const timeout = 10 * time.Second

// VersionHeader tells which version of the service answered. An answer without
// it is a proxy's own.
const VersionHeader = "X-Signal-Version"

// Answer is what became of one request.
type Answer struct {
	Start   time.Time
	Took    time.Duration
	Code    int    // 0: none came
	Version string // of the service; empty: the service did not answer
	Err     string
}

// Lost reports whether no answer of the service came.
func (a Answer) Lost() bool { return a.Version == "" }

// Failed reports whether the service answered with an error of its own.
func (a Answer) Failed() bool { return a.Version != "" && a.Code >= 500 }

// Load is traffic that is under way.
type Load struct {
	options Options
	client  *http.Client
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu      sync.Mutex
	answers []Answer
	sent    int
}

// Start begins to send.
func Start(ctx context.Context, o Options) (*Load, error) {
	if o.Rate == 0 {
		o.Rate = 200
	}
	if o.Duration == 0 {
		o.Duration = time.Minute
	}
	o.Duration = min(o.Duration, time.Hour)
	if o.Limit == 0 {
		o.Limit = int(o.Duration.Seconds()+1) * o.Rate
	}
	if err := local(o.URL); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Duration)
	l := &Load{options: o, cancel: cancel, client: &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConnsPerHost: o.Rate, MaxConnsPerHost: 4 * o.Rate, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	l.done.Go(func() { l.send(ctx) })
	return l, nil
}

// local refuses addresses that are not this machine's.
func local(target string) error {
	u, err := url.Parse(target)
	if err != nil {
		return fmt.Errorf("parse %q: %w", target, err)
	}
	address, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return fmt.Errorf("%q does not name an address: %w", target, err)
	}
	if !address.IsLoopback() && !netip.MustParsePrefix("198.18.0.0/15").Contains(address) {
		return fmt.Errorf("%s is not an address of this machine: load goes to loopback and 198.18.0.0/15 only", address)
	}
	return nil
}

// send keeps the rate: it catches up when it was late, and never sends more
// than was asked for.
func (l *Load) send(ctx context.Context) {
	start := time.Now()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for sent := 0; sent < l.options.Limit; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		due := min(int(time.Since(start).Seconds()*float64(l.options.Rate)), l.options.Limit)
		for ; sent < due; sent++ {
			l.done.Go(func() { l.ask(context.WithoutCancel(ctx)) }) // what was sent is waited for
		}
	}
}

// ask sends one request and remembers its answer.
func (l *Load) ask(ctx context.Context) {
	l.mu.Lock()
	l.sent++
	l.mu.Unlock()
	a := Answer{Start: time.Now()}
	if err := l.fill(ctx, &a); err != nil {
		a.Err = err.Error()
		a.Version = "" // half an answer is none
	}
	a.Took = time.Since(a.Start)
	l.mu.Lock()
	l.answers = append(l.answers, a)
	l.mu.Unlock()
}

func (l *Load) fill(ctx context.Context, a *Answer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.options.URL, nil)
	if err != nil {
		return err
	}
	request.Host = l.options.Host
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	a.Code, a.Version = response.StatusCode, response.Header.Get(VersionHeader)
	if a.Version == "" {
		err = errors.Join(err, fmt.Errorf("status %d, and not from the service", a.Code))
	}
	return errors.Join(err, response.Body.Close())
}

// Snapshot is what has been answered so far.
func (l *Load) Snapshot() Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	return summarize(l.answers, l.sent)
}

// Stop ends the traffic, waits for the answers under way and sums up. Stopping
// twice gives the same result twice.
func (l *Load) Stop() Result {
	l.cancel()
	l.done.Wait()
	l.client.CloseIdleConnections()
	return l.Snapshot()
}
