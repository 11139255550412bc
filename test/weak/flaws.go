package weak

import (
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
)

var quiet = log.New(io.Discard, "", 0)

// Flaws are all weaknesses, by the number of the check that must see them.
func Flaws() map[string]Flaw {
	all := map[string]Flaw{}
	for _, some := range []map[string]Flaw{origins(), heads(), routes(), injected(), signedIn(), encrypted(), burdened()} {
		maps.Copy(all, some)
	}
	return all
}

// before lets something else answer; it reports whether it did.
func before(answer func(http.ResponseWriter, *http.Request) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !answer(w, r) {
				next.ServeHTTP(w, r)
			}
		}))
	}
}

// after changes what was answered.
func after(change func(*http.Request, *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			change(r, rec)
			maps.Copy(w.Header(), rec.Header())
			w.WriteHeader(rec.Code)
			w.Write(rec.Body.Bytes()) //nolint:errcheck // the tests see what is missing
		})
	}
}

// lets answers origins that it should not.
func lets(in func(origin string) bool, also ...int32) Flaw {
	return Flaw{Also: also, Wrap: after(func(r *http.Request, rec *httptest.ResponseRecorder) {
		if o := r.Header.Get("Origin"); o != "" && r.Method == http.MethodGet && in(o) {
			rec.Header().Set("Access-Control-Allow-Origin", o)
			rec.Header().Set("Access-Control-Allow-Credentials", "true")
		}
	})}
}

func pattern(text string, also ...int32) Flaw {
	return lets(regexp.MustCompile(text).MatchString, also...)
}

func origins() map[string]Flaw {
	preflight := func(name, value string) Flaw {
		return Flaw{Wrap: after(func(r *http.Request, rec *httptest.ResponseRecorder) {
			if r.Method == http.MethodOptions {
				rec.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
				rec.Header().Set(name, value)
			}
		})}
	}
	return map[string]Flaw{
		"1 reflects":    pattern(`.`, 2, 3, 4, 5, 6, 7, 8, 9, 10),
		"2 null":        pattern(`^null$`),
		"3 ends in":     pattern(`app\.example\.com$`, 8, 9),
		"4 begins with": pattern(`^https://app\.example\.com`, 7),
		"5 contains":    pattern(`app\.example\.com`, 3, 4, 7, 8, 9),
		"5 is part of":  lets(func(o string) bool { return strings.Contains(Host, strings.TrimPrefix(o, "https://")) }),
		"6 any letter":  pattern(`^https://app.example.com$`),
		"7 special":     pattern(`^https://app\.example\.com([^.a-z0-9-]|$)`),
		"8 subdomains":  pattern(`^https://([a-z]+\.)?app\.example\.com$`),
		"9 without TLS": pattern(`^https?://app\.example\.com$`),
		"10 localhost":  pattern(`^http://(localhost|127\.0\.0\.1)(:\d+)?$`),
		"10 codepen":    pattern(`^https://([a-z.]*)codepen\.io$`),
		"11 everyone": {Wrap: after(func(_ *http.Request, rec *httptest.ResponseRecorder) {
			rec.Header().Set("Access-Control-Allow-Origin", "*")
		})},
		"12 every verb":         preflight("Access-Control-Allow-Methods", "GET, PUT, DELETE"),
		"12 every header":       preflight("Access-Control-Allow-Headers", "X-Signal-Probe"),
		"13 without Vary":       {Wrap: after(func(_ *http.Request, rec *httptest.ResponseRecorder) { rec.Header().Del("Vary") })},
		"14 private network":    preflight("Access-Control-Allow-Private-Network", "true"),
		"15 without preflights": {Wrap: before(done("POST", "/v1/orders", "text/plain", `{"order":1}`))},
	}
}

// done answers requests of a verb, path and content type.
func done(method, path, media, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || r.URL.Path != path || media != "" && r.Header.Get("Content-Type") != media {
			return false
		}
		say(w, http.StatusOK, body)
		return true
	}
}

// without answers without a header; with, with another value.
func without(name string, also ...int32) Flaw { return with(name, "", also...) }

func with(name, value string, also ...int32) Flaw {
	return Flaw{Also: also, Wrap: after(func(_ *http.Request, rec *httptest.ResponseRecorder) {
		if rec.Header().Del(name); value != "" {
			rec.Header().Set(name, value)
		}
	})}
}

func heads() map[string]Flaw {
	cookie := func(lacks string) Flaw {
		return Flaw{Wrap: after(func(_ *http.Request, rec *httptest.ResponseRecorder) {
			if set := rec.Header().Get("Set-Cookie"); set != "" {
				rec.Header().Set("Set-Cookie", strings.ReplaceAll(set, lacks, ""))
			}
		})}
	}
	return map[string]Flaw{
		"16 none": without("Strict-Transport-Security"), "16 a day": with("Strict-Transport-Security", "max-age=86400"),
		"17 none": without("X-Content-Type-Options"),
		"18 none": without("Content-Security-Policy", 19), "18 any object": with("Content-Security-Policy", "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"),
		"18 any base":  with("Content-Security-Policy", "object-src 'none'; frame-ancestors 'none'"),
		"19 none":      with("Content-Security-Policy", "object-src 'none'; base-uri 'none'"),
		"20 none":      without("Referrer-Policy"),
		"20 unsafe":    with("Referrer-Policy", "unsafe-url"),
		"21 none":      without("Cross-Origin-Opener-Policy"),
		"21 unsafe":    with("Cross-Origin-Opener-Policy", "unsafe-none"),
		"22 none":      {Wrap: after(func(_ *http.Request, rec *httptest.ResponseRecorder) { rec.Header()["Content-Type"] = nil })},
		"22 charset":   with("Content-Type", "text/html"),
		"23 Server":    with("Server", "nginx/1.18.0"),
		"23 Powered":   with("X-Powered-By", "PHP/8.1"),
		"24 Secure":    cookie("; Secure"),
		"24 HttpOnly":  cookie("; HttpOnly"),
		"24 SameSite":  cookie("; SameSite=Strict"),
		"25 cacheable": with("Cache-Control", "max-age=60"),
	}
}

var multiplied = regexp.MustCompile(`(\d+)\*(\d+)`)
