package httpprobe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// login answers with a token, and to those who have it.
func login(token string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path == "/login":
			w.Header().Set("Location", "/orders/a%20b")
			_, _ = fmt.Fprintf(w, `{"token":%q,"id":7,"none":null}`, token)
		case r.Header.Get("Authorization") != "Bearer "+token:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("X-Token", token)
			_, _ = fmt.Fprintf(w, `{"asked":%q,"body":%q,"token":%q,"id":7}`, r.RequestURI, body, token)
		}
	}
}

func capture(name, value string) []v1alpha1.Capture {
	return []v1alpha1.Capture{{Name: name, Value: value}}
}

// logged is a context whose log is kept.
func logged(t *testing.T, lines *[]string) context.Context {
	t.Helper()
	return logr.NewContext(t.Context(), funcr.NewJSON(func(line string) { *lines = append(*lines, line) }, funcr.Options{}))
}

func TestALaterRequestUsesWhatAnEarlierOneCaptured(t *testing.T) {
	const token = `hunter2"/?&`
	verdicts := serve(t, noon(), login(token)).Run(t.Context(), requests(
		v1alpha1.HTTPRequest{Path: "/login", Method: "POST", Capture: []v1alpha1.Capture{
			{Name: "token", Value: "body.token"}, {Name: "id", Value: "body.id"}, {Name: "there", Value: `headers["location"].split("/")[2]`},
		}},
		v1alpha1.HTTPRequest{
			Path: "/orders/${token}?id=${id}&t=${token}", Method: "POST", Headers: header("Authorization", "Bearer ${token}"),
			Body: `{"token":"<${token}>","id":${id},"whole":${token},"plain":"$${id}"}`,
			Expect: v1alpha1.HTTPExpectation{
				Headers: header("X-Token", "${token}"),
				JSON: `body.token == ${token} && body.id == ${id} && ${id} + 1 == 8 && body.asked == "/orders/hunter2%22%2F%3F&?id=7&t=hunter2%22%2F%3F%26"
					&& body.body == '{"token":"<hunter2\\"/?&>","id":7,"whole":"hunter2\\"/?&","plain":"$${id}"}' && ${there} == "a%20b"`,
			},
		},
	))
	if diff := cmp.Diff([]string{ReasonAnswered, ReasonAnswered}, reasons(verdicts)); diff != "" {
		t.Error(diff, verdicts)
	}
	if got := verdicts[1].Evidence.Query; got != "POST /orders/${token}?id=${id}&t=${token}" {
		t.Errorf("query %q", got)
	}
}

// Whatever goes wrong, what was captured is not told.
func TestWhatWasCapturedIsNotTold(t *testing.T) {
	first := v1alpha1.HTTPRequest{Path: "/login", Capture: capture("token", "body.token")}
	auth := header("Authorization", "Bearer ${token}")
	for name, tc := range map[string]struct {
		token  string
		second v1alpha1.HTTPRequest
		reason string
		says   string
	}{
		"another status":                 {"hunter2", v1alpha1.HTTPRequest{Path: "/${token}"}, ReasonStatus, "GET /${token} was answered with status 401"},
		"another header":                 {"hunter2", v1alpha1.HTTPRequest{Path: "/", Headers: auth, Expect: v1alpha1.HTTPExpectation{Headers: header("X-Id", "${token}")}}, ReasonHeader, "not with X-Id: ${token}"},
		"another body":                   {"hunter2", v1alpha1.HTTPRequest{Path: "/", Headers: auth, Expect: v1alpha1.HTTPExpectation{JSON: "body.id == ${token}"}}, ReasonBody, "body.id == ${token} is not true"},
		"a value of another type":        {"hunter2", v1alpha1.HTTPRequest{Path: "/", Headers: auth, Expect: v1alpha1.HTTPExpectation{JSON: "body.id > ${token}"}}, ReasonBody, "of another type"},
		"another schema":                 {"hunter2", v1alpha1.HTTPRequest{Path: "/", Headers: auth, Expect: v1alpha1.HTTPExpectation{JSONSchema: `{"properties":{"token":{"maxLength":1}}}`}}, ReasonBody, `/token breaks "maxLength"`},
		"nothing to capture":             {"hunter2", v1alpha1.HTTPRequest{Path: "/", Headers: auth, Capture: capture("next", "body.next")}, ReasonCapture, "a field is missing"},
		"a line break in a header":       {"hunter2\r\nX-Admin: yes", v1alpha1.HTTPRequest{Path: "/", Headers: auth}, ReasonFill, "headers[0].value: cannot take ${token}: it has a line break"},
		"a way up in a path":             {"..", v1alpha1.HTTPRequest{Path: "/a/${token}/b", Headers: auth}, ReasonFill, "path: would lead elsewhere"},
		"a way up of which it is a part": {".", v1alpha1.HTTPRequest{Path: "/a/.${token}", Headers: auth}, ReasonFill, "path: would lead elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			var log []string
			verdicts := serve(t, noon(), login(tc.token)).Run(logged(t, &log), requests(first, tc.second))
			v := verdicts[len(verdicts)-1]
			if len(verdicts) != 2 || v.Reason != tc.reason || v.Outcome != verdict.Failed || !strings.Contains(v.Message, tc.says) {
				t.Errorf("got %+v", verdicts)
			}
			if all := fmt.Sprint(verdicts, *v.Evidence, log); strings.Contains(all, "hunter2") {
				t.Errorf("it tells what was captured: %s", all)
			}
		})
	}
}

func TestWhatCannotBeCaptured(t *testing.T) {
	for name, tc := range map[string]struct {
		value  string
		reason string
		says   string
	}{
		"nothing there":        {"body.nothing", ReasonCapture, `"it" was not captured: it was answered with a body of which body.nothing cannot be told`},
		"null":                 {"body.none", ReasonCapture, "body.none gives no text, number or truth value"},
		"the whole":            {"body", ReasonCapture, "body gives no text, number or truth value"},
		"an empty text":        {`body.token.replace("hunter2", "")`, ReasonCapture, "gives a text that is empty, or longer than 4096 bytes"},
		"a header that is not": {`headers["x-nothing"]`, ReasonCapture, "a field is missing"},
		"no CEL":               {"body.", ReasonExpression, "capture: is not CEL"},
	} {
		t.Run(name, func(t *testing.T) {
			v := serve(t, noon(), login("hunter2")).Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/login", Capture: capture("it", tc.value)}))[0]
			if v.Reason != tc.reason || v.Outcome != verdict.Failed || !strings.Contains(v.Message, tc.says) || strings.Contains(strings.ReplaceAll(v.Message, tc.value, ""), "hunter2") {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// recovering answers with these statuses in turn, and then with 200.
func recovering(asked *int, statuses ...int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		*asked++
		if *asked <= len(statuses) {
			w.WriteHeader(statuses[*asked-1])
		}
	}
}

func TestRetries(t *testing.T) {
	retry := func(attempts, backoff int32) *v1alpha1.HTTPRetry {
		return &v1alpha1.HTTPRetry{Attempts: attempts, BackoffMilliseconds: backoff}
	}
	for name, tc := range map[string]struct {
		statuses []int
		retry    *v1alpha1.HTTPRetry
		asked    int
		waited   time.Duration
		want     verdict.Verdict
		value    string
	}{
		"none asked for": {[]int{503}, nil, 1, 0, fail(ReasonStatus, "GET / was answered with status 503, not with 200 to 299"), "status 503"},
		"none needed":    {nil, retry(3, 100), 1, 0, verdict.Pass(v1alpha1.SignalSmoke, ReasonAnswered, "GET / was answered as expected, with status 200"), "status 200"},
		"one that recovers": {
			[]int{503, 500},
			retry(4, 100), 3, 300 * time.Millisecond,
			verdict.Pass(v1alpha1.SignalSmoke, ReasonAnswered, "GET / was answered as expected, with status 200, at attempt 3 of 4"),
			"status 200, at attempt 3 of 4; before it: status 503 (UnexpectedStatus), status 500 (UnexpectedStatus)",
		},
		"one that is exhausted": {
			[]int{503, 503, 503, 503},
			retry(3, 100), 3, 300 * time.Millisecond,
			fail(ReasonStatus, "GET / was answered with status 503, not with 200 to 299, at attempt 3 of 3"),
			"status 503, at attempt 3 of 3; before it: status 503 (UnexpectedStatus), status 503 (UnexpectedStatus)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			asked, clock := 0, noon()
			before := clock.now
			verdicts := serve(t, clock, recovering(&asked, tc.statuses...)).Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/", Retry: tc.retry}, v1alpha1.HTTPRequest{Path: "/then"}))
			v := verdicts[0]
			if v.Outcome != tc.want.Outcome || v.Reason != tc.want.Reason || v.Message != tc.want.Message || v.Evidence.Value != tc.value {
				t.Errorf("got %+v, evidence %+v", v, v.Evidence)
			}
			if waited := clock.now.Sub(before); waited != tc.waited {
				t.Errorf("waited %s, want %s", waited, tc.waited)
			}
			if tc.want.Outcome == verdict.Failed && asked != tc.asked || tc.want.Outcome == verdict.Passed && asked != tc.asked+1 {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

// What is kept of a check is its last verdict: it says what was sent again.
func TestTheLastVerdictSaysWhatWasSentAgain(t *testing.T) {
	asked := 0
	verdicts := serve(t, noon(), recovering(&asked, 503)).Run(t.Context(), requests(
		v1alpha1.HTTPRequest{Path: "/a", Retry: &v1alpha1.HTTPRetry{Attempts: 2, BackoffMilliseconds: 1}}, v1alpha1.HTTPRequest{Path: "/b"},
	))
	e := verdicts[1].Evidence
	if want := "status 200; sent again: GET /a (status 200, at attempt 2 of 2; before it: status 503 (UnexpectedStatus))"; e.Value != want || e.Samples != 2 || e.Failures != 1 {
		t.Errorf("got %+v", e)
	}
}

func TestTheCheckEndsARetry(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	asked, clock := 0, noon()
	clock.wait = stop
	v := serve(t, clock, recovering(&asked, 503, 503, 503)).Run(ctx, requests(v1alpha1.HTTPRequest{Path: "/", Retry: &v1alpha1.HTTPRetry{Attempts: 10, BackoffMilliseconds: 60000}}))[0]
	if asked != 1 || v.Reason != ReasonStatus {
		t.Errorf("asked %d times: %+v", asked, v)
	}
}

// A captured value is tried for again, too.
func TestARetryWaitsForWhatIsToBeCaptured(t *testing.T) {
	asked := 0
	v := serve(t, noon(), func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, map[bool]string{true: `{"id":null}`, false: `{"id":1}`}[asked < 3])
	}).Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/", Capture: capture("id", "body.id"), Retry: &v1alpha1.HTTPRetry{Attempts: 3, BackoffMilliseconds: 1}}))[0]
	if v.Outcome != verdict.Passed || !strings.Contains(v.Evidence.Value, "status 200 (NotCaptured), status 200 (NotCaptured)") {
		t.Errorf("got %+v, evidence %+v", v, v.Evidence)
	}
}
