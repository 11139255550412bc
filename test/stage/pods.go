package stage

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/signal-delivery/operator/test/stage/world"
)

// Pods serve what pods would at /metrics, by their addresses. Until something
// is set, they serve none.
type Pods struct {
	world  *world.World
	server *httptest.Server

	mu      sync.Mutex
	exposed map[world.Address]string
}

func newPods(w *world.World) *Pods {
	p := &Pods{world: w, exposed: map[world.Address]string{}}
	p.server = httptest.NewServer(p)
	return p
}

// Expose makes the pods of a release expose a text, or of every release of the
// namespace when the release is empty.
func (p *Pods) Expose(namespace, release, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exposed[world.Address{Namespace: namespace, Release: release}] = text
}

// ServeHTTP answers for the pod that was asked.
func (p *Pods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ip, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		ip = r.Host // of port 80
	}
	whose := p.world.At(ip)
	p.mu.Lock()
	text, has := p.exposed[whose]
	if !has {
		text, has = p.exposed[world.Address{Namespace: whose.Namespace}]
	}
	p.mu.Unlock()
	if !has {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = io.WriteString(w, text) // a scraper that hung up has no use for it
}

// dial leads to the server, whichever pod is asked.
func (p *Pods) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, p.server.Listener.Addr().String())
}
