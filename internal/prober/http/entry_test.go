package httpprobe

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/http/target"
	"github.com/signal-delivery/operator/internal/verdict"
)

const toV2 = "X-Signal-Release: v2"

// gateway leads requests for v2 to it once it knows of the route, and all
// others to v1. The first answers of v2 may come without its mark.
type gateway struct {
	learns int32 // requests after which it knows of the route
	asked  []string
	count  atomic.Int32
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.asked = append(g.asked, r.Method+" "+r.Host+" "+r.Header.Get("X-Signal-Release"))
	if g.count.Add(1) > g.learns && r.Header.Get("x-signal-release") == "v2" {
		w.Header().Set("X-Signal-Release", "v2")
		return
	}
	w.WriteHeader(http.StatusTeapot)
}

// through is a probe that enters at a gateway, whose name nobody can resolve.
func through(t *testing.T, clock Clock, g http.Handler, header string) Probe {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return Probe{Clock: clock, Target: target.Target{
		URL: "http://signals.invalid", Host: "signals.invalid", Address: strings.TrimPrefix(server.URL, "http://"), Lead: target.Leading(header),
	}}
}

func TestAGatewayIsEntered(t *testing.T) {
	two := requests(v1alpha1.HTTPRequest{Path: "/"}, v1alpha1.HTTPRequest{Path: "/v1", Method: "POST"})
	for name, tc := range map[string]struct {
		learns int32
		header string
		asked  []string
		want   []string
		words  string
	}{
		"by the header, to the candidate":    {0, toV2, []string{"GET signals.invalid v2", "POST signals.invalid v2"}, []string{ReasonAnswered, ReasonAnswered}, ""},
		"before it knows of the route":       {2, toV2, []string{"GET signals.invalid v2", "GET signals.invalid v2", "GET signals.invalid v2", "POST signals.invalid v2"}, []string{ReasonAnswered, ReasonAnswered}, ""},
		"without the header, as clients do":  {0, "", []string{"GET signals.invalid "}, []string{ReasonStatus}, "418"},
		"that never learns of it is no pass": {1 << 20, toV2, nil, []string{ReasonNoAnswer}, "another release answered"},
	} {
		t.Run(name, func(t *testing.T) {
			g := &gateway{learns: tc.learns}
			got := through(t, noon(), g, tc.header).Run(t.Context(), two)
			if diff := cmp.Diff(tc.want, reasons(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.asked, g.asked); diff != "" && tc.asked != nil {
				t.Error(diff)
			}
			if last := got[len(got)-1]; !strings.Contains(last.Message, tc.words) {
				t.Errorf("%s", last.Message)
			}
		})
	}
}

// A gateway that leads a later request elsewhere is not tried again: the
// requests of a check build on each other.
func TestALaterRequestIsNotLedAstray(t *testing.T) {
	g := &gateway{}
	flaky := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stray" {
			g.asked = append(g.asked, "stray")
			return // status 200, but of another release
		}
		g.ServeHTTP(w, r)
	})
	got := through(t, noon(), flaky, toV2).Run(t.Context(), requests(v1alpha1.HTTPRequest{Path: "/"}, v1alpha1.HTTPRequest{Path: "/stray"}, v1alpha1.HTTPRequest{Path: "/"}))
	if diff := cmp.Diff([]string{ReasonAnswered, ReasonNoAnswer}, reasons(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"GET signals.invalid v2", "stray"}, g.asked); diff != "" {
		t.Error(diff)
	}
}

// A WebSocket and a stream of events are led the same way.
func TestStreamsAreLed(t *testing.T) {
	for name, header := range map[string]string{"led": toV2, "not led": ""} {
		t.Run(name, func(t *testing.T) {
			stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Signal-Release") != "v2" {
					w.WriteHeader(http.StatusTeapot)
					return
				}
				w.Header().Set("X-Signal-Release", "v2")
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = w.Write([]byte("data: 1\n\n"))
			})
			asked := requests(v1alpha1.HTTPRequest{Path: "/signals", Stream: &v1alpha1.StreamExpectation{Protocol: v1alpha1.StreamEvents, WithinSeconds: 5}})
			v := through(t, noon(), stream, header).Run(t.Context(), asked)[0]
			if (v.Outcome == verdict.Passed) != (header != "") {
				t.Errorf("got %+v", v)
			}
		})
	}
}
