// Package httpprobe is what a built-in smoke check runs, inside a Job: it sends
// requests to a candidate and holds each answer against what was expected. It
// follows no redirect, reads no more than a mebibyte of an answer, and repeats
// nothing of what it read.
package httpprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on requests.
const (
	ReasonAnswered   = "AnsweredAsExpected" // every expectation was met
	ReasonNoAnswer   = "NoAnswer"           // the candidate did not answer
	ReasonStatus     = "UnexpectedStatus"   // expect.status was not met
	ReasonHeader     = "UnexpectedHeader"   // expect.headers were not met
	ReasonBody       = "UnexpectedBody"     // expect.json is not true of the body, or cannot be told of it
	ReasonSlow       = "TooSlow"            // expect.maxLatencyMilliseconds was not met
	ReasonExpression = "InvalidExpression"  // expect.json is no CEL, or gives no truth value
)

const (
	maxBody  = 1 << 20                // bytes that are read of an answer
	patience = 10 * time.Second       // for the first connection
	pace     = 200 * time.Millisecond // between two tries at it
	maxName  = 256                    // bytes of a request's path in a message
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	Since(start time.Time) time.Duration
	After(d time.Duration) <-chan time.Time
}

// Target is where requests go.
type Target struct {
	URL  string // such as http://198.19.0.7:80, without a path
	Host string // Host header
}

// Probe sends requests.
type Probe struct {
	Client *http.Client
	Clock  Clock
	Target Target
}

// NewClient is a client that uses no proxy, keeps no connection and leaves an
// answer as it was sent.
func NewClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:            (&net.Dialer{Timeout: patience / 2}).DialContext,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxBody,
	}}
}

// Run sends the requests in order and answers with a verdict for each, up to
// and including the first that failed. While the first cannot connect it is
// tried again for ten seconds: a node's proxy learns of a Service's new
// endpoints later than the API does, and nothing has been sent yet.
func (p Probe) Run(ctx context.Context, check v1alpha1.HTTPCheck) []verdict.Verdict {
	client := *p.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.Client = &client

	var verdicts []verdict.Verdict
	start := p.Clock.Now()
	for i, request := range check.Requests {
		v, connected := p.send(ctx, request)
		for i == 0 && !connected && p.Clock.Since(start) < patience && ctx.Err() == nil {
			select {
			case <-p.Clock.After(pace):
			case <-ctx.Done():
			}
			v, connected = p.send(ctx, request)
		}
		verdicts = append(verdicts, v)
		if v.Outcome != verdict.Passed {
			break
		}
	}
	return verdicts
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// send asks once and judges the answer; connected is false when nothing could
// be sent.
func (p Probe) send(ctx context.Context, r v1alpha1.HTTPRequest) (v verdict.Verdict, connected bool) {
	limit := time.Duration(r.Expect.MaxLatencyMilliseconds) * time.Millisecond
	asking, cancel := ctx, context.CancelFunc(func() {})
	if limit > 0 { // an answer that comes later fails as well
		asking, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	a, err := p.ask(asking, r)

	evidence := verdict.Evidence{
		Query: method(r) + " " + verdict.Clip(r.Path, 2048), Source: p.Target.Host, Threshold: verdict.Clip(wanted(r.Expect), 256),
	}
	switch {
	case err == nil:
		evidence.Value, evidence.Window = fmt.Sprintf("status %d", a.status), a.took.Round(time.Millisecond).String()
		v = judge(name(r), r.Expect, a)
	case limit > 0 && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		evidence.Value = "no answer"
		v = fail(ReasonSlow, "%s was not answered within %s, the maxLatencyMilliseconds", name(r), limit)
	default:
		evidence.Value = "no answer"
		v = fail(ReasonNoAnswer, "%s was not answered: %s", name(r), cause(err))
	}
	path, _, _ := strings.Cut(r.Path, "?") // a query may hold a token
	logr.FromContextOrDiscard(ctx).Info("Asked", "method", method(r), "path", path,
		"outcome", v.Outcome, "reason", v.Reason, "status", a.status, "took", evidence.Window)
	var dialing *net.OpError
	return verdict.With(v, evidence), !errors.As(err, &dialing) || dialing.Op != "dial"
}

func (p Probe) ask(ctx context.Context, r v1alpha1.HTTPRequest) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method(r), p.Target.URL+r.Path, strings.NewReader(r.Body))
	if err != nil {
		return answer{}, fmt.Errorf("build the request: %w", err)
	}
	request.Host = p.Target.Host
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, "Host") {
			request.Host = h.Value
			continue
		}
		request.Header.Add(h.Name, h.Value)
	}
	start := p.Clock.Now()
	response, err := p.Client.Do(request)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	err = errors.Join(err, response.Body.Close())
	return answer{response.StatusCode, response.Header, body, p.Clock.Since(start)}, err
}

func method(r v1alpha1.HTTPRequest) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// name is the request in a message.
func name(r v1alpha1.HTTPRequest) string { return method(r) + " " + verdict.Clip(r.Path, maxName) }

// cause says why there was no answer, in words of its own: the library's quote
// what was sent and what came.
func cause(err error) string {
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "the time was up"
	case errors.Is(err, context.Canceled):
		return "the check was stopped"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection was closed before the answer was whole"
	}
	return "the request cannot be sent, or the answer is not HTTP"
}
