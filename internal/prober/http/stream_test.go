package httpprobe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// echo is a WebSocket that greets, and answers what it is told.
func echo(talk func(context.Context, *websocket.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" && r.URL.Path == "/private" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		conn.SetReadLimit(4 << 20)
		talk(r.Context(), conn)
	}
}

func write(ctx context.Context, conn *websocket.Conn, messages ...string) {
	for _, m := range messages {
		_ = conn.Write(ctx, websocket.MessageText, []byte(m))
	}
}

// told is the first thing that a WebSocket is told.
func told(ctx context.Context, conn *websocket.Conn) string {
	_, message, _ := conn.Read(ctx)
	return string(message)
}

func socket(expect v1alpha1.HTTPExpectation, change ...func(*v1alpha1.HTTPRequest)) v1alpha1.HTTPRequest {
	r := v1alpha1.HTTPRequest{
		Path: "/ws", Body: `{"say":"hunter2"}`, Expect: expect,
		Stream: &v1alpha1.StreamExpectation{Protocol: v1alpha1.StreamWebSocket, MinMessages: 1, WithinSeconds: 5},
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func soon(r *v1alpha1.HTTPRequest)    { r.Stream.WithinSeconds = 1 }
func private(r *v1alpha1.HTTPRequest) { r.Path = "/private" }
func twice(r *v1alpha1.HTTPRequest)   { r.Stream.MinMessages = 2 }

func TestWebSockets(t *testing.T) {
	json := func(text string) v1alpha1.HTTPExpectation { return v1alpha1.HTTPExpectation{JSON: text} }
	echoing := func(ctx context.Context, c *websocket.Conn) { write(ctx, c, told(ctx, c)); _, _, _ = c.Read(ctx) }
	for name, tc := range map[string]struct {
		talk    func(context.Context, *websocket.Conn)
		request v1alpha1.HTTPRequest
		reason  string
		says    string
		value   string
	}{
		"an answer":  {echoing, socket(json(`body.say == "hunter2"`)), ReasonAnswered, "with status 101 and 1 messages", "status 101; 1 of 1 messages as expected"},
		"any answer": {echoing, socket(json("")), ReasonAnswered, "with status 101 and 1 messages", "status 101; 1 of 1 messages as expected"},
		"plain text": {func(ctx context.Context, c *websocket.Conn) { write(ctx, c, "pong"); _, _, _ = c.Read(ctx) }, socket(json(`text == "pong"`)), ReasonAnswered, "1 messages", "status 101; 1 of 1 messages as expected"},
		"an answer after a greeting": {func(ctx context.Context, c *websocket.Conn) {
			write(ctx, c, "hello")
			write(ctx, c, told(ctx, c))
			_, _, _ = c.Read(ctx)
		}, socket(json(`body.say == "hunter2"`)), ReasonAnswered, "1 messages", "status 101; 1 of 2 messages as expected"},
		"another answer": {func(ctx context.Context, c *websocket.Conn) {
			write(ctx, c, `{"say":"hunter2"}`)
			_ = c.Close(websocket.StatusNormalClosure, "hunter2")
		}, socket(json("body.say == 1")), ReasonStream, "streamed 0 of the 1 messages that are expected: it ended; 1 came, and the last has a body of which body.say == 1 is not true", "status 101; 0 of 1 messages as expected"},
		"an answer of another schema": {echoing, socket(v1alpha1.HTTPExpectation{JSONSchema: `{"required":["ack"]}`}, soon), ReasonStream, `no more came within 1s, the withinSeconds; 1 came, and the last has a body that does not keep to expect.jsonSchema: its root breaks "required"`, "status 101; 0 of 1 messages as expected"},
		"silence":                     {func(ctx context.Context, c *websocket.Conn) { _, _, _ = c.Read(ctx); _, _, _ = c.Read(ctx) }, socket(json("true"), soon), ReasonStream, "streamed 0 of the 1 messages that are expected: no more came within 1s", "status 101; 0 of 0 messages as expected"},
		"too few": {func(ctx context.Context, c *websocket.Conn) {
			write(ctx, c, "{}")
			_, _, _ = c.Read(ctx)
			_, _, _ = c.Read(ctx)
		}, socket(json("true"), soon, twice), ReasonStream, "streamed 1 of the 2 messages that are expected: no more came within 1s", "status 101; 1 of 1 messages as expected"},
		"half open": {func(_ context.Context, c *websocket.Conn) { _ = c.CloseNow() }, socket(json("true")), ReasonStream, "it ended", "status 101; 0 of 0 messages as expected"},
		"a binary message": {func(ctx context.Context, c *websocket.Conn) {
			_ = c.Write(ctx, websocket.MessageBinary, []byte{0xff, 0xfe})
			_ = c.Close(websocket.StatusNormalClosure, "")
		}, socket(json("body.say == 1")), ReasonStream, "the last has a body that is not JSON", "status 101; 0 of 1 messages as expected"},
		"JSON in a binary message": {func(ctx context.Context, c *websocket.Conn) {
			_ = c.Write(ctx, websocket.MessageBinary, []byte(`{"ok":true}`))
			_, _, _ = c.Read(ctx)
			_, _, _ = c.Read(ctx)
		}, socket(json("body.ok")), ReasonAnswered, "1 messages", "status 101; 1 of 1 messages as expected"},
		"a message without end": {func(ctx context.Context, c *websocket.Conn) {
			write(ctx, c, strings.Repeat("a", 1<<20+1))
			_, _, _ = c.Read(ctx)
		}, socket(json("true")), ReasonStream, "its next message is longer than 1048576 bytes", "status 101; 0 of 0 messages as expected"},
		"an expectation at fault": {echoing, socket(json("size(body)")), ReasonExpression, "gives a int, not true or false", "status 101; 0 of 1 messages as expected"},
		"refused":                 {echoing, socket(json("true"), private), ReasonStatus, "status 401, not with 101", "status 401"},
		"refused, as expected":    {echoing, socket(v1alpha1.HTTPExpectation{Status: []int32{401, 403}}, private), ReasonAnswered, "with status 401", "status 401"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := serve(t, noon(), echo(tc.talk)).Run(t.Context(), requests(tc.request))[0]
			if v.Reason != tc.reason || (v.Outcome == verdict.Passed) != (tc.reason == ReasonAnswered) || !strings.Contains(v.Message, tc.says) || v.Evidence.Value != tc.value {
				t.Errorf("got %+v, evidence %+v", v, v.Evidence)
			}
			if strings.Contains(strings.ReplaceAll(v.Message+v.Evidence.Value, tc.request.Expect.JSON, ""), "hunter2") {
				t.Errorf("it tells what was said: %+v", v)
			}
		})
	}
}

func TestWhatOnlyLooksLikeAWebSocket(t *testing.T) {
	for name, tc := range map[string]struct{ answer, reason, says string }{
		"a handshake for someone else": {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: hunter2\r\n\r\n", ReasonStream, "with no handshake of a WebSocket"},
		"no answer":                    {"", ReasonNoAnswer, "closed before the answer was whole"},
		"not HTTP":                     {"SSH-2.0-hunter2\r\n", ReasonNoAnswer, "the answer is not HTTP"},
		"an ordinary page":             {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhunter2", ReasonStatus, "status 200, not with 101"},
	} {
		t.Run(name, func(t *testing.T) {
			v := serve(t, noon(), hijack(t, tc.answer)).Run(t.Context(), requests(socket(v1alpha1.HTTPExpectation{})))[0]
			if v.Reason != tc.reason || !strings.Contains(v.Message, tc.says) || strings.Contains(v.Message, "hunter2") {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// hijack answers with these bytes, and hangs up.
func hijack(t *testing.T, answer string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
}

func events(expect v1alpha1.HTTPExpectation, least, seconds int32) v1alpha1.HTTPRequest {
	return v1alpha1.HTTPRequest{Path: "/stream", Expect: expect, Stream: &v1alpha1.StreamExpectation{Protocol: v1alpha1.StreamEvents, MinMessages: least, WithinSeconds: seconds}}
}

func TestServerSentEvents(t *testing.T) {
	feed := "retry: 1000\n\n: hello\n\nid: 1\nevent: signal\ndata: {\"n\":1}\n\ndata: {\"n\":\ndata: 2}\n\n"
	for name, tc := range map[string]struct {
		kind    string
		text    string
		ends    bool
		request v1alpha1.HTTPRequest
		reason  string
		says    string
		value   string
	}{
		"enough":                {"text/event-stream", feed, false, events(v1alpha1.HTTPExpectation{JSON: "body.n > 0"}, 2, 5), ReasonAnswered, "with status 200 and 2 messages", "status 200; 2 of 2 messages as expected"},
		"enough, of a charset":  {"Text/Event-Stream; charset=utf-8", feed, false, events(v1alpha1.HTTPExpectation{JSONSchema: `{"required":["n"]}`}, 1, 5), ReasonAnswered, "1 messages", "status 200; 1 of 1 messages as expected"},
		"too few in time":       {"text/event-stream", feed, false, events(v1alpha1.HTTPExpectation{}, 3, 1), ReasonStream, "streamed 2 of the 3 messages that are expected: no more came within 1s, the withinSeconds", "status 200; 2 of 2 messages as expected"},
		"too few at its end":    {"text/event-stream", feed, true, events(v1alpha1.HTTPExpectation{}, 3, 5), ReasonStream, "streamed 2 of the 3 messages that are expected: it ended", "status 200; 2 of 2 messages as expected"},
		"an event cut off":      {"text/event-stream", "data: 1\n\ndata: 2\n", true, events(v1alpha1.HTTPExpectation{}, 2, 5), ReasonStream, "streamed 1 of the 2", "status 200; 1 of 1 messages as expected"},
		"heartbeats alone":      {"text/event-stream", ": beat\n\n: beat\n\n", false, events(v1alpha1.HTTPExpectation{}, 1, 1), ReasonStream, "streamed 0 of the 1", "status 200; 0 of 0 messages as expected"},
		"one of them is wrong":  {"text/event-stream", feed, false, events(v1alpha1.HTTPExpectation{JSON: "body.n == 1"}, 2, 5), ReasonBody, "event 2 has a body of which body.n == 1 is not true", "status 200; 1 of 2 messages as expected"},
		"one of another schema": {"text/event-stream", feed, false, events(v1alpha1.HTTPExpectation{JSONSchema: `{"properties":{"n":{"maximum":1}}}`}, 2, 5), ReasonBody, `event 2 has a body that does not keep to expect.jsonSchema: /n breaks "maximum"`, "status 200; 1 of 2 messages as expected"},
		"one that is not JSON":  {"text/event-stream", "data: hunter2\n\n", false, events(v1alpha1.HTTPExpectation{JSON: "body.n == 1"}, 1, 5), ReasonBody, "event 1 has a body that is not JSON", "status 200; 0 of 1 messages as expected"},
		"one without end":       {"text/event-stream", "data: " + strings.Repeat("a", 1<<20) + "\n\n", false, events(v1alpha1.HTTPExpectation{}, 1, 5), ReasonStream, "its next message is longer than 1048576 bytes", "status 200; 0 of 0 messages as expected"},
		"no stream":             {"application/json", feed, false, events(v1alpha1.HTTPExpectation{}, 1, 5), ReasonHeader, "another Content-Type than text/event-stream", "status 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := serve(t, noon(), func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", tc.kind)
				_, _ = io.WriteString(w, tc.text)
				w.(http.Flusher).Flush()
				if !tc.ends {
					<-r.Context().Done()
				}
			}).Run(t.Context(), requests(tc.request))[0]
			if v.Reason != tc.reason || (v.Outcome == verdict.Passed) != (tc.reason == ReasonAnswered) || !strings.Contains(v.Message, tc.says) || v.Evidence.Value != tc.value {
				t.Errorf("got %+v, evidence %+v", v, v.Evidence)
			}
			if strings.Contains(v.Message, "hunter2") {
				t.Errorf("it tells what came: %s", v.Message)
			}
		})
	}
}

// A stream is asked for with what was captured, and what comes of it can be.
func TestStreamsArePartOfAScenario(t *testing.T) {
	v := serve(t, noon(), func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			_, _ = io.WriteString(w, `{"token":"hunter2"}`)
		case "/stream":
			if r.Header.Get("Authorization") != "Bearer hunter2" || r.Header.Get("Accept") != "text/event-stream" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"id\":41}\n\ndata: {\"id\":42}\n\n")
		case "/ws":
			echo(func(ctx context.Context, c *websocket.Conn) {
				write(ctx, c, `{"ack":`+told(ctx, c)+`}`)
				_, _, _ = c.Read(ctx)
			})(w, r)
		default:
			_, _ = fmt.Fprintf(w, `{"path":%q}`, r.URL.Path)
		}
	}).Run(t.Context(), requests(
		v1alpha1.HTTPRequest{Path: "/login", Capture: capture("token", "body.token")},
		v1alpha1.HTTPRequest{Path: "/stream", Headers: header("Authorization", "Bearer ${token}"), Capture: capture("id", "body.id"), Stream: &v1alpha1.StreamExpectation{Protocol: v1alpha1.StreamEvents, MinMessages: 2, WithinSeconds: 5}},
		socket(v1alpha1.HTTPExpectation{JSON: "body.ack.id == ${id}"}, func(r *v1alpha1.HTTPRequest) { r.Body, r.Capture = `{"id":${id}}`, capture("ack", "body.ack.id + 1") }),
		v1alpha1.HTTPRequest{Path: "/signals/${ack}", Expect: v1alpha1.HTTPExpectation{JSON: `body.path == "/signals/43"`}},
	))
	if len(v) != 4 || v[3].Outcome != verdict.Passed {
		t.Errorf("got %+v", v[len(v)-1])
	}
}

// The check's own time counts for a stream, too; what it was is told apart.
func TestAStreamOfACheckWhoseTimeIsUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	v := serve(t, noon(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}).Run(ctx, requests(events(v1alpha1.HTTPExpectation{}, 1, 600)))[0]
	if v.Reason != ReasonStream || v.Message != "GET /stream streamed 0 of the 1 messages that are expected: the time was up" {
		t.Errorf("got %+v", v)
	}
}

// A proxy between them may close what it does not understand; a silent one must
// not hold the check.
func TestASilentHandshakeIsGivenUp(t *testing.T) {
	for name, request := range map[string]v1alpha1.HTTPRequest{"WebSocket": socket(v1alpha1.HTTPExpectation{}, soon), "events": events(v1alpha1.HTTPExpectation{}, 1, 1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := serve(t, noon(), slow(t)).Run(t.Context(), requests(request))[0]
			if v.Reason != ReasonNoAnswer || !strings.Contains(v.Message, "was not answered within 1s, the withinSeconds") {
				t.Errorf("got %+v", v)
			}
		})
	}
}
