package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/signal-delivery/operator/internal/watermark"
	"github.com/signal-delivery/operator/test/signalservice/flaw"
	"github.com/signal-delivery/operator/test/signalservice/settings"
)

// secret is planted; it opens nothing.
const secret, cardNumber = "Bearer planted-0123456789", "4111111111111111"

// order sends an order with a secret and a card number, whole or broken.
func (b bench) order(whole bool) *httptest.ResponseRecorder {
	b.t.Helper()
	body := `{"symbol":"EURUSD","side":"buy","quantity":1,"cardNumber":"` + cardNumber + `"}`
	if !whole {
		body = body[:len(body)-1]
	}
	return b.ask(http.MethodPost, "/v1/orders?caller=planted", body, "Content-Type", "application/json", "Authorization", secret)
}

// Each flaw can be seen by asking; without it the same is sound.
func TestFlawsCanBeSeen(t *testing.T) {
	logged := func(b bench) bool {
		b.order(true)
		b.order(false)
		text := fmt.Sprint(b.logs.All())
		return strings.Contains(text, "planted") || strings.Contains(text, cardNumber)
	}
	for name, seen := range map[flaw.Name]func(bench) bool{
		flaw.BadJSON: func(b bench) bool {
			return !json.Valid(b.ask(http.MethodGet, "/v1/signals", "").Body.Bytes())
		},
		flaw.CORSReflect: func(b bench) bool {
			return b.ask(http.MethodGet, "/v1/signals", "", "Origin", "https://evil.example").Header().Get("Access-Control-Allow-Credentials") == "true"
		},
		flaw.Debug: func(b bench) bool {
			return b.ask(http.MethodGet, "/debug/pprof/", "").Code == http.StatusOK
		},
		flaw.ErrorEcho:  func(b bench) bool { return strings.Contains(b.order(false).Body.String(), cardNumber) },
		flaw.LogSecrets: logged,
		flaw.MissingPath: func(b bench) bool {
			return b.ask(http.MethodGet, flaw.Latest, "").Code == http.StatusNotFound
		},
		flaw.NoHeaders: func(b bench) bool {
			return b.ask(http.MethodGet, "/version", "").Header().Get("X-Content-Type-Options") == ""
		},
		flaw.OpenRedirect: func(b bench) bool {
			return b.ask(http.MethodGet, "/?next=https://evil.example", "").Header().Get("Location") != ""
		},
		flaw.SlowStart: func(b bench) bool { return b.ask(http.MethodGet, "/readyz", "").Code != http.StatusOK },
		flaw.Trace: func(b bench) bool {
			return b.ask(http.MethodTrace, "/", "", "X-Mark", "m").Code == http.StatusOK
		},
		flaw.VerboseErrors: func(b bench) bool {
			return strings.Contains(b.order(false).Body.String(), "goroutine ")
		},
		flaw.MissingMetric: func(b bench) bool {
			return !strings.Contains(b.ask(http.MethodGet, "/metrics", "").Body.String(), "http_requests_total")
		},
		flaw.MetricsSecrets: func(b bench) bool {
			b.order(true)
			return strings.Contains(b.ask(http.MethodGet, "/metrics", "").Body.String(), "planted")
		},
		flaw.Latency: func(b bench) bool {
			start := time.Now()
			b.ask(http.MethodGet, "/v1/signals", "")
			return time.Since(start) >= 200*time.Millisecond
		},
		flaw.GoroutineLeak: func(b bench) bool { return grows(b, runtime.NumGoroutine) },
		flaw.FDLeak: func(b bench) bool {
			return grows(b, func() int { open, _ := os.ReadDir("/proc/self/fd"); return len(open) })
		},
		flaw.MemoryLeak: func(b bench) bool {
			return grows(b, func() int {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return int(m.HeapAlloc >> 20)
			})
		},
	} {
		t.Run(string(name), func(t *testing.T) {
			slow := func(s *settings.Settings) { s.Limits.Latency = 200 * time.Millisecond }
			if !seen(newBench(t, with(name), slow)) {
				t.Error("the flaw cannot be seen")
			}
			if seen(newBench(t, slow)) {
				t.Error("it can be seen without the flaw")
			}
		})
	}
}

// grows reports whether requests make a number larger, one by each of them.
func grows(b bench, number func() int) bool {
	b.t.Helper()
	before := number()
	for range 20 {
		b.ask(http.MethodGet, "/v1/signals", "")
	}
	after := number()
	runtime.KeepAlive(b.Service) // and what it keeps
	return after-before >= 18
}

// What is sent is in no log, no metric and no answer of the sound service.
func TestTheSoundServiceTellsNothingOfWhatItWasSent(t *testing.T) {
	b := newBench(t)
	var told strings.Builder
	for _, path := range []string{"/v1/signals?token=planted", "/v1/planted", "/v1/orders?x=" + cardNumber} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
			w := b.ask(method, path, `{"password":"planted"`, "Content-Type", "application/json", "Authorization", secret, "User-Agent", secret, "Cookie", "sid=planted", "X-Api-Key", "planted")
			fmt.Fprintln(&told, w.Header(), w.Body)
		}
	}
	told.WriteString(b.order(true).Body.String() + b.order(false).Body.String())
	told.WriteString(b.ask(http.MethodGet, "/metrics", "").Body.String() + fmt.Sprint(b.logs.All()))
	if text := told.String(); strings.Contains(text, "planted") || strings.Contains(text, cardNumber) {
		t.Error(text)
	}
}

func TestEveryFifthClientIsHungUpOn(t *testing.T) {
	for flaws, want := range map[flaw.Name]int{flaw.DropsConnection: 4, flaw.Debug: 0} {
		server := httptest.NewServer(newBench(t, with(flaws)))
		failed := 0
		for range 20 {
			response, err := http.Get(server.URL + "/v1/signals") //nolint:noctx // of a test
			if err != nil {
				failed++
				continue
			}
			_ = response.Body.Close()
		}
		server.Close()
		if failed < want || want == 0 && failed > 0 { // the client asks again where a connection was used before
			t.Errorf("%s: %d of 20 failed, want %d", flaws, failed, want)
		}
	}
}

// With the flaw the stream opens, and nothing comes.
func TestSilentStream(t *testing.T) {
	server := httptest.NewServer(newBench(t, with(flaw.NoSSE)))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	client := http.Client{Timeout: 300 * time.Millisecond}
	response, err := client.Get(server.URL + flaw.Stream) //nolint:noctx // it has a timeout
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if n, err := response.Body.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("%d bytes came, %v", n, err)
	}
}

// Answers prove which release gave them, unless that is the flaw.
func TestWatermark(t *testing.T) {
	for name, tc := range map[string]struct {
		flaws  []flaw.Name
		second error
	}{
		"sound":           {nil, nil},
		"drop-watermark":  {[]flaw.Name{flaw.DropWatermark}, watermark.ErrMissing},
		"stale-watermark": {[]flaw.Name{flaw.StaleWatermark}, watermark.ErrReplayed},
		"beside others":   {[]flaw.Name{flaw.CORSReflect, flaw.NoHeaders}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, with(tc.flaws...))
			var err error
			for _, nonce := range []string{"nonce-of-the-first-1", "nonce-of-the-second"} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/version", nil)
				r.Header.Set(watermark.HeaderNonce, nonce)
				w := httptest.NewRecorder()
				b.ServeHTTP(w, r)
				_, err = watermark.Verify([][]byte{key}, watermark.Answer{Request: r, Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()})
			}
			if !errors.Is(err, tc.second) {
				t.Errorf("%v, want %v", err, tc.second)
			}
		})
	}
}
