// The signal service is the sample that releases are shown with: an HTTP
// service that publishes trading signals, with faults that the environment
// turns on.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/zap"
)

func main() {
	log := zap.Must(zap.NewProduction())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx, log)
	stop()
	if err != nil {
		log.Error("The service stopped", zap.Error(err))
		os.Exit(1)
	}
}

// run serves until the context ends, then drains.
func run(ctx context.Context, log *zap.Logger) error {
	settings, err := settingsFrom(os.Getenv)
	if err != nil {
		return err
	}
	if settings.crashAfter >= 0 {
		time.AfterFunc(settings.crashAfter, func() {
			log.Error("Crashing as asked", zap.Duration("after", settings.crashAfter))
			os.Exit(1)
		})
	}
	s := newService(settings)
	server := &http.Server{Addr: ":" + settings.port, Handler: s, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	log.Info("Serving", zap.String("port", settings.port), zap.String("version", settings.version))
	select {
	case err := <-failed:
		return fmt.Errorf("serve on port %s: %w", settings.port, err)
	case <-ctx.Done():
	}
	log.Info("Draining", zap.Duration("delay", settings.drainDelay))
	return drain(s, server, settings.drainDelay)
}

// drain turns readiness off, goes on serving until proxies have noticed, and
// lets requests in flight finish.
func drain(s *service, server *http.Server, delay time.Duration) error {
	s.draining.Store(true)
	time.Sleep(delay)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}
