// Package httpprobe is what a built-in smoke check runs, inside a Job: it sends
// requests to a candidate and holds each answer against what was expected. It
// follows no redirect, reads no more than a megabyte of an answer, and repeats
// none of it.
package httpprobe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on requests.
const (
	ReasonAnswered   = "AnsweredAsExpected" // every expectation was met
	ReasonNoAnswer   = "NoAnswer"           // the candidate did not answer
	ReasonStatus     = "UnexpectedStatus"
	ReasonHeader     = "UnexpectedHeader"
	ReasonBody       = "UnexpectedBody"
	ReasonSlow       = "TooSlow"
	ReasonExpression = "InvalidExpression" // expect.json is no CEL, or gives no truth value
)

const (
	maxBody  = 1 << 20                // bytes that are read of an answer
	patience = 10 * time.Second       // for the first answer
	pace     = 200 * time.Millisecond // between two tries at it
)

// Target is where requests go.
type Target struct {
	URL  string // such as http://198.19.0.7:80, without a path
	Host string // Host header
}

// Probe sends requests.
type Probe struct {
	Client *http.Client
	Clock  clock.WithDelayedExecution
	Target Target
}

// NewClient is a client that follows no redirect and keeps no connection.
func NewClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Run sends the requests in order and answers with a verdict for each, up to
// and including the first that failed. The first request is tried again for
// ten seconds until something answers: a node's proxy learns of a Service's
// new endpoints later than the API does.
func (p Probe) Run(ctx context.Context, check v1alpha1.HTTPCheck) []verdict.Verdict {
	var verdicts []verdict.Verdict
	start := p.Clock.Now()
	for i, request := range check.Requests {
		v := p.send(ctx, request)
		for i == 0 && v.Reason == ReasonNoAnswer && p.Clock.Since(start) < patience && ctx.Err() == nil {
			select {
			case <-p.Clock.After(pace):
			case <-ctx.Done():
			}
			v = p.send(ctx, request)
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

func (p Probe) send(ctx context.Context, r v1alpha1.HTTPRequest) verdict.Verdict {
	name := method(r) + " " + r.Path
	a, err := p.ask(ctx, r)
	evidence := verdict.Evidence{Query: verdict.Clip(name, 512), Source: p.Target.Host, Threshold: verdict.Clip(wanted(r.Expect), 256)}
	if err != nil {
		return verdict.With(fail(ReasonNoAnswer, "%s was not answered: %s", name, cause(err)), evidence)
	}
	evidence.Value, evidence.Window = fmt.Sprintf("status %d", a.status), a.took.Round(time.Millisecond).String()
	v := judge(name, r.Expect, a)
	return verdict.With(v, evidence)
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
	var body bytes.Buffer
	_, err = io.Copy(&body, io.LimitReader(response.Body, maxBody+1))
	err = errors.Join(err, response.Body.Close())
	return answer{response.StatusCode, response.Header, body.Bytes(), p.Clock.Since(start)}, err
}

// judge holds an answer against each expectation; the first that is not met
// decides.
func judge(name string, e v1alpha1.HTTPExpectation, a answer) verdict.Verdict {
	switch {
	case len(e.Status) > 0 && !slices.Contains(e.Status, int32(a.status)), //nolint:gosec // three digits
		len(e.Status) == 0 && (a.status < 200 || a.status > 299):
		return fail(ReasonStatus, "%s was answered with status %d, not with %s", name, a.status, wantedStatus(e))
	case e.MaxLatencyMilliseconds > 0 && a.took > time.Duration(e.MaxLatencyMilliseconds)*time.Millisecond:
		return fail(ReasonSlow, "%s was answered later than after %d ms", name, e.MaxLatencyMilliseconds)
	}
	for _, h := range e.Headers {
		if !slices.Contains(a.header.Values(h.Name), h.Value) {
			return fail(ReasonHeader, "%s was answered without the header %s of the expected value", name, h.Name)
		}
	}
	if e.JSON == "" {
		return pass(name, a)
	}
	if len(a.body) > maxBody {
		return fail(ReasonBody, "%s was answered with more than %d bytes, which are not decoded", name, maxBody)
	}
	held, reason, err := holds(e.JSON, a.body)
	switch {
	case err != nil:
		return fail(reason, "%s: %v", name, err)
	case !held:
		return fail(ReasonBody, "%s was answered with a body for which %s is not true", name, e.JSON)
	}
	return pass(name, a)
}

func pass(name string, a answer) verdict.Verdict {
	return verdict.Pass(v1alpha1.SignalSmoke, ReasonAnswered, "%s was answered as expected, with status %d", name, a.status)
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalSmoke, reason, format, args...)
}

func method(r v1alpha1.HTTPRequest) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// cause says why there was no answer, without the URL, which the verdict names.
func cause(err error) string {
	var inner interface{ Unwrap() error }
	if errors.As(err, &inner) && inner.Unwrap() != nil {
		err = inner.Unwrap()
	}
	return verdict.Clip(err.Error(), 256)
}

func wantedStatus(e v1alpha1.HTTPExpectation) string {
	if len(e.Status) == 0 {
		return "200 to 299"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(e.Status), " ", ", "), "[]")
}

// wanted says all expectations.
func wanted(e v1alpha1.HTTPExpectation) string {
	parts := []string{"status " + wantedStatus(e)}
	if e.MaxLatencyMilliseconds > 0 {
		parts = append(parts, fmt.Sprintf("within %d ms", e.MaxLatencyMilliseconds))
	}
	for _, h := range e.Headers {
		parts = append(parts, "header "+h.Name)
	}
	if e.JSON != "" {
		parts = append(parts, e.JSON)
	}
	return strings.Join(parts, "; ")
}
