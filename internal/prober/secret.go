package prober

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/signal-delivery/operator/internal/prober/secret"
	"github.com/signal-delivery/operator/internal/verdict"
)

// secret looks whether a mounted Secret has what is asked for.
func (p Prober) secret() (verdict.Answer, int, error) {
	var keys []string
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_SECRET_KEYS")), &keys); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_SECRET_KEYS: %w", err)
	}
	v, err := secret.Look(filepath.Join(p.Root, "secret"), keys)
	if err != nil {
		return verdict.Answer{}, Misused, err
	}
	return verdict.Answer{Verdicts: []verdict.Verdict{v}}, Decided, nil
}
