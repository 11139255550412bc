package watermark

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestCheck(t *testing.T) {
	good := serve(t, signed(t, candidate, secret, signals))
	old := serve(t, signed(t, stable, secret, signals))
	plain := serve(t, http.HandlerFunc(signals))
	each := func(every int, other string) func(int) string {
		return func(n int) string {
			if n%every == 0 {
				return other
			}
			return good
		}
	}
	for name, tc := range map[string]struct {
		service http.Handler
		want    string
		outcome v1alpha1.Outcome
		says    string
	}{
		"the candidate": {gateway(t, always(good), nil), ReasonVerified, verdict.Passed, "All 50 answers to /v1/signals are signed by release 7f3a9c0d1e"},
		"its errors are its own": {
			signed(t, candidate, secret, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }),
			ReasonVerified, verdict.Passed, "All 50",
		},
		"a redirect is an answer": {
			signed(t, candidate, secret, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }),
			ReasonVerified, verdict.Passed, "All 50",
		},
		"the gateway is late":      {gateway(t, func(n int) string { return map[bool]string{true: old, false: good}[n < 9] }, nil), ReasonVerified, verdict.Passed, "All 50"},
		"no endpoint now and then": {gateway(t, each(7, ""), nil), ReasonVerified, verdict.Passed, "All 50"},
		"another key":              {signed(t, candidate, strings.Repeat("k", 32), signals), ReasonForged, verdict.Failed, "50 forged"},
		"another key now and then": {gateway(t, each(10, serve(t, signed(t, candidate, strings.Repeat("k", 32), signals))), nil), ReasonForged, verdict.Failed, "5 forged"},
		"status changed": {
			gateway(t, always(good), func(_ int, res *http.Response) error { res.StatusCode = http.StatusAccepted; return nil }),
			ReasonForged, verdict.Failed, "50 forged",
		},
		"kept answers": {&cache{next: signed(t, candidate, secret, signals)}, ReasonReplayed, verdict.Failed, "replayed; a good signature is of the answer to another request"},
		"body changed": {
			gateway(t, always(good), func(_ int, res *http.Response) error { return replace(res, `{"signals":["buy"]}`) }),
			ReasonAltered, verdict.Failed, "50 altered on the way",
		},
		"one body changed": {gateway(t, always(good), func(n int, res *http.Response) error {
			if n == 20 {
				return replace(res, "")
			}
			return nil
		}), ReasonAltered, verdict.Failed, "49 of release 7f3a9c0d1e, 1 altered on the way"},
		"the stable release":               {gateway(t, always(old), nil), ReasonMisrouted, verdict.Failed, "50 of release 11aa22bb33; all should be of release 7f3a9c0d1e"},
		"the stable release, now and then": {gateway(t, each(25, old), nil), ReasonMisrouted, verdict.Failed, "2 of release 11aa22bb33, 48 of release 7f3a9c0d1e"},
		"no watermark":                     {http.HandlerFunc(signals), ReasonMissing, verdict.Failed, "50 without a watermark; every answer to a request with a nonce must be signed (the answer has no watermark: there is no Signature-Input (status 200))"},
		"no watermark now and then":        {gateway(t, each(25, plain), nil), ReasonMissing, verdict.Failed, "2 without a watermark"},
		"a gateway that strips it":         {gateway(t, always(good), func(_ int, res *http.Response) error { res.Header.Del("Signature"); return nil }), ReasonMissing, verdict.Failed, "50 without"},
		"a gateway that answers by itself": {gateway(t, always(""), nil), ReasonUnanswered, verdict.Unknown, "Only 0 of 50 requests to /v1/signals were answered by the service (no answer of the service: status 503)"},
		"answers that are too large":       {signed(t, candidate, secret, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20+1)) }), ReasonMissing, verdict.Failed, "more than 1 MiB"},
		"answers that are cut off": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "short")
		}), ReasonUnanswered, verdict.Unknown, "unexpected EOF"},
		"misrouted and forged: the gravest": {gateway(t, each(2, serve(t, signed(t, stable, strings.Repeat("k", 32), signals))), nil), ReasonForged, verdict.Failed, "25 of release 7f3a9c0d1e, 25 forged"},
	} {
		t.Run(name, func(t *testing.T) {
			v := probe(serve(t, tc.service)).Check(t.Context(), 50)
			if v.Reason != tc.want || v.Outcome != tc.outcome || v.Kind != v1alpha1.SignalWatermark || !strings.Contains(v.Message, tc.says) {
				t.Errorf("got %s %s: %s", v.Outcome, v.Reason, v.Message)
			}
		})
	}
}

// TestEvidence is what the verdict rests on.
func TestEvidence(t *testing.T) {
	v := probe(serve(t, signed(t, candidate, secret, signals))).Check(t.Context(), 50)
	want := &verdict.Evidence{
		Value: "50 of release 7f3a9c0d1e", Threshold: "every answer signed by release 7f3a9c0d1e",
		Query: "GET /v1/signals, 50 times, each with a nonce of its own", Window: "1s", Samples: 50,
	}
	if diff := cmp.Diff(want, v.Evidence); diff != "" {
		t.Error(diff)
	}
}

// TestRequests are unlike each other, and tell what they are; a query is asked
// and not repeated.
func TestRequests(t *testing.T) {
	var mu sync.Mutex
	nonces, marks := map[string]bool{}, map[string]int{}
	server := serve(t, signed(t, candidate, secret, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		nonces[r.Header.Get("X-Signal-Nonce")] = true
		marks[strings.Join([]string{r.Method, r.Host, r.URL.RequestURI(), r.UserAgent(), r.Header.Get("X-Signal-Synthetic"), r.Header.Get("X-Signal-Release")}, " ")]++
	}))
	p := probe(server)
	p.Host = "signals.prod.svc"
	v := p.Check(t.Context(), 50)
	if diff := cmp.Diff(map[string]int{"GET signals.prod.svc /v1/signals?n=1 signal-operator-watermark v2.0.0-prod-20300101_120000 ": 53}, marks); diff != "" {
		t.Error(diff)
	}
	if len(nonces) != 53 || strings.Contains(v.Message+v.Evidence.Query, "n=1") {
		t.Errorf("%d nonces; %s; %s", len(nonces), v.Message, v.Evidence.Query)
	}
}

// TestRate is as it was said: 50 in a second.
func TestRate(t *testing.T) {
	p := probe(serve(t, signed(t, candidate, secret, signals)))
	start := p.Clock.Now()
	p.round(t.Context(), 500)
	if took := p.Clock.Since(start); took != 499*time.Second/50 {
		t.Errorf("500 requests took %s", took)
	}
}

// TestNobodyListens waits for a while, and knows nothing.
func TestNobodyListens(t *testing.T) {
	if v := probe("http://127.0.0.1:1").Check(t.Context(), 10); v.Reason != ReasonUnanswered || v.Outcome != verdict.Unknown {
		t.Errorf("%+v", v)
	}
}

// TestStopped knows nothing of what it was stopped at.
func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v := probe(serve(t, signed(t, candidate, secret, signals))).Check(ctx, 10); v.Outcome != verdict.Unknown {
		t.Errorf("%+v", v)
	}
	if v := probe(serve(t, signed(t, candidate, secret, signals))).Split(ctx, 10, 50); v.Outcome != verdict.Unknown || v.Reason != ReasonSplitUnknown {
		t.Errorf("%+v", v)
	}
}

// TestEntry dials an address in place of the URL's host, and keeps its name.
func TestEntry(t *testing.T) {
	host := ""
	server := serve(t, signed(t, candidate, secret, func(_ http.ResponseWriter, r *http.Request) { host = r.Host }))
	p := probe("http://signals.example")
	p.Client = NewClient(strings.TrimPrefix(server, "http://"))
	if release, err := p.ask(t.Context()); release != candidate || err != nil || host != "signals.example" {
		t.Errorf("%q, %v, host %q", release, err, host)
	}
}

func TestValidate(t *testing.T) {
	for path, good := range map[string]bool{
		"/": true, "/v1/signals?limit=1": true, "": false, "v1": false, "//evil.example": false, "http://evil.example/": false, "/%zz": false,
	} {
		if err := Validate(v1alpha1.WatermarkSpec{Path: path}); (err == nil) != good {
			t.Errorf("%q: %v", path, err)
		}
	}
}
