package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/signal-delivery/operator/internal/prober/grafana"
	"github.com/signal-delivery/operator/internal/verdict"
)

// grafana sends a dashboard to Grafana, or looks for it there.
func (p Prober) grafana(ctx context.Context, do func(grafana.Task, context.Context) verdict.Verdict) (verdict.Answer, int, error) {
	t := grafana.Task{
		Client: grafana.NewClient(), Clock: p.Clock, UID: p.Env("SIGNAL_UID"), Content: p.Env("SIGNAL_CONTENT"), Namespace: p.Env("SIGNAL_NAMESPACE"),
	}
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_DASHBOARD")), &t.Spec); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_DASHBOARD: %w", err)
	}
	if t.Spec.API == nil || t.UID == "" || t.Content == "" {
		return verdict.Answer{}, Misused, errors.New("SIGNAL_DASHBOARD has no api, or SIGNAL_UID or SIGNAL_CONTENT is empty")
	}
	token, err := read(filepath.Join(p.Root, "grafana", "token"))
	if err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("read the token: %w", err)
	}
	t.Token = strings.TrimSpace(string(token))
	if t.JSON, err = read(filepath.Join(p.Root, "dashboard", t.UID+".json")); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("read the dashboard: %w", err)
	}
	v := do(t, ctx)
	if v.Outcome == verdict.Unknown {
		return verdict.Answer{Verdicts: []verdict.Verdict{v}}, Failed, nil
	}
	return verdict.Answer{Verdicts: []verdict.Verdict{v}}, Decided, nil
}

// read is a file that is mounted, or nothing where it is not there.
func read(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the Job says what is mounted where
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
