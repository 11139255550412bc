package httpprobe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/signal-delivery/operator/internal/prober/http/scenario"
	"github.com/signal-delivery/operator/internal/prober/http/target"
	"github.com/signal-delivery/operator/internal/verdict"
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

func (a answer) subject() scenario.Answer { return scenario.Answer{Header: a.header, Body: a.body} }

// ask sends a request and judges its answer.
func (r *run) ask(ctx context.Context, asked asking, evidence *verdict.Evidence) (v verdict.Verdict, connected bool) {
	limit := time.Duration(asked.Expect.MaxLatencyMilliseconds) * time.Millisecond
	within, cancel := ctx, context.CancelFunc(func() {})
	if limit > 0 { // an answer that comes later fails as well
		within, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	a, err := r.exchange(within, asked)
	switch {
	case err == nil:
		return r.judged(asked, a, evidence), true
	case limit > 0 && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		evidence.Value = noAnswer
		return fail(ReasonSlow, "%s was not answered within %s, the maxLatencyMilliseconds", name(asked.HTTPRequest), limit), target.Connected(err)
	}
	return unanswered(asked, err, evidence)
}

const noAnswer = "no answer"

func unanswered(asked asking, err error, evidence *verdict.Evidence) (v verdict.Verdict, connected bool) {
	evidence.Value = noAnswer
	return fail(ReasonNoAnswer, "%s was not answered: %s", name(asked.HTTPRequest), target.Cause(err)), target.Connected(err)
}

// exchange is a request and its whole answer.
func (r *run) exchange(ctx context.Context, asked asking) (answer, error) {
	request, err := r.Target.Request(ctx, method(asked.HTTPRequest), asked.filled.Path, asked.filled.Body, asked.filled.Headers)
	if err != nil {
		return answer{}, err
	}
	start := r.Clock.Now()
	response, err := r.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	return r.read(response, start)
}

// read is the answer, or what may be read of it.
func (r *run) read(response *http.Response, start time.Time) (answer, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	err = errors.Join(err, response.Body.Close())
	return answer{response.StatusCode, response.Header, body, r.Clock.Since(start)}, err
}

// judged holds an answer against what was expected of it, and keeps of it what
// is to be captured.
func (r *run) judged(asked asking, a answer, evidence *verdict.Evidence) verdict.Verdict {
	evidence.Value, evidence.Window = fmt.Sprintf("status %d", a.status), a.took.Round(time.Millisecond).String()
	v := r.judge(asked, a, statusAsExpected, inTime, headersAsExpected, r.bodyAsExpected)
	if v.Outcome != verdict.Passed {
		return v
	}
	return r.keep(asked, a, v)
}

// keep captures what is asked for, or says what is not there.
func (r *run) keep(asked asking, a answer, v verdict.Verdict) verdict.Verdict {
	if len(asked.Capture) > 0 && len(a.body) > maxBody {
		return fail(ReasonCapture, "%s was answered with more than %d bytes, of which nothing is captured", name(asked.HTTPRequest), maxBody)
	}
	for _, c := range asked.Capture {
		value, failure := r.captured.Take(c.Value, a.subject())
		if failure != nil {
			return fail(reasonOf(failure, ReasonCapture), "%s: %q was not captured: %s", name(asked.HTTPRequest), c.Name, says("it was answered with", failure))
		}
		r.captured[c.Name] = value
	}
	return v
}
