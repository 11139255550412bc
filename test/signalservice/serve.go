package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/signal-delivery/operator/test/signalservice/flaw"
	"github.com/signal-delivery/operator/test/signalservice/settings"
	"github.com/signal-delivery/operator/test/signalservice/web"
)

// Timeouts for clients: nobody holds a connection by being slow.
const (
	headTimeout = 2 * time.Second
	readTimeout = 3 * time.Second
	idleTimeout = 2 * time.Minute
	stopTimeout = 20 * time.Second
)

// servers listen at the ports of a service.
type servers []*http.Server

func server(port string, handler http.Handler) *http.Server {
	return &http.Server{Addr: ":" + port, Handler: handler, ReadHeaderTimeout: headTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout}
}

func serversOf(s settings.Settings, svc *web.Service) (servers, error) {
	all := servers{server(s.Port, svc)}
	if s.MetricsPort != "" {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", svc.Metrics)
		all = append(all, server(s.MetricsPort, mux))
	}
	if s.TLSPort == "" {
		return all, nil
	}
	certificate, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate SIGNAL_TLS_CERT_FILE with SIGNAL_TLS_KEY_FILE: %w", err)
	}
	encrypted := server(s.TLSPort, svc)
	encrypted.TLSConfig = configOf(certificate, s.Flaws)
	return append(all, encrypted), nil
}

// configOf speaks TLS 1.2 or later, unless that is the flaw.
func configOf(certificate tls.Certificate, flaws flaw.Set) *tls.Config {
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if flaws[flaw.TLSOld] {
		config.MinVersion = tls.VersionTLS10 // that is the flaw
	}
	return config
}

// serve serves until the context ends, then drains.
func (all servers) serve(ctx context.Context, log *zap.Logger, svc *web.Service, delay time.Duration) error {
	failed := make(chan error, len(all))
	for _, one := range all {
		go func() {
			err := listen(one)
			failed <- fmt.Errorf("serve on port %s: %w", one.Addr[1:], err)
		}()
		log.Info("Serving", zap.String("port", one.Addr[1:]))
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("Draining", zap.Duration("delay", delay))
	return all.drain(svc, delay)
}

func listen(one *http.Server) error {
	if one.TLSConfig != nil {
		return one.ListenAndServeTLS("", "")
	}
	return one.ListenAndServe()
}

// drain turns readiness off, goes on serving until proxies have noticed, and
// lets requests in flight finish. Streams would not by themselves.
func (all servers) drain(svc *web.Service, delay time.Duration) error {
	svc.Drain()
	time.Sleep(delay)
	svc.EndStreams()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	for _, one := range all {
		if err := one.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("shut down: %w", err)
		}
	}
	return nil
}
