// The prober is what the Jobs of built-in checks run, and those that look at
// registries. Its answer is JSON in the termination message.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/internal/prober"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	log := zapr.NewLogger(zap.Must(zap.NewProduction()))
	code, err := run(logr.NewContext(ctx, log), os.Args[1:], os.Getenv)
	stop()
	if err != nil {
		log.Error(err, "Cannot probe")
	}
	os.Exit(code)
}

// run does what the arguments and the environment say, and writes the answer.
func run(ctx context.Context, args []string, getenv func(string) string) (int, error) {
	job := prober.Prober{Env: getenv, Root: "/signal", Clock: clock.RealClock{}}
	answer, code, err := job.Run(ctx, args)
	if err != nil {
		return code, err
	}
	path := getenv("SIGNAL_TERMINATION_LOG")
	if path == "" {
		path = "/dev/termination-log"
	}
	if err := os.WriteFile(path, answer.Encode(), 0o600); err != nil { //nolint:gosec // the Job says where its answer goes; the exit code says it, too
		logr.FromContextOrDiscard(ctx).Error(err, "Cannot write the answer", "path", path)
	}
	return code, nil
}
