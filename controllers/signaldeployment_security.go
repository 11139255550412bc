package controllers

import (
	"context"
	"fmt"
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/check"
	"github.com/signal-delivery/operator/internal/prober/security"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
)

// startSecurity starts the security checks once for each attempt, beside the
// smoke checks.
func (r *SignalDeploymentReconciler) startSecurity(ctx context.Context, sd *v1alpha1.SignalDeployment, d rollout.Decision, w *world) error {
	sides := check.Sides{Canary: w.services.Address, Host: release.StableName(sd.Name) + "." + sd.Namespace + ".svc"}
	if stable := d.Next.Stable; stable != nil && stable.Hash != d.Next.Candidate.Hash {
		sides.Stable = w.services.StableAddress
	}
	return check.EnsureSecurity(ctx, r, sd, *d.Next.Candidate, sides, r.ProberImage)
}

// securityProblem is the first problem of the security checks that the schema
// cannot see.
func securityProblem(sd *v1alpha1.SignalDeployment) error {
	spec := sd.Spec.Checks.Security
	if spec == nil {
		return nil
	}
	ports := map[string]string{"port": spec.Port}
	if spec.TLS != nil {
		ports["tls.port"] = spec.TLS.Port
	}
	for _, field := range []string{"port", "tls.port"} {
		port := ports[field]
		known := slices.ContainsFunc(sd.Spec.Service.Ports, func(p v1alpha1.ServicePort) bool { return p.Name == port })
		if port != "" && !known {
			return fmt.Errorf("spec.checks.security.%s: spec.service.ports has no port named %q", field, port)
		}
	}
	if err := security.Validate(*spec); err != nil {
		return fmt.Errorf("spec.checks.security.%w", err)
	}
	return nil
}
