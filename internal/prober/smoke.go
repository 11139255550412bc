package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/signal-delivery/operator/api/v1alpha1"
	httpprobe "github.com/signal-delivery/operator/internal/prober/http"
	grpcprobe "github.com/signal-delivery/operator/internal/prober/http/grpc"
	"github.com/signal-delivery/operator/internal/prober/http/target"
	"github.com/signal-delivery/operator/internal/verdict"
)

// http sends requests to a candidate.
func (p Prober) http(ctx context.Context) (verdict.Answer, int, error) {
	var check v1alpha1.HTTPCheck
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_HTTP_CHECK")), &check); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_HTTP_CHECK: %w", err)
	}
	to, err := p.target()
	if err != nil {
		return verdict.Answer{}, Misused, err
	}
	if len(check.Requests) == 0 {
		return verdict.Answer{}, Misused, errors.New("SIGNAL_HTTP_CHECK has no requests")
	}
	return decided(httpprobe.Probe{Clock: p.Clock, Target: to}.Run(ctx, check)...)
}

// grpc asks for a candidate's health.
func (p Prober) grpc(ctx context.Context) (verdict.Answer, int, error) {
	var check v1alpha1.GRPCCheck
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_GRPC_CHECK")), &check); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_GRPC_CHECK: %w", err)
	}
	to, err := p.target()
	if err != nil {
		return verdict.Answer{}, Misused, err
	}
	return decided(grpcprobe.Probe{Clock: p.Clock, Target: to}.Run(ctx, check))
}

// decided is the answer of a smoke check; the first that fails is the last.
func decided(verdicts ...verdict.Verdict) (verdict.Answer, int, error) {
	answer := verdict.Answer{Verdicts: verdicts}
	if verdicts[len(verdicts)-1].Outcome != verdict.Passed {
		return answer, Failed, nil
	}
	return answer, Decided, nil
}

// target is where the candidate is, and how it is spoken to.
func (p Prober) target() (target.Target, error) {
	to := target.Target{URL: p.Env("SIGNAL_TARGET"), Host: p.Env("SIGNAL_HOST"), Address: p.Env("SIGNAL_ADDRESS"), Lead: target.Leading(p.Env("SIGNAL_HEADER"))}
	if to.URL == "" {
		return target.Target{}, errors.New("SIGNAL_TARGET is empty")
	}
	text := p.Env("SIGNAL_TLS")
	if text == "" {
		return to, nil
	}
	var spec v1alpha1.CheckTLS
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return target.Target{}, fmt.Errorf("decode SIGNAL_TLS: %w", err)
	}
	var authorities []byte
	if spec.CAConfigMapName != "" {
		var err error
		if authorities, err = read(filepath.Join(p.Root, "authority", "ca.crt")); err != nil {
			return target.Target{}, fmt.Errorf("read ca.crt of ConfigMap %s: %w", spec.CAConfigMapName, err)
		}
		if len(authorities) == 0 {
			return target.Target{}, fmt.Errorf("ConfigMap %s has no key ca.crt, or it is empty", spec.CAConfigMapName)
		}
	}
	trust, err := target.Trusting(spec.ServerName, authorities)
	if err != nil {
		return target.Target{}, fmt.Errorf("ConfigMap %s: %w", spec.CAConfigMapName, err)
	}
	to.TLS = trust
	return to, nil
}
