package openloop

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
)

// Every edge case is refused, accepted or broken, as the service does; and the
// load beside it is answered.
func TestEdgeCases(t *testing.T) {
	strict := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case err != nil, len(body) > 0 && !strings.HasSuffix(string(body), "}"):
			w.WriteHeader(http.StatusBadRequest)
		}
	}
	lax := func(http.ResponseWriter, *http.Request) {}
	broken := func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 100 || r.ContentLength == 7 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	for name, tc := range map[string]struct {
		service http.HandlerFunc
		edge    v1alpha1.LoadEdge
		want    func(loadtest.EdgeCounts) bool
	}{
		"oversized, refused":  {strict, v1alpha1.EdgeOversized, func(c loadtest.EdgeCounts) bool { return c.Refused+c.Closed == c.Sent }},
		"oversized, accepted": {lax, v1alpha1.EdgeOversized, func(c loadtest.EdgeCounts) bool { return c.Accepted+c.Closed == c.Sent && c.Accepted > 0 }},
		"oversized, broken":   {broken, v1alpha1.EdgeOversized, func(c loadtest.EdgeCounts) bool { return c.Broken+c.Closed == c.Sent && c.Broken > 0 }},
		"malformed, refused":  {strict, v1alpha1.EdgeMalformed, func(c loadtest.EdgeCounts) bool { return c.Refused == c.Sent }},
		"malformed, half of it accepted": {lax, v1alpha1.EdgeMalformed, func(c loadtest.EdgeCounts) bool {
			return c.Accepted > 0 && c.Refused > 0 && c.Accepted+c.Refused == c.Sent
		}},
		"malformed, half of it broken": {broken, v1alpha1.EdgeMalformed, func(c loadtest.EdgeCounts) bool { return c.Broken > 0 && c.Broken+c.Refused == c.Sent }},
		"slow, waited for":             {strict, v1alpha1.EdgeSlowBody, func(c loadtest.EdgeCounts) bool { return c.Patient == c.Sent }},
		"slow, broken":                 {broken, v1alpha1.EdgeSlowBody, func(c loadtest.EdgeCounts) bool { return c.Broken == c.Sent }},
		"churn":                        {strict, v1alpha1.EdgeConnectionChurn, func(c loadtest.EdgeCounts) bool { return c.Closed == c.Sent && c.Sent >= 10 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := realService(t, tc.service)
			spec := steady(20, 2)
			spec.AnswerSeconds, spec.Edges = 1, []v1alpha1.LoadEdge{tc.edge}
			spec.Requests[0].Method, spec.Requests[0].Body = http.MethodPost, `{"side":"buy1"}`
			r := s.Run(t.Context(), spec)
			c := r.Edges[tc.edge]
			if c.Sent < 2 || !tc.want(c) {
				t.Errorf("%+v", c)
			}
			if main := r.Judged(spec); main.Sent != 40 || main.Errors != 0 {
				t.Errorf("the load beside it: %+v %v", main, r.Classes)
			}
		})
	}
}

// A service that closes instead of answering has refused.
func TestAServiceThatCloses(t *testing.T) {
	server, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_ = conn.Close()
		}
	})
	t.Cleanup(func() { _ = server.Close(); serving.Wait() })
	s := Sender{URL: "http://" + server.Addr().String(), Host: "signals", Release: "v1", Workers: 1}
	e := edge{sender: s, wait: time.Second, request: bodied(steady(1, 1).Requests)}
	if c := e.send(t.Context(), v1alpha1.EdgeMalformed, 0); c != (loadtest.EdgeCounts{Sent: 1, Closed: 1}) {
		t.Errorf("%+v", c)
	}
	spec := steady(10, 1)
	if r := s.Run(t.Context(), spec); r.Classes[kindReset] != 10 {
		t.Errorf("%v", r.Classes)
	}
}

// Faults are switched at their times, while the service recovers nothing is
// judged, and after it everything is.
func TestFaultsAndRecovery(t *testing.T) {
	for name, recovers := range map[string]bool{"recovers": true, "does not recover": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var came since
				down, switched := false, []string{}
				s := service(t, func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					mu.Lock()
					defer mu.Unlock()
					at := came.note().Round(time.Second)
					if r.URL.Path == "/faults" {
						switched = append(switched, fmt.Sprintf("%s %s %s %s", at, r.Method, body, r.Header.Get("X-Signal-Synthetic")))
						down = r.Method == http.MethodPost || !recovers
						return
					}
					if down {
						w.WriteHeader(http.StatusBadGateway)
					}
				})
				spec := steady(10, 20)
				spec.Faults = []v1alpha1.LoadFault{
					{AtSeconds: 5, RecoverSeconds: 6, Method: http.MethodPost, Path: "/faults", Body: `{"broken":true}`},
					{AtSeconds: 10, RecoverSeconds: 2, Method: http.MethodDelete, Path: "/faults"},
				}
				r := s.Run(t.Context(), spec)
				if diff := cmp.Diff([]string{`5s POST {"broken":true} v1`, "10s DELETE  v1"}, switched); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff([]int{200, 200}, r.Faults); diff != "" {
					t.Error(diff)
				}
				after := int64(80)
				if recovers {
					after = 0
				}
				if c := r.Judged(spec); c.Sent != 130 || c.Errors != after {
					t.Errorf("judged: %+v", c)
				}
				if got := loadtest.Judge(spec, r, nil, "")[0]; (got.Reason == loadtest.ReasonHeld) != recovers {
					t.Errorf("%s: %s", got.Reason, got.Message)
				}
			})
		})
	}
}

// What goes wrong is told apart.
func TestKindsOfErrors(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = nil
	t.Cleanup(secure.Close)
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		url    string
		want   string
		timed  bool
	}{
		"a status of the client":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, "", "429", true},
		"a status of the service": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "", "503", true},
		"an answer that breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		}, "", kindReset, false},
		"no answer":               {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "", kindReset, false},
		"too late":                {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "", kindTimeout, true},
		"nobody listens":          {nil, "http://127.0.0.1:1", kindRefused, false},
		"an unknown issuer":       {nil, secure.URL, kindTLS, false},
		"a redirect is an answer": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Sender{URL: tc.url, Host: "signals", Release: "v1", Workers: 1}
			if tc.answer != nil {
				s = realService(t, tc.answer)
			}
			spec := steady(5, 1)
			spec.AnswerSeconds = 1
			r := s.Run(t.Context(), spec)
			want := map[string]int64{tc.want: 5}
			if tc.want == "" {
				want = map[string]int64{}
			}
			if diff := cmp.Diff(want, r.Classes); diff != "" {
				t.Error(diff)
			}
			if c := r.Judged(spec); (c.Timed == 5) != tc.timed || c.Sent != 5 {
				t.Errorf("%+v", c)
			}
		})
	}
	for err, want := range map[error]string{
		tls.AlertError(40):                    kindTLS,
		fmt.Errorf("read: %w", syscall.EPIPE): kindReset,
		context.Canceled:                      kindTimeout,
		errors.New("malformed HTTP response"): loadtest.Other,
		&net.OpError{Op: "dial", Err: io.EOF}: kindRefused,
		&net.OpError{Op: "read", Err: io.EOF}: kindReset,
	} {
		if got := kindOf(err); got != want {
			t.Errorf("%v is %s, not %s", err, got, want)
		}
	}
}

// Requests say what they are, and nothing of the tool that sends them.
func TestWhatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		s := service(t, func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = append(got, fmt.Sprintf("%s %s %s %q %s %s %s", r.Method, r.Host, r.URL, body, r.Header.Get("Authorization"), r.Header.Get("X-Signal-Synthetic"), r.UserAgent()))
			for name := range r.Header {
				if strings.HasPrefix(name, "X-Vegeta") {
					t.Errorf("it has %s", name)
				}
			}
		})
		spec := steady(4, 1)
		spec.Requests = []v1alpha1.LoadRequest{
			{Path: "/orders/${sequence}", Method: http.MethodPut, Body: `{"n":${random:5-5}}`, Weight: 1, Headers: []v1alpha1.HTTPHeader{{Name: "authorization", Value: "Basic ${sequence}"}}},
			{Path: "/", Weight: 1, Headers: []v1alpha1.HTTPHeader{{Name: "host", Value: "other"}}},
		}
		s.Run(t.Context(), spec)
		want := []string{
			`PUT signals.test.svc /orders/0 "{\"n\":5}" Basic 0 v1 signal-operator-load`,
			`GET other / ""  v1 signal-operator-load`,
			`PUT signals.test.svc /orders/2 "{\"n\":5}" Basic 2 v1 signal-operator-load`,
			`GET other / ""  v1 signal-operator-load`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
