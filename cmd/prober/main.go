// The prober is what the Jobs of built-in checks run. Its answer is verdicts as
// JSON in the termination message; its exit code says whether all passed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/api/v1alpha1"
	httpprobe "github.com/signal-delivery/operator/internal/prober/http"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Exit codes.
const (
	passed = iota
	failed
	misused
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

// run probes as the environment says and writes the answer.
func run(ctx context.Context, args []string, getenv func(string) string) (int, error) {
	if len(args) != 1 || args[0] != "http" {
		return misused, errors.New("usage: prober http")
	}
	var check v1alpha1.HTTPCheck
	if err := json.Unmarshal([]byte(getenv("SIGNAL_HTTP_CHECK")), &check); err != nil {
		return misused, fmt.Errorf("decode SIGNAL_HTTP_CHECK: %w", err)
	}
	target := httpprobe.Target{URL: getenv("SIGNAL_TARGET"), Host: getenv("SIGNAL_HOST")}
	if target.URL == "" || len(check.Requests) == 0 {
		return misused, errors.New("SIGNAL_TARGET is empty, or SIGNAL_HTTP_CHECK has no requests")
	}
	if text := getenv("SIGNAL_TIMEOUT"); text != "" {
		timeout, err := time.ParseDuration(text)
		if err != nil {
			return misused, fmt.Errorf("decode SIGNAL_TIMEOUT: %w", err)
		}
		limited, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = limited
	}
	probe := httpprobe.Probe{Client: httpprobe.NewClient(), Clock: clock.RealClock{}, Target: target}
	verdicts := probe.Run(ctx, check)
	path := getenv("SIGNAL_TERMINATION_LOG")
	if path == "" {
		path = "/dev/termination-log"
	}
	if err := os.WriteFile(path, httpprobe.Encode(verdicts), 0o600); err != nil { // the exit code still says it
		logr.FromContextOrDiscard(ctx).Error(err, "Cannot write the answer", "path", path)
	}
	if verdicts[len(verdicts)-1].Outcome != verdict.Passed { // the first that fails is the last
		return failed, nil
	}
	return passed, nil
}
