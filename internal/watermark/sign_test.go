package watermark

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAnswersOfARealServer asks over a connection, as net/http adds to answers
// what a recorder does not.
func TestAnswersOfARealServer(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		nonce  string
		status int
		size   int
		want   error
	}{
		"a body":         {signals, oneNonce, 202, 49, nil},
		"no status said": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }, oneNonce, 200, 2, nil},
		"nothing at all": {func(http.ResponseWriter, *http.Request) {}, oneNonce, 200, 0, nil},
		"an error":       {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }, oneNonce, 500, 3, nil},
		"no content": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			_, _ = w.Write([]byte("lost"))
		}, oneNonce, 204, 0, nil},
		"not modified": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, oneNonce, 304, 0, nil},
		"an early hint": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusOK)
			w.WriteHeader(http.StatusBadGateway)
		}, oneNonce, 200, 0, nil},
		"in parts":        {parts(16, 1<<16), oneNonce, 200, 1 << 20, nil},
		"too large":       {parts(17, 1<<16), oneNonce, 200, 17 << 16, ErrMissing},
		"a stream":        {stream, oneNonce, 200, 4, ErrMissing},
		"with a deadline": {deadline, oneNonce, 200, 2, nil},
		"its own digest":  {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Digest", "sha-256=:AAAA:") }, oneNonce, 200, 0, nil},
		"not asked for":   {signals, "", 202, 49, ErrMissing},
		"a short nonce":   {signals, "abc", 202, 49, ErrMissing},
		"an odd nonce":    {signals, `AAAAAAAAAAAAAAAA"; a=b`, 202, 49, ErrMissing},
	} {
		t.Run(name, func(t *testing.T) {
			signed, err := Sign([]byte(secret), newHash)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(signed(tc.answer))
			defer server.Close()
			res := get(t, server.URL, tc.nonce)
			if res.Status != tc.status || len(res.Body) != tc.size {
				t.Errorf("%d with %d bytes, want %d with %d", res.Status, len(res.Body), tc.status, tc.size)
			}
			release, err := Verify(keys, res)
			if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) || err == nil && release != newHash {
				t.Errorf("got %q, %v; want %v", release, err, tc.want)
			}
		})
	}
}

func parts(n, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for range n {
			_, _ = w.Write(make([]byte, size))
		}
	}
}

func stream(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "on")
	w.(http.Flusher).Flush()
	_, _ = io.WriteString(w, "ce")
}

func deadline(w http.ResponseWriter, _ *http.Request) {
	rc := http.NewResponseController(w)
	if rc.SetWriteDeadline(time.Now().Add(time.Minute)) == nil && rc.SetReadDeadline(time.Now().Add(time.Minute)) == nil {
		_, _ = io.WriteString(w, "ok")
	}
}

func get(t *testing.T, url, nonce string) Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if nonce != "" {
		r.Header.Set(HeaderNonce, nonce)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{Request: res.Request, Status: res.StatusCode, Header: res.Header, Body: body}
}

// TestAStreamIsNotHeldBack reads the first part of an answer whose end has not
// been written.
func TestAStreamIsNotHeldBack(t *testing.T) {
	signed, err := Sign([]byte(secret), newHash)
	if err != nil {
		t.Fatal(err)
	}
	read, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(signed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream(w, r)
		<-read.Done()
	})))
	defer server.Close()
	defer cancel()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(HeaderNonce, oneNonce)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	first := make([]byte, 2)
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "on" {
		t.Errorf("%q, %v", first, err)
	}
}

// TestAConnectionCanBeTakenOver is what a WebSocket needs.
func TestAConnectionCanBeTakenOver(t *testing.T) {
	signed, err := Sign([]byte(secret), newHash)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(signed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntaken")
		_ = conn.Close()
	})))
	defer server.Close()
	if res := get(t, server.URL, oneNonce); res.Status != 200 || string(res.Body) != "taken" {
		t.Errorf("%d %q", res.Status, res.Body)
	}
}

func TestFromEnv(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		env    map[string]string
		signed bool
		want   string
	}{
		"nothing":       {nil, false, ""},
		"only a name":   {map[string]string{EnvRelease: newHash}, false, ""},
		"a key":         {map[string]string{EnvRelease: newHash, EnvKey: secret}, true, ""},
		"a file":        {map[string]string{EnvRelease: newHash, EnvKeyFile: file}, true, ""},
		"no such file":  {map[string]string{EnvRelease: newHash, EnvKeyFile: file + "s"}, false, "read WATERMARK_KEY_FILE: open " + file + "s: no such file or directory"},
		"a short key":   {map[string]string{EnvRelease: newHash, EnvKey: "short"}, false, "WATERMARK_KEY: the key has 5 bytes: give it 32 to 4096"},
		"a long key":    {map[string]string{EnvRelease: newHash, EnvKey: strings.Repeat("x", 4097)}, false, "WATERMARK_KEY: the key has 4097 bytes: give it 32 to 4096"},
		"no release":    {map[string]string{EnvKey: secret}, false, `release "": must be the value of the pod's label delivery.signal.dev/release`},
		"an odd one":    {map[string]string{EnvKey: secret, EnvRelease: `a"b`}, false, `release "a\"b": must be the value of the pod's label delivery.signal.dev/release`},
		"an empty file": {map[string]string{EnvRelease: newHash, EnvKeyFile: os.DevNull}, false, "WATERMARK_KEY_FILE: the key has 0 bytes: give it 32 to 4096"},
	} {
		t.Run(name, func(t *testing.T) {
			signed, err := FromEnv(func(name string) string { return tc.env[name] })
			if tc.want != "" {
				if err == nil || err.Error() != tc.want {
					t.Fatalf("got %v, want %s", err, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			res := through(t, signed(http.HandlerFunc(signals)), oneNonce)
			if release, err := Verify(keys, res); (release == newHash) != tc.signed {
				t.Errorf("got %q, %v", release, err)
			}
		})
	}
}
