// The signal service is the sample that releases are shown with: an HTTP
// service that publishes trading signals and takes orders, with faults and
// flaws that the environment turns on.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/signal-delivery/operator/internal/watermark"
	"github.com/signal-delivery/operator/test/signalservice/fault"
	"github.com/signal-delivery/operator/test/signalservice/flaw"
	"github.com/signal-delivery/operator/test/signalservice/redact"
	"github.com/signal-delivery/operator/test/signalservice/settings"
	"github.com/signal-delivery/operator/test/signalservice/store"
	"github.com/signal-delivery/operator/test/signalservice/web"
)

func main() {
	unsafe := zap.Must(zap.NewProduction())
	log := unsafe.WithOptions(redact.Redacting())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx, log, unsafe)
	stop()
	if err != nil {
		log.Error("The service stopped", zap.Error(err))
		leave(log, err)
		os.Exit(1)
	}
}

// terminationLog is where Kubernetes finds why a container ended.
const terminationLog = "/dev/termination-log"

// leave leaves the reason where whoever looks at the pod sees it.
func leave(log *zap.Logger, why error) {
	if _, err := os.Stat(terminationLog); err != nil {
		return // not in a pod
	}
	if err := os.WriteFile(terminationLog, []byte(why.Error()), 0o600); err != nil {
		log.Error("The reason could not be left", zap.Error(err))
	}
}

// run serves until the context ends, then drains.
func run(ctx context.Context, log, unsafe *zap.Logger) error {
	s, err := settings.From(os.Getenv)
	if err != nil {
		return err
	}
	crash := func() {
		log.Error("Crashing as asked")
		leave(log, errors.New("a crash was asked for"))
		os.Exit(1)
	}
	if s.CrashAfter >= 0 {
		time.AfterFunc(s.CrashAfter, crash)
	}
	faults := fault.New(s.Faults, s.AfterTraffic, crash)
	registry := prometheus.NewRegistry()
	kept, err := store.Open(ctx, store.Options{
		Postgres: s.PostgresURL, Redis: s.RedisURL, PoolSize: s.PoolSize, Timeout: s.CallTimeout, Down: faults.Down, Metrics: registry,
		PoolLeak: s.Flaws[flaw.PoolLeak], BreakerStuck: s.Flaws[flaw.BreakerStuck],
	})
	if err != nil {
		return err
	}
	defer kept.Close()
	sign, err := watermark.FromEnv(os.Getenv)
	if err != nil {
		return fmt.Errorf("read the watermark's settings: %w", err)
	}
	svc := web.New(s, web.Needs{Store: kept, Faults: faults, Registry: registry, Log: log, Unsafe: unsafe, Sign: sign})
	publishing, stop := context.WithCancel(context.Background()) // what drains still needs news
	defer stop()
	go svc.Publish(publishing)
	servers, err := serversOf(s, svc)
	if err != nil {
		return err
	}
	return servers.serve(stopping(ctx, s.Flaws), log, svc, s.DrainDelay)
}

// stopping is when to stop serving: never, if that is the flaw.
func stopping(ctx context.Context, flaws flaw.Set) context.Context {
	if flaws[flaw.IgnoresSIGTERM] {
		return context.WithoutCancel(ctx)
	}
	return ctx
}
