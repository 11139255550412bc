package httpprobe

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/http/target"
	"github.com/signal-delivery/operator/internal/verdict"
)

// steps is a clock that moves by a step whenever it is asked, and at once by
// what is waited for.
type steps struct {
	now  time.Time
	step time.Duration
	wait func() // called before each wait
}

func (c *steps) Now() time.Time {
	c.now = c.now.Add(c.step)
	return c.now
}

func (c *steps) Since(start time.Time) time.Duration { return c.Now().Sub(start) }

func (c *steps) After(d time.Duration) <-chan time.Time {
	if c.wait != nil {
		c.wait()
	}
	c.now = c.now.Add(d)
	fired := make(chan time.Time, 1)
	fired <- c.now
	return fired
}

func noon() *steps { return &steps{now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)} }

// serve starts a candidate and returns a probe of it.
func serve(t *testing.T, clock Clock, candidate http.HandlerFunc) Probe {
	t.Helper()
	server := httptest.NewServer(candidate)
	t.Cleanup(server.Close)
	return Probe{Clock: clock, Target: target.Target{URL: server.URL, Host: "app-canary.prod.svc"}}
}

func requests(r ...v1alpha1.HTTPRequest) v1alpha1.HTTPCheck {
	return v1alpha1.HTTPCheck{Requests: r}
}

func reasons(verdicts []verdict.Verdict) []string {
	var all []string
	for _, v := range verdicts {
		all = append(all, v.Reason)
	}
	return all
}

func TestARequestIsSentAsWritten(t *testing.T) {
	var got []string
	probe := serve(t, noon(), func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, strings.Join([]string{r.Method, r.RequestURI, r.Host, r.Header.Get("X-Level"), r.Header.Get("Accept-Encoding"), string(body)}, " "))
	})
	verdicts := probe.Run(t.Context(), requests(
		v1alpha1.HTTPRequest{Path: "/healthz"},
		v1alpha1.HTTPRequest{Path: "/v1/orders?dry=yes", Method: "POST", Headers: []v1alpha1.HTTPHeader{{Name: "x-level", Value: "2"}}, Body: "{}"},
		v1alpha1.HTTPRequest{Path: "/", Headers: []v1alpha1.HTTPHeader{{Name: "host", Value: "shop.example"}}},
	))
	want := []string{"GET /healthz app-canary.prod.svc   ", "POST /v1/orders?dry=yes app-canary.prod.svc 2  {}", "GET / shop.example   "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{ReasonAnswered, ReasonAnswered, ReasonAnswered}, reasons(verdicts)); diff != "" {
		t.Error(diff)
	}
}

func TestTheFirstUnexpectedAnswerEndsTheCheck(t *testing.T) {
	var asked []string
	probe := serve(t, noon(), func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	verdicts := probe.Run(t.Context(), requests(
		v1alpha1.HTTPRequest{Path: "/fine"}, v1alpha1.HTTPRequest{Path: "/broken"}, v1alpha1.HTTPRequest{Path: "/never"},
	))
	if diff := cmp.Diff([]string{"/fine", "/broken"}, asked); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{ReasonAnswered, ReasonStatus}, reasons(verdicts)); diff != "" {
		t.Error(diff)
	}
}

func TestVerdictsHaveEvidence(t *testing.T) {
	clock := noon()
	clock.step = 40 * time.Millisecond
	probe := serve(t, clock, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	got := probe.Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/a?b=c", Expect: v1alpha1.HTTPExpectation{
		Status: []int32{200, 418}, MaxLatencyMilliseconds: 30000, JSON: "true", Headers: []v1alpha1.HTTPHeader{{Name: "x-a", Value: "secret"}},
	}}))
	want := []verdict.Verdict{verdict.With(
		verdict.Fail(v1alpha1.SignalSmoke, ReasonHeader, "GET /a?b=c was answered with no such header, not with X-A: secret"),
		verdict.Evidence{
			Value: "status 418", Threshold: "status 200 or 418; within 30000 ms; header X-A; true",
			Query: "GET /a?b=c", Source: "app-canary.prod.svc", Window: "40ms",
		},
	)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	var asked []string
	probe := serve(t, noon(), func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/login", http.StatusFound)
		}
	})
	verdicts := probe.Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/"}))
	if diff := cmp.Diff([]string{"/"}, asked); diff != "" {
		t.Error(diff)
	}
	if v := verdicts[0]; v.Reason != ReasonStatus || !strings.Contains(v.Message, "302") || !strings.Contains(v.Message, "redirects are not followed") {
		t.Errorf("got %+v", v)
	}
	expected := requests(v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{
		Status: []int32{302}, Headers: []v1alpha1.HTTPHeader{{Name: "Location", Value: "/login"}},
	}})
	if v := probe.Run(t.Context(), expected)[0]; v.Outcome != verdict.Passed {
		t.Errorf("a redirect that is expected: %+v", v)
	}
}

// closed is an address that refuses connections.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}
