package controllers

import (
	"errors"
	"fmt"
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/http/scenario"
)

// smokeProblem is the first problem of the smoke checks that the schema cannot
// see.
func smokeProblem(sd *v1alpha1.SignalDeployment) error {
	for i, check := range sd.Spec.Checks.Smoke {
		if err := checkProblem(sd, check); err != nil {
			return fmt.Errorf("spec.checks.smoke[%d] (check %q): %w", i, check.Name, err)
		}
	}
	return stageProblem(sd)
}

func checkProblem(sd *v1alpha1.SignalDeployment, check v1alpha1.SmokeCheck) error {
	switch {
	case check.HTTP != nil:
		if err := portProblem(sd, "http", check.HTTP.Port); err != nil {
			return err
		}
		return scenario.Validate(*check.HTTP)
	case check.GRPC != nil:
		return portProblem(sd, "grpc", check.GRPC.Port)
	case check.TLS != nil:
		return errors.New("tls: is for http and grpc: give an image of your own its certificates itself")
	}
	return nil
}

func portProblem(sd *v1alpha1.SignalDeployment, kind, port string) error {
	known := slices.ContainsFunc(sd.Spec.Service.Ports, func(p v1alpha1.ServicePort) bool { return p.Name == port })
	if port != "" && !known {
		return fmt.Errorf("%s.port: spec.service.ports has no port named %q", kind, port)
	}
	return nil
}
