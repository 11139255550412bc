package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/load"
	"github.com/signal-delivery/operator/internal/verdict"
)

// endedFile appears below the root when the release has ended: it is the
// report of the attempt.
const endedFile = "ended/report.json"

// load sends synthetic requests to both sides of a release. Whatever became of
// them, the Job is not tried again.
func (p Prober) load(ctx context.Context) (verdict.Answer, int, error) {
	var spec v1alpha1.BackgroundLoad
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_LOAD")), &spec); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_LOAD: %w", err)
	}
	lasts, err := time.ParseDuration(p.Env("SIGNAL_LASTS"))
	if err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_LASTS: %w", err)
	}
	sender := load.Load{
		Clock: p.Clock, Canary: p.Env("SIGNAL_TARGET"), Stable: p.Env("SIGNAL_STABLE"), Host: p.Env("SIGNAL_HOST"),
		Release: p.Env("SIGNAL_RELEASE_ID"), Lasts: lasts, Over: p.ended,
	}
	if sender.Canary == "" || len(spec.Requests) == 0 {
		return verdict.Answer{}, Misused, errors.New("SIGNAL_TARGET is empty, or SIGNAL_LOAD has no requests")
	}
	v := sender.Run(ctx, spec)
	logr.FromContextOrDiscard(ctx).Info("Sent", "outcome", v.Outcome, "reason", v.Reason, "candidate", v.Evidence.Value, "stable", v.Evidence.Baseline, "lasted", v.Evidence.Window)
	return verdict.Answer{Verdicts: []verdict.Verdict{v}}, Decided, nil
}

// ended reports whether the report of the attempt is there.
func (p Prober) ended() bool {
	_, err := os.Stat(filepath.Join(p.Root, endedFile))
	return err == nil
}
