package watermark

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/signal-delivery/operator/internal/watermark"
)

const (
	secret    = "0123456789abcdef0123456789abcdef"
	candidate = "7f3a9c0d1e"
	stable    = "11aa22bb33"
	stranger  = "99ff88ee77"
)

// hasty is a clock that goes by itself: whoever waits for it need not.
type hasty struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hasty) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hasty) Since(t time.Time) time.Duration { return h.Now().Sub(t) }

func (h *hasty) After(d time.Duration) <-chan time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
	done := make(chan time.Time, 1)
	done <- h.now
	return done
}

// signals is what a release answers.
func signals(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"signals":[]}`) }

// signed is a release that signs its answers.
func signed(t *testing.T, release, key string, answer http.HandlerFunc) http.Handler {
	t.Helper()
	sign, err := watermark.Sign([]byte(key), release)
	if err != nil {
		t.Fatal(err)
	}
	return sign(answer)
}

// serve serves until the test ends.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// gateway leads the n-th request, from 1, to a server; "" is nowhere, which it
// answers itself.
func gateway(t *testing.T, to func(n int) string, change func(n int, res *http.Response) error) http.Handler {
	t.Helper()
	var mu sync.Mutex
	count := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		count++
		n := count
		mu.Unlock()
		server := to(n)
		if server == "" {
			http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
			return
		}
		target, err := url.Parse(server)
		if err != nil {
			t.Error(err)
			return
		}
		proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
		if change != nil {
			proxy.ModifyResponse = func(res *http.Response) error { return change(n, res) }
		}
		proxy.ServeHTTP(w, r)
	})
}

// always is one server for all requests.
func always(server string) func(int) string { return func(int) string { return server } }

// probe asks a server for the candidate.
func probe(server string) Probe {
	return Probe{
		Clock: &hasty{now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)}, Client: NewClient(""), URL: server + "/v1/signals?n=1",
		Keys: [][]byte{[]byte(secret)}, Candidate: candidate, Stable: stable, ID: "v2.0.0-prod-20300101_120000",
	}
}

// cache answers every request with the first answer.
type cache struct {
	mu   sync.Mutex
	kept *httptest.ResponseRecorder
	next http.Handler
}

func (c *cache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = httptest.NewRecorder()
		c.next.ServeHTTP(c.kept, r)
	}
	maps.Copy(w.Header(), c.kept.Header())
	w.WriteHeader(c.kept.Code)
	_, _ = w.Write(c.kept.Body.Bytes())
}

// replace is the body in place of the one that was sent.
func replace(res *http.Response, body string) error {
	err := res.Body.Close()
	res.Body, res.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	res.Header.Del("Content-Length")
	return err
}
