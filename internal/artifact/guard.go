package artifact

import (
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
)

var (
	errPlain   = errors.New("plain http is for registries that the administrator has named")
	errCircles = errors.New("too many requests for one manifest")
)

// guard is the transport of one resolution: its answers end, its redirects do
// not go in circles, and it speaks plain http to nobody but those named, though
// the library would to any private address.
type guard struct {
	next   http.RoundTripper
	plain  []string
	sent   atomic.Int32
	digest atomic.Value // what the last answer's header said
}

// RoundTrip passes on what is allowed.
func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "https" && !slices.Contains(g.plain, request.URL.Host) {
		return nil, errPlain
	}
	if g.sent.Add(1) > maxRequests {
		return nil, errCircles
	}
	response, err := g.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	g.digest.Store(response.Header.Get("Docker-Content-Digest"))
	response.Body = http.MaxBytesReader(nil, response.Body, maxManifest)
	return response, nil
}

// said is the digest that the last answer's header gave, or "".
func (g *guard) said() string {
	digest, _ := g.digest.Load().(string)
	return digest
}
