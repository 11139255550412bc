package httpprobe

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/http/scenario"
	"github.com/signal-delivery/operator/internal/verdict"
)

func header(name, value string) []v1alpha1.HTTPHeader {
	return []v1alpha1.HTTPHeader{{Name: name, Value: value}}
}

func TestExpectations(t *testing.T) {
	for name, tc := range map[string]struct {
		expect v1alpha1.HTTPExpectation
		status int
		header http.Header
		body   string
		took   time.Duration
		reason string
		says   string
	}{
		"199":            {status: 199, reason: ReasonStatus, says: "status 199, not with 200 to 299"},
		"200":            {status: 200, reason: ReasonAnswered, says: "status 200"},
		"299":            {status: 299, reason: ReasonAnswered, says: "status 299"},
		"300":            {status: 300, reason: ReasonStatus, says: "status 300, not with 200 to 299"},
		"one of several": {expect: v1alpha1.HTTPExpectation{Status: []int32{401, 403}}, status: 403, reason: ReasonAnswered, says: "403"},
		"none of several, though good": {
			expect: v1alpha1.HTTPExpectation{Status: []int32{401, 403}}, status: 200, reason: ReasonStatus, says: "status 200, not with 401 or 403",
		},

		"just in time": {
			expect: v1alpha1.HTTPExpectation{MaxLatencyMilliseconds: 500}, status: 200, took: 500 * time.Millisecond, reason: ReasonAnswered, says: "200",
		},
		"a moment late": {
			expect: v1alpha1.HTTPExpectation{MaxLatencyMilliseconds: 500}, status: 200, took: 500*time.Millisecond + 1, reason: ReasonSlow, says: "not within 500ms",
		},
		"no hurry": {status: 200, took: time.Hour, reason: ReasonAnswered, says: "200"},

		"header": {
			expect: v1alpha1.HTTPExpectation{Headers: header("x-version", "v2")}, status: 200, header: http.Header{"X-Version": {"v1", "v2"}}, reason: ReasonAnswered, says: "200",
		},
		"header of another value": {
			expect: v1alpha1.HTTPExpectation{Headers: header("x-version", "v2")}, status: 200, header: http.Header{"X-Version": {"v20hunter2"}},
			reason: ReasonHeader, says: "another value, not with X-Version: v2",
		},
		"header of another case": {
			expect: v1alpha1.HTTPExpectation{Headers: header("x-version", "V2")}, status: 200, header: http.Header{"X-Version": {"v2"}}, reason: ReasonHeader, says: "another value",
		},
		"no header": {
			expect: v1alpha1.HTTPExpectation{Headers: header("x-version", "v2")}, status: 200, reason: ReasonHeader, says: "no such header, not with X-Version: v2",
		},
		"the second header": {
			expect: v1alpha1.HTTPExpectation{Headers: append(header("a", "1"), header("b", "2")...)}, status: 200, header: http.Header{"A": {"1"}},
			reason: ReasonHeader, says: "not with B: 2",
		},

		"true of the body": {
			expect: v1alpha1.HTTPExpectation{JSON: "size(body.signals) > 0"}, status: 200, body: `{"signals":["hunter2"]}`, reason: ReasonAnswered, says: "200",
		},
		"not true of the body": {
			expect: v1alpha1.HTTPExpectation{JSON: "size(body.signals) > 1"}, status: 200, body: `{"signals":["hunter2"]}`,
			reason: ReasonBody, says: "size(body.signals) > 1 is not true",
		},
		"the status comes before all": {
			expect: v1alpha1.HTTPExpectation{JSON: "false", MaxLatencyMilliseconds: 1, Headers: header("a", "1")}, status: 500, took: time.Hour,
			reason: ReasonStatus, says: "status 500",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &run{captured: scenario.Values{}}
			asked := asking{v1alpha1.HTTPRequest{Path: "/", Expect: tc.expect}, scenario.Filled{Expected: tc.expect.Headers}}
			v := r.judged(asked, answer{tc.status, tc.header, []byte(tc.body), tc.took}, &verdict.Evidence{})
			if v.Reason != tc.reason || v.Kind != v1alpha1.SignalSmoke || (v.Outcome == verdict.Passed) != (tc.reason == ReasonAnswered) || v.Outcome == verdict.Unknown {
				t.Errorf("got %+v", v)
			}
			if !strings.HasPrefix(v.Message, "GET / was answered") && !strings.HasPrefix(v.Message, "GET /: it was answered") || !strings.Contains(v.Message, tc.says) {
				t.Errorf("it does not say %q: %s", tc.says, v.Message)
			}
			if strings.Contains(v.Message, "hunter2") {
				t.Errorf("it repeats what came: %s", v.Message)
			}
		})
	}
}

func TestABodyIsOfOneMebibyteAtMost(t *testing.T) {
	for name, tc := range map[string]struct {
		size   int
		json   string
		reason string
	}{
		"the limit":                  {1 << 20, "body == {}", ReasonAnswered},
		"one byte over":              {1<<20 + 1, "body == {}", ReasonBody},
		"over, but nobody looks":     {1<<20 + 1, "", ReasonAnswered},
		"far over, but nobody looks": {8 << 20, "", ReasonAnswered},
	} {
		t.Run(name, func(t *testing.T) {
			probe := serve(t, noon(), func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "{}"+strings.Repeat(" ", tc.size-2))
			})
			v := probe.Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{JSON: tc.json}}))[0]
			if v.Reason != tc.reason {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestALatencyIsMeasuredByTheClock(t *testing.T) {
	for name, tc := range map[string]struct {
		step   time.Duration
		reason string
	}{
		"in time": {30 * time.Second, ReasonAnswered},
		"late":    {31 * time.Second, ReasonSlow},
	} {
		t.Run(name, func(t *testing.T) {
			clock := noon()
			clock.step = tc.step
			probe := serve(t, clock, func(http.ResponseWriter, *http.Request) {})
			v := probe.Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{MaxLatencyMilliseconds: 30000}}))[0]
			if v.Reason != tc.reason || v.Evidence.Window != tc.step.String() {
				t.Errorf("got %+v, evidence %+v", v, v.Evidence)
			}
		})
	}
}
