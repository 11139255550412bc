// Package httpprobe is what a built-in smoke check runs, inside a Job: it sends
// requests to a candidate and holds each answer against what was expected. It
// follows no redirect, reads no more than a mebibyte of an answer or a message,
// and repeats nothing of what it read.
package httpprobe

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/http/scenario"
	"github.com/signal-delivery/operator/internal/prober/http/target"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on requests.
const (
	ReasonAnswered   = "AnsweredAsExpected" // every expectation was met
	ReasonNoAnswer   = "NoAnswer"           // the candidate did not answer
	ReasonStatus     = "UnexpectedStatus"   // expect.status was not met
	ReasonHeader     = "UnexpectedHeader"   // expect.headers were not met
	ReasonBody       = "UnexpectedBody"     // expect.json or expect.jsonSchema is not true of the body, or cannot be told of it
	ReasonSlow       = "TooSlow"            // expect.maxLatencyMilliseconds was not met
	ReasonStream     = "UnexpectedStream"   // not enough messages as expected came in time
	ReasonCapture    = "NotCaptured"        // the answer does not have what is to be captured
	ReasonFill       = "NotFilledIn"        // what was captured does not fit where it is to stand
	ReasonExpression = "InvalidExpression"  // an expectation cannot be told of any answer
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

// Probe sends requests.
type Probe struct {
	Clock  Clock
	Target target.Target
}

// run is one scenario under way.
type run struct {
	Probe
	client   *http.Client
	captured scenario.Values
	start    time.Time
}

// Run sends the requests in order and answers with a verdict for each, up to
// and including the first that failed. The last says what was sent again.
func (p Probe) Run(ctx context.Context, check v1alpha1.HTTPCheck) []verdict.Verdict {
	r := &run{Probe: p, client: p.Target.Client(), captured: scenario.Values{}, start: p.Clock.Now()}
	var verdicts []verdict.Verdict
	for i, request := range check.Requests {
		v := r.settle(ctx, request, i == 0)
		verdicts = append(verdicts, v)
		if v.Outcome != verdict.Passed {
			break
		}
	}
	return summed(verdicts)
}

// try sends a request once. While the first of all cannot connect it is tried
// again for ten seconds: a node's proxy learns of a Service's new endpoints
// later than the API does, and nothing has been sent yet.
func (r *run) try(ctx context.Context, request v1alpha1.HTTPRequest, first bool) verdict.Verdict {
	v, connected := r.send(ctx, request)
	for first && !connected && r.Clock.Since(r.start) < patience && ctx.Err() == nil {
		r.pause(ctx, pace)
		v, connected = r.send(ctx, request)
	}
	return v
}

// send asks once and judges the answer; connected is false when nothing could
// be sent.
func (r *run) send(ctx context.Context, request v1alpha1.HTTPRequest) (v verdict.Verdict, connected bool) {
	evidence := verdict.Evidence{
		Query: method(request) + " " + verdict.Clip(request.Path, 2048), Source: r.Target.Authority(), Threshold: verdict.Clip(wanted(request), 256),
	}
	filled, err := r.captured.Fill(request)
	if err != nil {
		return verdict.With(fail(ReasonFill, "%s was not sent: its %s", name(request), err), evidence), true
	}
	asked := asking{HTTPRequest: request, filled: filled}
	if request.Stream != nil {
		v, connected = r.listen(ctx, asked, &evidence)
	} else {
		v, connected = r.ask(ctx, asked, &evidence)
	}
	path, _, _ := strings.Cut(request.Path, "?") // a query may hold a token
	logr.FromContextOrDiscard(ctx).Info("Asked", "method", method(request), "path", path,
		"outcome", v.Outcome, "reason", v.Reason, "value", evidence.Value, "took", evidence.Window)
	return verdict.With(v, evidence), connected
}

// asking is a request as it was written, for words, and as it is sent.
type asking struct {
	v1alpha1.HTTPRequest
	filled scenario.Filled
}

func method(r v1alpha1.HTTPRequest) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// name is the request in a message.
func name(r v1alpha1.HTTPRequest) string { return method(r) + " " + verdict.Clip(r.Path, maxName) }
