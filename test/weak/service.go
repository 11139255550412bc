// Package weak is a service that is hardened, and then has the one weakness
// that it is told to have: what security checks are tested against. Only tests
// use it, and it is called over loopback alone.
package weak

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// What the hardened service knows.
const (
	Origin = "https://app.example.com"
	Host   = "app.example.com"
	UserA  = "Bearer user-a-of-the-tests"
	UserB  = "Bearer user-b-of-the-tests"
	// Tokens that were good once, or elsewhere.
	Expired       = "Bearer expired-of-the-tests"
	OtherAudience = "Bearer other-audience-of-the-tests"
)

// Spec is how the service is checked.
func Spec(change ...func(*v1alpha1.SecuritySpec)) v1alpha1.SecuritySpec {
	s := v1alpha1.SecuritySpec{
		Paths: []v1alpha1.ProbedPath{"/", "/v1/signals"}, AllowedOrigins: []v1alpha1.AllowedOrigin{Origin},
		ProtectedPaths: []v1alpha1.ProbedPath{"/v1/account"}, WritePaths: []v1alpha1.ProbedPath{"/v1/orders"},
		Users: &v1alpha1.SecurityUsers{
			SecretName: "probe-users", OwnedPath: "/v1/accounts/a", AdminPath: "/v1/admin", LoginPath: "/login",
		},
		Compare: v1alpha1.CompareStable, RequestBudget: 2000, RatePerSecond: 200, TimeoutSeconds: 300,
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

// Hardened is the service as it should be.
func Hardened() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET /v1/signals", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, `{"signals":[]}`) })
	mux.HandleFunc("GET /v1/account", only(UserA, UserB))
	mux.HandleFunc("GET /v1/accounts/a", only(UserA))
	mux.HandleFunc("GET /v1/admin", only())
	mux.HandleFunc("POST /v1/orders", order)
	mux.HandleFunc("POST /login", login())
	return guard(normal(mux))
}

// guard sends what browsers go by, and answers preflights.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Server", "signal")
		h.Add("Vary", "Origin")
		if r.Header.Get("Origin") == Origin {
			h.Set("Access-Control-Allow-Origin", Origin)
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		if r.Method == http.MethodOptions {
			if r.Header.Get("Origin") == Origin {
				h.Set("Access-Control-Allow-Methods", "GET, POST")
			}
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// normal refuses paths that are not written as they should be.
func normal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _, _ := strings.Cut(r.RequestURI, "?")
		if strings.Contains(raw, "//") || strings.Contains(raw, "/.") || strings.ContainsAny(raw, "%;\\") {
			say(w, http.StatusBadRequest, `{"error":"the path is not normal"}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// page is for people; it issues a session of its own to whoever has none.
func page(w http.ResponseWriter, _ *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "sid", Value: "issued-by-the-service", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, "<html><title>Signals</title></html>") //nolint:errcheck // the tests see what is missing
}

// only is for users.
func only(users ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		for _, user := range users {
			if r.Header.Get("Authorization") == user {
				say(w, http.StatusOK, `{"account":1}`)
				return
			}
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		say(w, http.StatusUnauthorized, `{"error":"sign in"}`)
	}
}

// order takes what it knows, of a limited size.
func order(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Amount int `json:"amount"`
	}
	switch origin := r.Header.Get("Origin"); {
	case origin != "" && origin != Origin:
		say(w, http.StatusForbidden, `{"error":"this origin may not"}`)
		return
	case r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Content-Encoding") != "":
		say(w, http.StatusUnsupportedMediaType, `{"error":"send application/json"}`)
		return
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 256<<10))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		say(w, http.StatusBadRequest, `{"error":"the body cannot be read"}`)
		return
	}
	say(w, http.StatusCreated, `{"order":1}`)
}

// login looks at five that fail.
func login() http.HandlerFunc {
	var mu sync.Mutex
	failed := 0
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if failed++; failed > 5 {
			say(w, http.StatusTooManyRequests, `{"error":"later"}`)
			return
		}
		say(w, http.StatusUnauthorized, `{"error":"sign in"}`)
	}
}

func say(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body) //nolint:errcheck // the tests see what is missing
}
