package web

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
	"time"
)

// cut splits a route into its verb and its path.
func cut(route string) (verb, path string, ok bool) {
	verb, path, ok = strings.Cut(route, " ")
	return verb, strings.TrimSuffix(path, "{$}"), ok
}

// only is for users, who are known by their Authorization header.
func only(users ...string) func(http.ResponseWriter, *http.Request) int {
	return func(w http.ResponseWriter, r *http.Request) int {
		w.Header().Set("Cache-Control", "no-store")
		given := r.Header.Get("Authorization")
		for _, user := range users {
			if user != "" && subtle.ConstantTimeCompare([]byte(given), []byte(user)) == 1 {
				return write(w, http.StatusOK, map[string]int{"account": 1})
			}
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		return problem(w, http.StatusUnauthorized, "sign in")
	}
}

// Of logins, so many may fail in a while.
const (
	mostLogins  = 5
	loginPeriod = time.Minute
)

// login lets nobody in, and does not look at more than a few in a minute.
func login() func(http.ResponseWriter, *http.Request) int {
	var (
		mu     sync.Mutex
		since  time.Time
		failed int
	)
	return func(w http.ResponseWriter, _ *http.Request) int {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(since) > loginPeriod {
			since, failed = time.Now(), 0
		}
		if failed++; failed > mostLogins {
			w.Header().Set("Retry-After", "60")
			return problem(w, http.StatusTooManyRequests, "try again later")
		}
		return problem(w, http.StatusUnauthorized, "sign in")
	}
}
