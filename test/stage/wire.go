package stage

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Call is one request to the API server.
type Call struct {
	Verb string // create, patch, apply, delete, get, list or watch
	Kind string // resource, with its subresource
	Name string
}

// Write reports whether the call changes something.
func (c Call) Write() bool { return c.Verb != "get" && c.Verb != "list" && c.Verb != "watch" }

// CallOf reads a request.
func CallOf(r *http.Request) Call {
	match := resourcePath.FindStringSubmatch(r.URL.Path)
	if match == nil {
		return Call{Verb: strings.ToLower(r.Method), Kind: r.URL.Path}
	}
	c := Call{Kind: match[1], Name: match[2]}
	if match[3] != "" {
		c.Kind += "/" + match[3]
	}
	switch r.Method {
	case http.MethodGet:
		c.Verb = "get"
		if c.Name == "" {
			c.Verb = "list"
		}
		if r.URL.Query().Get("watch") == "true" {
			c.Verb = "watch"
		}
	case http.MethodPost:
		c.Verb = "create"
	case http.MethodPatch:
		c.Verb = "patch"
		if strings.Contains(r.Header.Get("Content-Type"), "apply-patch") {
			c.Verb = "apply"
		}
	default:
		c.Verb = strings.ToLower(r.Method)
	}
	return c
}

// resourcePath is …/namespaces/NS/RESOURCE/NAME/SUBRESOURCE.
var resourcePath = regexp.MustCompile(`/(?:namespaces/[^/]+/)?([a-z]+)(?:/([^/]+))?(?:/([a-z]+))?$`)

// Ignored reports whether a call is none that counts: leases and events, and
// the watches and lists by which a cache is filled, and discovery.
func (c Call) Ignored() bool {
	return c.Kind == "leases" || c.Kind == "events" || c.Verb == "watch" || c.Verb == "list" ||
		strings.HasPrefix(c.Kind, "/") || c.Kind == "apis" || c.Kind == "api"
}

// Counter counts the calls of an operator.
type Counter struct {
	mu    sync.Mutex
	calls []Call
}

// Wrap is a transport that counts.
func (c *Counter) Wrap(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if call := CallOf(r); !call.Ignored() {
			c.mu.Lock()
			c.calls = append(c.calls, call)
			c.mu.Unlock()
		}
		return next.RoundTrip(r)
	})
}

// Reset forgets what was counted.
func (c *Counter) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// Calls are those since the last reset, in order.
func (c *Counter) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip sends a request.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
