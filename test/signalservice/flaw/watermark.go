package flaw

import (
	"maps"
	"net/http"
	"sync"
)

// marks are the headers of a watermark.
var marks = []string{"Content-Digest", "Signature", "Signature-Input"}

// Marked lays a watermark around a handler, unless that is the
// flaw or nothing signs.
func (s Set) Marked(sign func(http.Handler) http.Handler, next http.Handler) http.Handler {
	switch {
	case sign == nil, s[DropWatermark]:
		return next
	case s[StaleWatermark]:
		return stale(sign(next))
	}
	return sign(next)
}

// stale marks every answer with the first watermark that it has seen.
func stale(next http.Handler) http.Handler {
	var (
		mu    sync.Mutex
		first http.Header
	)
	return edited(func(_ *http.Request, h http.Header) {
		mu.Lock()
		defer mu.Unlock()
		if h.Get("Signature") == "" {
			return
		}
		if first == nil {
			first = http.Header{}
			for _, name := range marks {
				first[name] = h.Values(name)
			}
		}
		maps.Copy(h, first)
	})(next)
}
