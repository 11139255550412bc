package web

import (
	"net/http"
	"slices"
	"strings"
)

// guarded sends what browsers go by, lets in origins of the list, and refuses
// paths that are not written as they should be.
func guarded(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		known := slices.Contains(origins, origin)
		if known {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		switch {
		case r.Method == http.MethodOptions && origin != "":
			if known {
				h.Set("Access-Control-Allow-Methods", "GET, POST")
				h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			}
			w.WriteHeader(http.StatusNoContent)
		case !normal(r.RequestURI):
			problem(w, http.StatusBadRequest, "the path is not normal")
		case r.Method == http.MethodPost && origin != "" && !known:
			problem(w, http.StatusForbidden, "this origin may not write")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func normal(uri string) bool {
	path, _, _ := strings.Cut(uri, "?")
	return !strings.Contains(path, "//") && !strings.Contains(path, "/.") && !strings.ContainsAny(path, `%;\`)
}
