package httpprobe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/http/scenario"
	"github.com/signal-delivery/operator/internal/verdict"
)

// expectation is one thing that is expected of an answer; nil is as expected.
type expectation func(asking, answer) *verdict.Verdict

// judge holds an answer against each expectation; the first that is not met
// decides.
func (r *run) judge(asked asking, a answer, expectations ...expectation) verdict.Verdict {
	for _, met := range expectations {
		if v := met(asked, a); v != nil {
			return *v
		}
	}
	return verdict.Pass(v1alpha1.SignalSmoke, ReasonAnswered, "%s was answered as expected, with status %d", name(asked.HTTPRequest), a.status)
}

func statusAsExpected(asked asking, a answer) *verdict.Verdict {
	if good(asked.HTTPRequest, a.status) {
		return nil
	}
	hint := ""
	if location := a.header.Get("Location"); location != "" && a.status >= 300 && a.status <= 399 {
		hint = "; redirects are not followed"
	}
	return no(ReasonStatus, "%s was answered with status %d, not with %s%s", name(asked.HTTPRequest), a.status, wantedStatus(asked.HTTPRequest), hint)
}

// good reports whether a status is one that is expected.
func good(r v1alpha1.HTTPRequest, status int) bool {
	switch {
	case len(r.Expect.Status) > 0:
		return slices.Contains(r.Expect.Status, int32(status)) //nolint:gosec // three digits
	case isWebSocket(r):
		return status == http.StatusSwitchingProtocols
	}
	return status >= 200 && status <= 299
}

func inTime(asked asking, a answer) *verdict.Verdict {
	if limit := time.Duration(asked.Expect.MaxLatencyMilliseconds) * time.Millisecond; limit > 0 && a.took > limit {
		return no(ReasonSlow, "%s was answered in %s, not within %s, the maxLatencyMilliseconds", name(asked.HTTPRequest), a.took, limit)
	}
	return nil
}

// headersAsExpected does not repeat the values that came: cookies are among
// them. Nor those that were captured: it says what was written.
func headersAsExpected(asked asking, a answer) *verdict.Verdict {
	for i, h := range asked.filled.Expected {
		values := a.header.Values(h.Name)
		if slices.Contains(values, h.Value) {
			continue
		}
		key, came := http.CanonicalHeaderKey(h.Name), "another value"
		if len(values) == 0 {
			came = "no such header"
		}
		written := asked.Expect.Headers[i].Value
		return no(ReasonHeader, "%s was answered with %s, not with %s: %s", name(asked.HTTPRequest), came, verdict.Clip(key, 64), verdict.Clip(written, 128))
	}
	return nil
}

func (r *run) bodyAsExpected(asked asking, a answer) *verdict.Verdict {
	e := asked.Expect
	if e.JSON == "" && e.JSONSchema == "" {
		return nil
	}
	if len(a.body) > maxBody {
		return no(ReasonBody, "%s was answered with more than %d bytes, of which %s cannot be told", name(asked.HTTPRequest), maxBody, strings.Join(aboutBody(e), " and "))
	}
	if failure := r.content(e, a.subject()); failure != nil {
		return no(reasonOf(failure, ReasonBody), "%s: %s", name(asked.HTTPRequest), says("it was answered with", failure))
	}
	return nil
}

// content is what is wrong with a body, or with a message of a stream.
func (r *run) content(e v1alpha1.HTTPExpectation, a scenario.Answer) *scenario.Failure {
	if e.JSON != "" {
		if failure := r.captured.Holds(e.JSON, a); failure != nil {
			return failure
		}
	}
	if e.JSONSchema == "" {
		return nil
	}
	return scenario.Keeps(e.JSONSchema, a.Body)
}

// says is a failure as a sentence.
func says(subject string, f *scenario.Failure) string {
	if f.Invalid {
		return f.Message
	}
	return subject + " " + f.Message
}

// reasonOf is the reason of a failure.
func reasonOf(f *scenario.Failure, otherwise string) string {
	if f.Invalid {
		return ReasonExpression
	}
	return otherwise
}

// aboutBody are the fields that expect something of a body.
func aboutBody(e v1alpha1.HTTPExpectation) []string {
	var fields []string
	if e.JSON != "" {
		fields = append(fields, "expect.json")
	}
	if e.JSONSchema != "" {
		fields = append(fields, "expect.jsonSchema")
	}
	return fields
}

// wanted says all expectations.
func wanted(r v1alpha1.HTTPRequest) string {
	e := r.Expect
	parts := []string{"status " + wantedStatus(r)}
	if e.MaxLatencyMilliseconds > 0 {
		parts = append(parts, fmt.Sprintf("within %d ms", e.MaxLatencyMilliseconds))
	}
	for _, h := range e.Headers {
		parts = append(parts, "header "+http.CanonicalHeaderKey(h.Name))
	}
	if e.JSON != "" {
		parts = append(parts, e.JSON)
	}
	if e.JSONSchema != "" {
		parts = append(parts, "jsonSchema")
	}
	if r.Stream != nil {
		parts = append(parts, fmt.Sprintf("%d messages within %s", atLeast(r), within(r)))
	}
	return strings.Join(parts, "; ")
}

func wantedStatus(r v1alpha1.HTTPRequest) string {
	switch {
	case len(r.Expect.Status) > 0:
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(r.Expect.Status), "[]"), " ", " or ")
	case isWebSocket(r):
		return "101"
	}
	return "200 to 299"
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalSmoke, reason, format, args...)
}

func no(reason, format string, args ...any) *verdict.Verdict {
	v := fail(reason, format, args...)
	return &v
}
