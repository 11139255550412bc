package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/signal-delivery/operator/api/v1alpha1"
	proof "github.com/signal-delivery/operator/internal/prober/watermark"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/internal/watermark"
)

// reasonNoKey says that what the Job has mounted is no key.
const reasonNoKey = "WatermarkNoKey"

// watermark verifies who answers: the candidate itself, or with an entry
// whoever does there; with a weight, whether the traffic is split so. A Job
// that cannot tell may try again.
func (p Prober) watermark(ctx context.Context) (verdict.Answer, int, error) {
	var spec v1alpha1.WatermarkSpec
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_WATERMARK")), &spec); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_WATERMARK: %w", err)
	}
	probe := proof.Probe{
		Clock: p.Clock, Client: proof.NewClient(p.Env("SIGNAL_ENTRY_ADDRESS")), URL: p.Env("SIGNAL_ENTRY_URL"), Host: p.Env("SIGNAL_HOST"),
		Candidate: p.Env("SIGNAL_RELEASE"), Stable: p.Env("SIGNAL_STABLE_RELEASE"), ID: p.Env("SIGNAL_RELEASE_ID"),
	}
	if probe.URL == "" {
		probe.URL = p.Env("SIGNAL_TARGET")
	}
	if probe.URL == "" || probe.Candidate == "" {
		return verdict.Answer{}, Misused, errors.New("SIGNAL_TARGET and SIGNAL_ENTRY_URL are empty, or SIGNAL_RELEASE is")
	}
	probe.URL += spec.Path
	var problem error
	if probe.Keys, problem = p.keys(); problem != nil {
		v := verdict.Fail(v1alpha1.SignalWatermark, reasonNoKey, "Secret %q of spec.checks.watermark cannot be used: %s", spec.SecretName, problem)
		return verdict.Answer{Verdicts: []verdict.Verdict{v}}, Decided, nil
	}
	v, err := p.proven(ctx, probe, spec)
	switch {
	case err != nil:
		return verdict.Answer{}, Misused, err
	case v.Outcome == verdict.Unknown:
		return verdict.Answer{Verdicts: []verdict.Verdict{v}}, Failed, nil
	}
	return verdict.Answer{Verdicts: []verdict.Verdict{v}}, Decided, nil
}

// proven is the check or the measurement that the environment asks for.
func (p Prober) proven(ctx context.Context, probe proof.Probe, spec v1alpha1.WatermarkSpec) (verdict.Verdict, error) {
	text := p.Env("SIGNAL_WEIGHT")
	if text == "" {
		return probe.Check(ctx, int(spec.Requests)), nil
	}
	weight, err := strconv.ParseInt(text, 10, 32)
	if err != nil || weight < 0 || weight > 100 {
		return verdict.Verdict{}, fmt.Errorf("SIGNAL_WEIGHT: %q is no percentage", text)
	}
	return probe.Split(ctx, int(spec.SplitRequests), int32(weight)), nil
}

// keys are what the Secret has: the key, and the one that it replaces.
func (p Prober) keys() ([][]byte, error) {
	var keys [][]byte
	for _, name := range []string{"key", "previous"} {
		text, err := read(filepath.Join(p.Root, "watermark", name))
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", name, err)
		}
		if text == nil && name == "previous" {
			continue
		}
		key, err := watermark.Key(text)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
