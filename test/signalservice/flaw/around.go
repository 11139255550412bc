package flaw

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Paths that flaws are about.
const (
	Latest = "/v1/signals/latest"
	Stream = "/v1/signals/stream"
	orders = "/v1/orders"
)

// Limits of the flaws that have some.
type Limits struct {
	CrashRate int           // SIGNAL_CRASH_RATE: requests in one second that are one too many
	LeakBytes int           // SIGNAL_LEAK_BYTES: what each request keeps
	Latency   time.Duration // SIGNAL_LATENCY: what each request takes longer
}

// Around lays the flaws around a sound handler.
func (s Set) Around(next http.Handler, limits Limits, log *zap.Logger) http.Handler {
	around := map[Name]func(http.Handler) http.Handler{
		BadJSON: torn, CORSReflect: edited(reflect), Debug: exposed, DropsConnection: dropping(), ErrorEcho: echoing,
		LogSecrets: telling(log), MissingPath: missing, NoHeaders: edited(bare), NoSSE: silent,
		OpenRedirect: redirecting, Trace: tracing, VerboseErrors: verbose,
		CrashUnderLoad: crashing(limits.CrashRate, func() { log.Fatal("Crashing under load") }), MemoryLeak: keeping(limits.LeakBytes),
		GoroutineLeak: running, FDLeak: opening(), Latency: waiting(limits.Latency),
	}
	for _, name := range All() {
		if wrap := around[name]; s[name] && wrap != nil {
			next = wrap(next)
		}
	}
	return next
}

// before lets something else answer; it reports whether it did.
func before(answer func(http.ResponseWriter, *http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !answer(w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

// business reports whether a request is one of clients.
func business(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/") }

// head is a ResponseWriter whose header is edited before it is sent.
type head struct {
	http.ResponseWriter
	edit func()
	sent bool
}

func (h *head) WriteHeader(code int) {
	if !h.sent {
		h.edit()
	}
	h.sent = true
	h.ResponseWriter.WriteHeader(code)
}

func (h *head) Write(body []byte) (int, error) {
	if !h.sent {
		h.WriteHeader(http.StatusOK)
	}
	return h.ResponseWriter.Write(body)
}

// Unwrap is for http.ResponseController.
func (h *head) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func edited(edit func(*http.Request, http.Header)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&head{ResponseWriter: w, edit: func() { edit(r, w.Header()) }}, r)
		})
	}
}

func reflect(r *http.Request, h http.Header) {
	if origin := r.Header.Get("Origin"); origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

func bare(_ *http.Request, h http.Header) {
	for _, name := range []string{"Strict-Transport-Security", "X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy", "Cross-Origin-Opener-Policy"} {
		h.Del(name)
	}
}

func exposed(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.Handle("/", next)
	return mux
}

// dropping hangs up on every fifth client.
func dropping() func(http.Handler) http.Handler {
	var asked atomic.Int64
	return before(func(w http.ResponseWriter, r *http.Request) bool {
		if !business(r) || asked.Add(1)%5 != 0 {
			return false
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close() // that is the flaw
		}
		return err == nil
	})
}

// recorded lets an answer be changed as a whole; a stream is left alone.
func recorded(change func(*http.Request, []byte, *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == Stream {
				next.ServeHTTP(w, r)
				return
			}
			sent := body(r)
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			change(r, sent, answer)
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes()) // the client may be gone
		})
	}
}

// body is what was sent, which is there to be read again.
func body(r *http.Request) []byte {
	const most = 64 << 10
	start, _ := io.ReadAll(io.LimitReader(r.Body, most)) // what cannot be read is refused later
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), r.Body), r.Body}
	return start
}

// echoing repeats in its errors what was sent.
var echoing = recorded(func(r *http.Request, sent []byte, answer *httptest.ResponseRecorder) {
	if answer.Code < http.StatusBadRequest {
		return
	}
	answer.Header().Set("Content-Type", "application/json")
	answer.Body.Reset()
	_ = json.NewEncoder(answer.Body).Encode(map[string]any{ // a buffer takes all
		"error": "the request cannot be answered", "path": r.URL.Path, "query": r.URL.RawQuery, "headers": r.Header, "body": string(sent),
	})
})

// torn ends the JSON of signals too early.
var torn = recorded(func(r *http.Request, _ []byte, answer *httptest.ResponseRecorder) {
	if strings.HasPrefix(r.URL.Path, "/v1/signals") && answer.Code == http.StatusOK {
		answer.Body.Truncate(answer.Body.Len() / 2)
	}
})

// telling logs what it should not know.
func telling(log *zap.Logger) func(http.Handler) http.Handler {
	return before(func(_ http.ResponseWriter, r *http.Request) bool {
		log.Info("Request received", zap.String("path", r.URL.Path), zap.String("query", r.URL.RawQuery), zap.Any("headers", r.Header), zap.ByteString("body", body(r)))
		return false
	})
}

var missing = before(func(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == Latest {
		http.NotFound(w, r)
	}
	return r.URL.Path == Latest
})

// silent opens the stream and never says anything on it.
var silent = before(func(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != Stream {
		return false
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // the client may be gone
	<-r.Context().Done()
	return true
})

var redirecting = before(func(w http.ResponseWriter, r *http.Request) bool {
	next := r.URL.Query().Get("next")
	if next == "" || strings.ContainsAny(next, "\r\n") {
		return false
	}
	w.Header().Set("Location", next)
	w.WriteHeader(http.StatusFound)
	return true
})

var tracing = before(func(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodTrace {
		return false
	}
	w.Header().Set("Content-Type", "message/http")
	fmt.Fprintf(w, "%s %s %s\r\n", r.Method, r.RequestURI, r.Proto)
	_ = r.Header.Write(w) // the client may be gone
	return true
})

var verbose = before(func(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodPost || r.URL.Path != orders || json.Valid(body(r)) {
		return false
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write(debug.Stack()) // the client may be gone
	return true
})
