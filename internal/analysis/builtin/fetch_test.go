package builtin

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func zipped(text string) string {
	out := &bytes.Buffer{}
	z := gzip.NewWriter(out)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return out.String()
}

func packed(encoding, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", encoding)
		says(plain, body)(w, r)
	}
}

// endless answers for as long as it is read.
func endless(w io.Writer, until <-chan struct{}) {
	chunk := []byte(strings.Repeat("#", 64<<10) + "\n")
	for {
		select {
		case <-until:
			return
		default:
		}
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// silence holds a request for as long as whoever asks waits.
func silence(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestWhateverATargetAnswers(t *testing.T) {
	const limit = 1 << 20
	full := strings.Repeat("#", limit-1) + "\n"
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string // the reason and the words, or the body's length
		timeout time.Duration
	}{
		"an exposition":         {handler: says(plain, "a 1\n"), want: "a 1\n of text/plain; version=0.0.4; charset=utf-8"},
		"gzip":                  {handler: packed("gzip", zipped("a 1\n")), want: "a 1\n of text/plain; version=0.0.4; charset=utf-8"},
		"plain, and it says so": {handler: packed("identity", "a 1\n"), want: "a 1\n of text/plain; version=0.0.4; charset=utf-8"},
		"nothing":               {handler: says(plain, ""), want: " of text/plain; version=0.0.4; charset=utf-8"},
		"as much as may be":     {handler: says("x", full), want: full + " of x"},
		"as much as may be, zipped": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			says("x", zipped(full))(w, r)
		}, want: full + " of x"},
		"one byte more":   {handler: says("x", full+"\n"), want: "body_size: answers with more than 1024 KiB"},
		"a gzip bomb":     {handler: packed("gzip", zipped(strings.Repeat("0", 64<<20))), want: "body_size: answers with more than 1024 KiB"},
		"an endless body": {handler: func(w http.ResponseWriter, r *http.Request) { endless(w, r.Context().Done()) }, want: "body_size: answers with more than 1024 KiB"},
		"endless gzip": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			endless(gzip.NewWriter(w), r.Context().Done())
		}, want: "body_size: answers with more than 1024 KiB"},
		"gzip that is none":    {handler: packed("gzip", "a 1\nand some more"), want: "encoding: answers with what is not gzip, though it says so"},
		"gzip that is corrupt": {handler: packed("gzip", zipped("a 1\n")[:10]+"\xff\xff\xff\xff\xff\xff\xff\xff"), want: "encoding: answers with what is not gzip, though it says so"},
		"gzip that breaks off": {handler: packed("gzip", zipped("a 1\n")[:12]), want: "connection: breaks off its answer"},
		"another encoding":     {handler: packed("br", "a 1\n"), want: "encoding: answers in an encoding that is not gzip"},
		"an answer that breaks off": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			says(plain, "a 1\n")(w, r)
		}, want: "connection: breaks off its answer"},
		"no whole head": {handler: func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(c, "HTTP/1.1 200")
			_ = c.Close()
		}, want: "connection: cannot be reached"},
		"a huge head": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 128<<10))
			says(plain, "a 1\n")(w, r)
		}, want: "connection: cannot be reached"},
		"401":               {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, want: "status: answers with 401 Unauthorized"},
		"500":               {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, want: "status: answers with 500 Internal Server Error"},
		"204":               {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, want: "status: answers with 204 No Content"},
		"a code of its own": {handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) }, want: "status: answers with 599"},
		"nothing in time":   {handler: silence, timeout: 50 * time.Millisecond, want: "timeout: does not answer within 50ms"},
		"half of it in time": {handler: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "a 1\n")
			w.(http.Flusher).Flush()
			silence(w, r)
		}, timeout: 50 * time.Millisecond, want: "timeout: does not answer within 50ms"},
		"half of more than a little": {handler: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("#", smallBody+2))
			w.(http.Flusher).Flush()
			silence(w, r)
		}, timeout: 50 * time.Millisecond, want: "timeout: does not answer within 50ms"},
		"half of gzip in time": {handler: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			silence(w, r)
		}, timeout: 50 * time.Millisecond, want: "timeout: does not answer within 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tc.handler)
			defer server.Close()
			f := newFetcher(limit)
			if tc.timeout == 0 {
				tc.timeout = time.Minute
			}
			if got := fetched(t, f, server.URL, tc.timeout); got != tc.want {
				t.Errorf("got %.100q (%d), want %.100q (%d)", got, len(got), tc.want, len(tc.want))
			}
			if len(f.large) != 0 {
				t.Error("a large answer was not given back")
			}
		})
	}
}

// fetched is the answer, or why there is none.
func fetched(t *testing.T, f *fetcher, url string, timeout time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	defer f.client.CloseIdleConnections()
	e, failed := f.fetch(ctx, url, timeout)
	if failed != nil {
		return failed.reason + ": " + failed.words
	}
	defer f.free(e)
	return e.body.String() + " of " + e.contentType
}

func TestWhereNobodyAnswers(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	if got := fetched(t, newFetcher(1000), closed.URL, time.Minute); got != "connection: refuses connections" {
		t.Error(got)
	}
	if got := fetched(t, newFetcher(1000), "http://[::1", time.Minute); got != "connection: has no valid address" {
		t.Error(got)
	}
}

func TestCertificatesAreNotVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(says(plain, "a 1\n"))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	if got := fetched(t, newFetcher(1000), server.URL, time.Minute); got != "a 1\n of "+plain {
		t.Error(got)
	}
	if got := fetched(t, newFetcher(1000), strings.Replace(server.URL, "https", "http", 1), time.Minute); got != "status: answers with 400 Bad Request" {
		t.Error(got)
	}
}

func TestRedirects(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was followed") }))
	defer elsewhere.Close()
	var asked []string
	mux := http.NewServeMux()
	mux.Handle("/away", http.RedirectHandler(elsewhere.URL, http.StatusFound))
	mux.Handle("/near", http.RedirectHandler("/metrics/", http.StatusMovedPermanently))
	mux.Handle("/secure", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+"/metrics/", http.StatusFound)
	}))
	mux.Handle("/circle", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		http.Redirect(w, r, "/circle", http.StatusFound)
	}))
	mux.Handle("/metrics/", says(plain, "a 1\n"))
	server := httptest.NewServer(mux)
	defer server.Close()
	got := map[string]string{}
	for _, path := range []string{"/away", "/near", "/secure", "/circle"} {
		got[path] = fetched(t, newFetcher(1000), server.URL+path, time.Minute)
	}
	const refused = "redirect: redirects to another address, or too often"
	if diff := cmp.Diff(map[string]string{"/away": refused, "/near": "a 1\n of " + plain, "/secure": refused, "/circle": refused}, got); diff != "" {
		t.Error(diff)
	}
	if len(asked) != 4 {
		t.Errorf("was led in a circle %d times, want 4", len(asked))
	}
}

// What is asked is what Prometheus asks, over one connection, without a proxy
// and without a word on who asks.
func TestWhatIsAsked(t *testing.T) {
	var heads []http.Header
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heads = append(heads, r.Header.Clone())
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		packed("gzip", zipped("a 1\n"))(w, r)
	}))
	var opened sync.Map
	server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Store(c, true)
		}
	}
	server.Start()
	defer server.Close()
	f := newFetcher(1000)
	defer f.client.CloseIdleConnections()
	for range 2 {
		e, failed := f.fetch(t.Context(), server.URL, 900*time.Millisecond)
		if failed != nil {
			t.Fatal(failed)
		}
		f.free(e)
	}
	want := http.Header{
		"Accept": {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," +
			"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5," +
			"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"},
		"Accept-Encoding": {"gzip"}, "User-Agent": {"signal-operator"}, "X-Prometheus-Scrape-Timeout-Seconds": {"0.9"},
	}
	if diff := cmp.Diff([]http.Header{want, want}, heads); diff != "" {
		t.Error(diff)
	}
	if f.client.Transport.(*http.Transport).Proxy != nil || f.client.Jar != nil {
		t.Error("has a proxy, or keeps cookies")
	}
	connections := 0
	opened.Range(func(any, any) bool { connections++; return true })
	if connections != 1 {
		t.Errorf("%d connections, want 1", connections)
	}
}

// However many are large, few are in memory; the small ones do not wait.
func TestLargeAnswersWaitForEachOther(t *testing.T) {
	large := strings.Repeat("#", smallBody) + "\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/small" {
			says(plain, large[1:])(w, r)
			return
		}
		says(plain, large)(w, r)
	}))
	defer server.Close()
	f := newFetcher(1 << 20)
	defer f.client.CloseIdleConnections()
	held := make([]*exposition, 0, largeAtOnce)
	for range largeAtOnce {
		e, failed := f.fetch(t.Context(), server.URL, time.Minute)
		if failed != nil {
			t.Fatal(failed)
		}
		held = append(held, e)
	}
	if got := fetched(t, f, server.URL, 50*time.Millisecond); got != "timeout: does not answer within 50ms" {
		t.Errorf("one more is %.50q", got)
	}
	if got := fetched(t, f, server.URL+"/small", time.Minute); !strings.HasPrefix(got, "##") {
		t.Errorf("a small one is %.50q", got)
	}
	f.free(held[0])
	if got := fetched(t, f, server.URL, time.Minute); !strings.HasPrefix(got, large) {
		t.Errorf("the next is %.50q", got)
	}
}
