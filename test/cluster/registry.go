package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// GuardedRegistry is the cluster's registry behind a door: it asks for a
// password, and misbehaves where it is told to. It listens on this machine only.
type GuardedRegistry struct {
	Address        string
	User, Password string

	server *http.Server
	mu     sync.Mutex
	faults map[string]http.HandlerFunc // by repository
}

// Guard opens the door. The address is one that nodes speak plain HTTP to.
func (c *Cluster) Guard(ctx context.Context) (*GuardedRegistry, error) {
	behind, err := url.Parse("http://" + c.Registry)
	if err != nil {
		return nil, fmt.Errorf("read the registry's address: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.TestRegistry)
	if err != nil {
		return nil, fmt.Errorf("listen as a registry that asks for a password: %w", err)
	}
	g := &GuardedRegistry{Address: c.TestRegistry, User: "robot", Password: "let-me-in", faults: map[string]http.HandlerFunc{}}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	g.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := g.fault(r.URL.Path); fault != nil {
			fault(w, r)
			return
		}
		if user, password, ok := r.BasicAuth(); !ok || user != g.User || password != g.Password {
			w.Header().Set("WWW-Authenticate", `Basic realm="guarded"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	})}
	go func() { _ = g.server.Serve(listener) }() // it ends when it is closed
	return g, nil
}

// Misbehave answers for a repository instead of the registry; nil stops it.
func (g *GuardedRegistry) Misbehave(repository string, fault http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults[repository] = fault
}

func (g *GuardedRegistry) fault(path string) http.HandlerFunc {
	g.mu.Lock()
	defer g.mu.Unlock()
	for repository, fault := range g.faults {
		if strings.HasPrefix(path, "/v2/"+repository+"/") {
			return fault
		}
	}
	return nil
}

// Close shuts the door.
func (g *GuardedRegistry) Close() error {
	if err := g.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("close the guarded registry: %w", err)
	}
	return nil
}
