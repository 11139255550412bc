package check

import (
	"fmt"
	"net"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// Entry tells a Job where clients reach the service; nothing where
// spec.traffic.entry does not say.
func Entry(sd *v1alpha1.SignalDeployment) []corev1.EnvVar {
	entry := sd.Spec.Traffic.Entry
	if entry == nil {
		return nil
	}
	return []corev1.EnvVar{
		{Name: "SIGNAL_ENTRY_URL", Value: entry.URL},
		{Name: "SIGNAL_ENTRY_ADDRESS", Value: entry.Address},
	}
}

// by tells a check how it goes the way of clients; at stage Gateway with the
// header that leads to the candidate.
func by(entry *v1alpha1.TrafficEntry, stage v1alpha1.CheckStage, rel v1alpha1.Release) []corev1.EnvVar {
	var env []corev1.EnvVar
	if entry.Address != "" {
		env = append(env, corev1.EnvVar{Name: "SIGNAL_ADDRESS", Value: entry.Address})
	}
	if stage == v1alpha1.StageGateway {
		env = append(env, corev1.EnvVar{Name: "SIGNAL_HEADER", Value: v1alpha1.HeaderRelease + ": " + rel.Hash})
	}
	return env
}

// hostOf is the host that clients ask for.
func hostOf(entry *v1alpha1.TrafficEntry) string {
	_, host, _ := strings.Cut(entry.URL, "://")
	return host
}

// dialledAt is what is dialled to enter, as host:port, and whether TLS is spoken
// there.
func dialledAt(entry *v1alpha1.TrafficEntry) (address string, secure bool) {
	secure = strings.HasPrefix(entry.URL, "https://")
	host, port := hostOf(entry), "80"
	if secure {
		port = "443"
	}
	switch {
	case entry.Address != "":
		return entry.Address, secure
	case strings.Contains(host, ":"):
		return host, secure
	}
	return net.JoinHostPort(host, port), secure
}

// fronted is how TLS is verified in front of the Gateway: by the name that
// clients ask for.
func fronted(tls *v1alpha1.CheckTLS) *v1alpha1.CheckTLS {
	if tls == nil {
		return nil
	}
	return &v1alpha1.CheckTLS{CAConfigMapName: tls.CAConfigMapName}
}

// at is the check as it is known at a stage: people must see which one failed.
// No check has a name like that.
func at(check v1alpha1.SmokeCheck, stage v1alpha1.CheckStage) v1alpha1.SmokeCheck {
	if stage != v1alpha1.StageCandidate {
		check.Name = labelAt(check.Name, stage)
	}
	return check
}

// labelAt is a check's name at a stage, as a label can have it.
func labelAt(check string, stage v1alpha1.CheckStage) string {
	if stage == v1alpha1.StageCandidate {
		return check
	}
	return check + "." + string(stage)
}

// Validate finds the first stage that a check cannot be run at, and names its
// field.
func Validate(sd *v1alpha1.SignalDeployment) error {
	for i, check := range sd.Spec.Checks.Smoke {
		if !slices.Contains(release.Stages(check), v1alpha1.StageGateway) {
			continue
		}
		field := fmt.Sprintf("spec.checks.smoke[%d].stages (check %q)", i, check.Name)
		switch {
		case sd.Spec.Traffic.Entry == nil:
			return fmt.Errorf("%s: Gateway needs to know where clients reach the service: set spec.traffic.entry, or remove the stage", field)
		case len(sd.Spec.Traffic.HTTPRoutes) == 0:
			return fmt.Errorf("%s: Gateway needs a route to go by: name one in spec.traffic.httpRoutes, or remove the stage", field)
		}
	}
	return nil
}
