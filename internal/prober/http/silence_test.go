package httpprobe

import (
	"context"
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

func TestACandidateThatListensLateIsWaitedFor(t *testing.T) {
	address := closed(t)
	clock, waits := noon(), 0
	clock.wait = func() {
		if waits++; waits == 3 {
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			server := &httptest.Server{Listener: listener, Config: &http.Server{ReadHeaderTimeout: time.Minute}}
			server.Start()
			t.Cleanup(server.Close)
		}
	}
	probe := Probe{Clock: clock, Target: target.Target{URL: "http://" + address}}
	v := probe.Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{Status: []int32{404}}}))
	if v[0].Outcome != verdict.Passed || waits != 3 {
		t.Errorf("after %d waits: %+v", waits, v)
	}
}

func TestACandidateThatNeverListens(t *testing.T) {
	clock, waits := noon(), 0
	clock.wait = func() { waits++ }
	probe := Probe{Clock: clock, Target: target.Target{URL: "http://" + closed(t), Host: "app"}}
	got := probe.Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/"}, v1alpha1.HTTPRequest{Path: "/never"}))
	want := []verdict.Verdict{verdict.With(
		verdict.Fail(v1alpha1.SignalSmoke, ReasonNoAnswer, "GET / was not answered: the connection was refused"),
		verdict.Evidence{Value: "no answer", Threshold: "status 200 to 299", Query: "GET /", Source: "app"},
	)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if waits != 50 {
		t.Errorf("waited %d times, want ten seconds of 200 ms", waits)
	}
}

func TestAStoppedCheckStopsWaiting(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	clock, waits := noon(), 0
	clock.wait = func() { waits++; stop() }
	probe := Probe{Clock: clock, Target: target.Target{URL: "http://" + closed(t)}}
	if v := probe.Run(ctx, requests(v1alpha1.HTTPRequest{Path: "/"})); waits != 1 || v[0].Reason != ReasonNoAnswer {
		t.Errorf("after %d waits: %+v", waits, v)
	}
}

// Something was sent, so it is not sent again.
func TestABrokenAnswerIsNotAskedForAgain(t *testing.T) {
	for name, tc := range map[string]struct{ answer, cause string }{
		"closed":          {"", "closed before the answer was whole"},
		"closed too soon": {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "closed before the answer was whole"},
		"not HTTP":        {"SSH-2.0-hunter2\r\n", "the answer is not HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			probe := serve(t, noon(), func(w http.ResponseWriter, _ *http.Request) {
				asked++
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = conn.Write([]byte(tc.answer))
				_ = conn.Close()
			})
			v := probe.Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/", Method: "POST"}))[0]
			if v.Reason != ReasonNoAnswer || !strings.Contains(v.Message, tc.cause) || strings.Contains(v.Message, "hunter2") || asked != 1 {
				t.Errorf("asked %d times: %+v", asked, v)
			}
		})
	}
}

// slow answers once the test is over.
func slow(t *testing.T) http.HandlerFunc {
	t.Helper()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}
}

func TestASlowAnswerIsCutOff(t *testing.T) {
	v := serve(t, noon(), slow(t)).Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{MaxLatencyMilliseconds: 20}}))[0]
	if v.Reason != ReasonSlow || v.Message != "GET / was not answered within 20ms, the maxLatencyMilliseconds" || v.Evidence.Value != "no answer" {
		t.Errorf("got %+v", v)
	}
}

func TestTheCheckHasATimeOfItsOwn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	v := serve(t, noon(), slow(t)).Run(ctx, requests(v1alpha1.HTTPRequest{Path: "/", Expect: v1alpha1.HTTPExpectation{MaxLatencyMilliseconds: 60000}}))[0]
	if v.Reason != ReasonNoAnswer || v.Message != "GET / was not answered: the time was up" {
		t.Errorf("got %+v", v)
	}
}
