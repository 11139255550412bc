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

// maxAnswer is how much of a termination message kubelet keeps, in bytes.
const maxAnswer = 4096

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	log := zapr.NewLogger(zap.Must(zap.NewProduction()))
	code, err := run(ctx, log, os.Args[1:], os.Getenv)
	stop()
	if err != nil {
		log.Error(err, "Cannot probe")
	}
	os.Exit(code)
}

// run probes as the environment says and writes the answer.
func run(ctx context.Context, log logr.Logger, args []string, getenv func(string) string) (int, error) {
	if len(args) != 1 || args[0] != "http" {
		return misused, errors.New("usage: prober http")
	}
	var check v1alpha1.HTTPCheck
	if err := json.Unmarshal([]byte(getenv("SIGNAL_HTTP_CHECK")), &check); err != nil {
		return misused, fmt.Errorf("decode SIGNAL_HTTP_CHECK: %w", err)
	}
	probe := httpprobe.Probe{
		Client: httpprobe.NewClient(), Clock: clock.RealClock{},
		Target: httpprobe.Target{URL: getenv("SIGNAL_TARGET"), Host: getenv("SIGNAL_HOST")},
	}
	verdicts := probe.Run(ctx, check)
	code := passed
	for _, v := range verdicts {
		log.Info("Probed", "request", v.Evidence.Query, "outcome", v.Outcome, "reason", v.Reason, "took", v.Evidence.Window)
		if v.Outcome != verdict.Passed {
			code = failed
		}
	}
	path := getenv("SIGNAL_TERMINATION_LOG")
	if path == "" {
		path = "/dev/termination-log"
	}
	if err := os.WriteFile(path, encode(verdicts), 0o600); err != nil {
		return misused, fmt.Errorf("write the answer: %w", err)
	}
	return code, nil
}

// encode is the verdicts as JSON that fits: the last, which decided, stays.
func encode(verdicts []verdict.Verdict) []byte {
	for ; ; verdicts = verdicts[1:] {
		text, err := json.Marshal(verdicts)
		if err == nil && len(text) <= maxAnswer || len(verdicts) == 0 {
			return text
		}
		if len(verdicts) == 1 {
			v := verdicts[0]
			v.Message, v.Evidence = verdict.Clip(v.Message, 1024), nil
			text, _ = json.Marshal([]verdict.Verdict{v}) // strings always encode
			return text
		}
	}
}
