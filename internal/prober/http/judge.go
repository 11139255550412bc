package httpprobe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// judge holds an answer against each expectation; the first that is not met
// decides.
func judge(name string, e v1alpha1.HTTPExpectation, a answer) verdict.Verdict {
	for _, expectation := range []func(string, v1alpha1.HTTPExpectation, answer) *verdict.Verdict{
		statusAsExpected, inTime, headersAsExpected, bodyAsExpected,
	} {
		if v := expectation(name, e, a); v != nil {
			return *v
		}
	}
	return verdict.Pass(v1alpha1.SignalSmoke, ReasonAnswered, "%s was answered as expected, with status %d", name, a.status)
}

func statusAsExpected(name string, e v1alpha1.HTTPExpectation, a answer) *verdict.Verdict {
	if len(e.Status) == 0 && a.status >= 200 && a.status <= 299 {
		return nil
	}
	if slices.Contains(e.Status, int32(a.status)) { //nolint:gosec // three digits
		return nil
	}
	hint := ""
	if location := a.header.Get("Location"); location != "" && a.status >= 300 && a.status <= 399 {
		hint = "; redirects are not followed"
	}
	return no(ReasonStatus, "%s was answered with status %d, not with %s%s", name, a.status, wantedStatus(e), hint)
}

func inTime(name string, e v1alpha1.HTTPExpectation, a answer) *verdict.Verdict {
	if limit := time.Duration(e.MaxLatencyMilliseconds) * time.Millisecond; limit > 0 && a.took > limit {
		return no(ReasonSlow, "%s was answered in %s, not within %s, the maxLatencyMilliseconds", name, a.took, limit)
	}
	return nil
}

// headersAsExpected does not repeat the values that came: cookies are among
// them.
func headersAsExpected(name string, e v1alpha1.HTTPExpectation, a answer) *verdict.Verdict {
	for _, h := range e.Headers {
		values := a.header.Values(h.Name)
		if slices.Contains(values, h.Value) {
			continue
		}
		key, came := http.CanonicalHeaderKey(h.Name), "another value"
		if len(values) == 0 {
			came = "no such header"
		}
		return no(ReasonHeader, "%s was answered with %s, not with %s: %s", name, came, verdict.Clip(key, 64), verdict.Clip(h.Value, 128))
	}
	return nil
}

func bodyAsExpected(name string, e v1alpha1.HTTPExpectation, a answer) *verdict.Verdict {
	if e.JSON == "" {
		return nil
	}
	if len(a.body) > maxBody {
		return no(ReasonBody, "%s was answered with more than %d bytes, of which expect.json cannot be told", name, maxBody)
	}
	reason, problem := holds(e.JSON, a.body)
	if problem == "" {
		return nil
	}
	return no(reason, "%s: %s", name, problem)
}

// wanted says all expectations.
func wanted(e v1alpha1.HTTPExpectation) string {
	parts := []string{"status " + wantedStatus(e)}
	if e.MaxLatencyMilliseconds > 0 {
		parts = append(parts, fmt.Sprintf("within %d ms", e.MaxLatencyMilliseconds))
	}
	for _, h := range e.Headers {
		parts = append(parts, "header "+http.CanonicalHeaderKey(h.Name))
	}
	if e.JSON != "" {
		parts = append(parts, e.JSON)
	}
	return strings.Join(parts, "; ")
}

func wantedStatus(e v1alpha1.HTTPExpectation) string {
	if len(e.Status) == 0 {
		return "200 to 299"
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(e.Status), "[]"), " ", " or ")
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalSmoke, reason, format, args...)
}

func no(reason, format string, args ...any) *verdict.Verdict {
	v := fail(reason, format, args...)
	return &v
}
