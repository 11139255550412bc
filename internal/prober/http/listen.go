package httpprobe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/http/scenario"
	"github.com/signal-delivery/operator/internal/prober/http/stream"
	"github.com/signal-delivery/operator/internal/prober/http/target"
	"github.com/signal-delivery/operator/internal/verdict"
)

func isWebSocket(r v1alpha1.HTTPRequest) bool {
	return r.Stream != nil && r.Stream.Protocol == v1alpha1.StreamWebSocket
}

// atLeast is how many messages must come.
func atLeast(r v1alpha1.HTTPRequest) int { return int(max(1, r.Stream.MinMessages)) }

// within is how long they may take.
func within(r v1alpha1.HTTPRequest) time.Duration {
	return time.Duration(r.Stream.WithinSeconds) * time.Second
}

// errSilent says that a stream had its time, and not the whole check.
var errSilent = errors.New("no more messages in time")

// listen opens a stream and judges what comes of it.
func (r *run) listen(ctx context.Context, asked asking, evidence *verdict.Evidence) (v verdict.Verdict, connected bool) {
	limited, cancel := context.WithTimeoutCause(ctx, within(asked.HTTPRequest), errSilent)
	defer cancel()
	opened, a, err := r.open(limited, asked)
	switch {
	case errors.Is(err, stream.ErrRefused):
		evidence.Value = "status 101"
		return fail(ReasonStream, "%s was answered with status 101, but with no handshake of a WebSocket", name(asked.HTTPRequest)), true
	case errors.Is(context.Cause(limited), errSilent):
		evidence.Value = noAnswer
		return fail(ReasonNoAnswer, "%s was not answered within %s, the withinSeconds", name(asked.HTTPRequest), within(asked.HTTPRequest)), true
	case err != nil:
		return unanswered(asked, err, evidence)
	case opened == nil: // it was answered, but with no stream
		return r.judged(asked, a, evidence), true
	}
	defer opened.Close()
	evidence.Value, evidence.Window = fmt.Sprintf("status %d", a.status), a.took.Round(time.Millisecond).String()
	v = r.judge(asked, a, statusAsExpected, inTime, headersAsExpected, eventsAsExpected)
	if v.Outcome != verdict.Passed {
		return v, true
	}
	return r.follow(limited, asked, opened, a, evidence), true
}

// open asks for a stream; there is none when the answer is another.
func (r *run) open(ctx context.Context, asked asking) (stream.Source, answer, error) {
	body := asked.filled.Body
	if isWebSocket(asked.HTTPRequest) {
		body = ""
	}
	request, err := r.Target.Request(ctx, method(asked.HTTPRequest), asked.filled.Path, body, asked.filled.Headers)
	if err != nil {
		return nil, answer{}, err
	}
	start := r.Clock.Now()
	if isWebSocket(asked.HTTPRequest) {
		return r.converse(request, asked, start)
	}
	if request.Header.Get("Accept") == "" {
		request.Header.Set("Accept", "text/event-stream")
	}
	response, err := r.client.Do(request)
	if err != nil {
		return nil, answer{}, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		a, err := r.read(response, start)
		return nil, a, err
	}
	return stream.Read(response.Body), answer{status: response.StatusCode, header: response.Header, took: r.Clock.Since(start)}, nil
}

// converse opens a WebSocket and says what is to be said.
func (r *run) converse(request *http.Request, asked asking, start time.Time) (stream.Source, answer, error) {
	socket, response, err := stream.Dial(r.client, request)
	if err != nil {
		return nil, answer{}, err
	}
	if socket == nil {
		a, err := r.read(response, start)
		return nil, a, err
	}
	a := answer{status: response.StatusCode, header: response.Header, took: r.Clock.Since(start)}
	if asked.filled.Body == "" {
		return socket, a, nil
	}
	if err := socket.Say(request.Context(), asked.filled.Body); err != nil {
		socket.Close()
		return nil, answer{}, err
	}
	return socket, a, nil
}

// eventsAsExpected looks at what the stream calls itself.
func eventsAsExpected(asked asking, a answer) *verdict.Verdict {
	if isWebSocket(asked.HTTPRequest) || stream.IsEvents(a.header) {
		return nil
	}
	return no(ReasonHeader, "%s was answered with another Content-Type than text/event-stream", name(asked.HTTPRequest))
}

// follow counts the messages that are as expected until there are enough. An
// event that is not decides; a WebSocket's message that is not is passed over.
func (r *run) follow(ctx context.Context, asked asking, from stream.Source, a answer, evidence *verdict.Evidence) verdict.Verdict {
	start, came, fit, opened := r.Clock.Now(), 0, 0, evidence.Value
	defer func() {
		evidence.Value = fmt.Sprintf("%s; %d of %d messages as expected", opened, fit, came)
		evidence.Window = (a.took + r.Clock.Since(start)).Round(time.Millisecond).String()
	}()
	var last *scenario.Failure
	for fit < atLeast(asked.HTTPRequest) {
		message, err := from.Next(ctx)
		if err != nil {
			return broken(asked, context.Cause(ctx), err, fit, came, last)
		}
		came++
		a.body = message
		switch last = r.content(asked.Expect, a.subject()); {
		case last == nil:
			fit++
		case last.Invalid || !isWebSocket(asked.HTTPRequest):
			return fail(reasonOf(last, ReasonBody), "%s: %s", name(asked.HTTPRequest), says(fmt.Sprintf("event %d has", came), last))
		}
	}
	return r.keep(asked, a, verdict.Pass(v1alpha1.SignalSmoke, ReasonAnswered, "%s was answered as expected, with status %d and %d messages", name(asked.HTTPRequest), a.status, fit))
}

// broken says why not enough messages came.
func broken(asked asking, over, err error, fit, came int, last *scenario.Failure) verdict.Verdict {
	why := "it ended"
	switch {
	case errors.Is(err, stream.ErrTooLong):
		why = fmt.Sprintf("its next message is longer than %d bytes", maxBody)
	case errors.Is(over, errSilent):
		why = fmt.Sprintf("no more came within %s, the withinSeconds", within(asked.HTTPRequest))
	case over != nil:
		why = target.Cause(over)
	}
	text := fmt.Sprintf("%s streamed %d of the %d messages that are expected: %s", name(asked.HTTPRequest), fit, atLeast(asked.HTTPRequest), why)
	if last != nil {
		text += fmt.Sprintf("; %d came, and the last %s", came, says("has", last))
	}
	return fail(ReasonStream, "%s", text)
}
