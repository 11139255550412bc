package security

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/signal-delivery/operator/internal/prober/security/catalogue"
)

// setTrap listens where nobody calls but a service that was led astray. It is
// none where the Job does not know its address.
func setTrap(clock Clock, ip string) (catalogue.Trap, func()) {
	if ip == "" {
		return catalogue.Trap{}, func() {}
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, "0")) //nolint:noctx // it is closed when the checks are over
	if err != nil {
		return catalogue.Trap{}, func() {}
	}
	var (
		mu   sync.Mutex
		once sync.Once
	)
	called := map[string]bool{}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if len(called) < 256 { // more than there are lures
			called[strings.TrimPrefix(r.URL.Path, "/")] = true
		}
		w.WriteHeader(http.StatusNoContent)
	})}
	go server.Serve(listener) //nolint:errcheck // it ends when it is closed
	return catalogue.Trap{URL: "http://" + listener.Addr().String(), Hit: func(mark string) bool {
		once.Do(func() { <-clock.After(settling) })
		mu.Lock()
		defer mu.Unlock()
		return called[mark]
	}}, func() { server.Close() } //nolint:errcheck,gosec // nobody waits for it
}
