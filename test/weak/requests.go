package weak

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

func routes() map[string]Flaw {
	host := func(of func(*http.Request) string) Flaw {
		return Flaw{Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/signals" || of(r) == "" || r.Method != http.MethodGet {
				return false
			}
			say(w, http.StatusOK, `{"self":"https://`+of(r)+`/v1/signals"}`)
			return true
		})}
	}
	return map[string]Flaw{
		"26 TRACE": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodTrace {
				w.Header().Set("Content-Type", "message/http")
				r.Header.Write(w) //nolint:errcheck // the tests see what is missing
			}
			return r.Method == http.MethodTrace
		})},
		"27 any verb": {Wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "SIGNALPROBE" && r.URL.Path == "/v1/signals" {
					r.Method = http.MethodGet
				}
				next.ServeHTTP(w, r)
			})
		}},
		"28 override": {Wrap: overriding(http.MethodGet)}, "28 override of POST": {Wrap: overriding(http.MethodPost)},
		"29 HEAD":                 {Wrap: before(done("HEAD", "/v1/account", "", ""))},
		"29 any verb":             {Wrap: before(done("SIGNALPROBE", "/v1/account", "", "{}"))},
		"30 not normalised":       {Wrap: before(spelled(path.Clean))},
		"30 in capitals":          {Wrap: before(spelled(strings.ToLower))},
		"30 with a parameter":     {Wrap: before(spelled(func(p string) string { return strings.TrimSuffix(p, ";") }))},
		"31 Host":                 host(func(r *http.Request) string { return r.Host }),
		"31 X-Forwarded-Host":     host(func(r *http.Request) string { return r.Header.Get("X-Forwarded-Host") }),
		"31 Forwarded":            host(func(r *http.Request) string { return strings.TrimPrefix(r.Header.Get("Forwarded"), "host=") }),
		"32 repository":           file("/.git/HEAD", "ref: refs/heads/main\n"),
		"32 settings":             file("/.env", "DB_PASSWORD=of-the-tests\n"),
		"32 archive":              file("/backup.zip", "PK\x03\x04"),
		"32 dump":                 file("/dump.sql", "INSERT INTO users VALUES (1);"),
		"32 copy":                 file("/v1/signals.bak", "package main"),
		"33 listing":              file("/static/", "<title>Index of /static</title>"),
		"33 listing of Go":        file("/v1/", "<pre>\n<a href=\"a\">a</a>\n</pre>"),
		"34 pprof":                file("/debug/pprof/", "Types of profiles available:"),
		"34 metrics":              file("/metrics", "# TYPE up gauge\nup 1\n"),
		"34 actuator":             file("/actuator/env", `{"propertySources":[]}`),
		"34 OpenAPI":              file("/openapi.json", `{"openapi":"3.1.0"}`),
		"35 introspection":        file("/graphql", `{"data":{"__schema":{"queryType":{"name":"Query"}}}}`),
		"36 trace of malformed":   {Wrap: before(traced("POST", func(r *http.Request) bool { return !json.Valid(bodyOf(r)) }))},
		"36 trace of a long one":  {Wrap: before(traced("GET", func(r *http.Request) bool { return len(r.URL.RawQuery) > 4000 }))},
		"36 trace of a wrong one": {Wrap: before(traced("GET", func(r *http.Request) bool { return strings.Contains(r.URL.Query().Get("id"), "NaN") }))},
	}
}

// file is something that lies about.
func file(at, content string) Flaw {
	return Flaw{Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != at || r.Method == http.MethodOptions {
			return false
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, content) //nolint:errcheck // the tests see what is missing
		return true
	})}
}

func overriding(method string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if other := r.Header.Get("X-HTTP-Method-Override"); other != "" && r.Method == method {
				r.Method = other
			}
			next.ServeHTTP(w, r)
		})
	}
}

// spelled opens the protected path when it is written in another way.
func spelled(as func(string) string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/account" || as(r.URL.Path) != "/v1/account" || r.Method != http.MethodGet {
			return false
		}
		say(w, http.StatusOK, `{"account":1}`)
		return true
	}
}

func traced(method string, bad func(*http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || method == "POST" && r.URL.Path != "/v1/orders" || r.Header.Get("Origin") != "" || !bad(r) {
			return false
		}
		say(w, http.StatusInternalServerError, string(debug.Stack()))
		return true
	}
}

// bodyOf is what was sent, which is there to be read again.
func bodyOf(r *http.Request) []byte {
	text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(strings.NewReader(string(text)))
	return text
}

// given answers GET requests with what it makes of any of their parameters.
func given(media string, of func(values []string) string) Flaw {
	return Flaw{Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
		for _, values := range r.URL.Query() {
			if body := of(values); body != "" && r.Method == http.MethodGet {
				w.Header().Set("Content-Type", media)
				io.WriteString(w, body) //nolint:errcheck // the tests see what is missing
				return true
			}
		}
		return false
	})}
}

func injected() map[string]Flaw { //nolint:gocognit,funlen // a table: each weakness is small
	const html, text = "text/html; charset=utf-8", "text/plain; charset=utf-8"
	passwd := func(name string) string {
		content, _ := os.ReadFile(path.Clean("/srv/" + name))
		return string(content)
	}
	return map[string]Flaw{
		"37 parameter": given(text, func(values []string) string {
			if strings.HasPrefix(values[0], "../") {
				return passwd(values[0])
			}
			return ""
		}),
		"37 path": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/../") {
				return false
			}
			say(w, http.StatusOK, passwd(r.URL.Path))
			return true
		})},
		"38 next": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			next := r.URL.Query().Get("next")
			if w.Header().Set("Location", next); next == "" || strings.ContainsAny(next, "\r\n") {
				w.Header().Del("Location")
				return false
			}
			w.WriteHeader(http.StatusFound)
			return true
		})},
		"39 fetches":        {Wrap: before(fetches(func(r *http.Request) string { return r.URL.Query().Get("webhook") }))},
		"39 fetches a body": {Wrap: before(fetches(func(r *http.Request) string { return fieldOf(bodyOf(r), "callback") }))},
		"40 header": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			if _, injected, is := strings.Cut(r.URL.Query().Get("lang"), "\r\n"); is {
				name, value, _ := strings.Cut(injected, ": ")
				w.Header().Set(name, value)
			}
			return false
		})},
		"41 two lengths": {Lenient: true, Also: []int32{46, 56}},
		"42 page":        given(html, func(values []string) string { return only1(values, "signal-probe>") }),
		"42 error": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "<") {
				return false
			}
			w.Header().Set("Content-Type", html)
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, "<html>no "+r.URL.Path) //nolint:errcheck // it is a weakness
			return true
		})},
		"43 template": given(text, func(values []string) string {
			if sum := multiplied.FindStringSubmatch(values[0]); sum != nil {
				a, _ := strconv.Atoi(sum[1])
				b, _ := strconv.Atoi(sum[2])
				return strconv.Itoa(a * b)
			}
			return ""
		}),
		"44 joined": given(text, func(values []string) string {
			if len(values) > 1 {
				return strings.Join(values, ",")
			}
			return ""
		}),
		"45 privilege": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			role := fieldOf(bodyOf(r), "role")
			if role != "" {
				say(w, http.StatusCreated, fmt.Sprintf(`{"role":%q}`, role))
			}
			return role != ""
		})},
		"46 control characters": {Lenient: true, Also: []int32{41, 56}},
		"46 line break":         given(text, func(values []string) string { return only1(values, "signal-probe-line") }),
	}
}

// only1 is the first value when it has the mark.
func only1(values []string, mark string) string {
	if strings.Contains(values[0], mark) {
		return values[0]
	}
	return ""
}

func fieldOf(body []byte, name string) string {
	var fields map[string]any
	json.Unmarshal(body, &fields) //nolint:errcheck // no fields then
	text, _ := fields[name].(string)
	return text
}

// fetches calls what it is told to call, over loopback alone.
func fetches(what func(*http.Request) string) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		url := what(r)
		if !strings.HasPrefix(url, "http://127.0.0.1:") {
			return false
		}
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
		return false
	}
}
