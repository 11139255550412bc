package imageprobe

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

const (
	maxManifest  = 4 << 20 // bytes, as registries limit them
	maxRequests  = 4096    // of one set of options: a build pushes some hundreds of blobs
	maxLooks     = 64      // of one session: a ping, a token, and the manifests and configurations of four platforms
	maxRedirects = 10      // of one request
)

var (
	errPlain   = errors.New("plain http is for registries that the administrator has named")
	errCircles = errors.New("too many redirects, or requests for one image")
)

// guard is the transport of one session: its answers end, its redirects do not
// go in circles, and it speaks plain http to nobody but those named, though the
// library would to any private address.
type guard struct {
	next   http.RoundTripper
	plain  []string
	limit  int32 // of requests
	sent   atomic.Int32
	digest atomic.Value // what the header of the last manifest said
}

// RoundTrip passes on what is allowed.
func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "https" && !slices.Contains(g.plain, request.URL.Host) {
		return nil, errPlain
	}
	first, redirects := origin(request)
	if g.sent.Add(1) > g.limit || redirects > maxRedirects {
		return nil, errCircles
	}
	response, err := g.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	kind := asksFor(first)
	if kind == "manifests" {
		g.digest.Store(response.Header.Get("Docker-Content-Digest"))
	}
	if kind != "blobs" { // they are bounded where they are read
		response.Body = http.MaxBytesReader(nil, response.Body, maxManifest)
	}
	return response, nil
}

// said is the digest that the header of the last manifest gave, or "".
func (g *guard) said() string {
	digest, _ := g.digest.Load().(string)
	return digest
}

// origin is the request that was redirected to this one, and how often.
func origin(request *http.Request) (first *http.Request, redirects int) {
	for request.Response != nil && request.Response.Request != nil {
		request = request.Response.Request
		redirects++
	}
	return request, redirects
}

// asksFor is the kind of thing that a path of the registry's API names:
// /v2/<repository>/<kind>/<name>.
func asksFor(request *http.Request) string {
	parts := strings.Split(request.URL.Path, "/")
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2]
}
