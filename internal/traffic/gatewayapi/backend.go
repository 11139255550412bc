package gatewayapi

import (
	"maps"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// services are the two Services that traffic is split between.
type services struct{ namespace, stable, canary string }

func servicesOf(sd *v1alpha1.SignalDeployment) services {
	return services{sd.Namespace, release.StableName(sd.Name), release.CanaryName(sd.Name)}
}

// role is what a backendRef is to us.
type role int

const (
	foreign role = iota
	stable
	canary
)

// role of a backendRef, which may be anything that the API lets through.
func (s services) role(ref any) role {
	fields, ok := ref.(map[string]any)
	if !ok || !is(fields["group"], "") || !is(fields["kind"], "Service") || !is(fields["namespace"], s.namespace) {
		return foreign
	}
	switch fields["name"] {
	case s.stable:
		return stable
	case s.canary:
		return canary
	}
	return foreign
}

// is reports whether a field has the value that it has by default.
func is(field any, byDefault string) bool { return field == nil || field == byDefault }

// weightOf is the weight of a backendRef, 1 by default.
func weightOf(ref any) int64 {
	if weight := explicit(ref); weight != nil {
		return *weight
	}
	return 1
}

// explicit is the weight that a backendRef has of its own, or nil.
func explicit(ref any) *int64 {
	fields, ok := ref.(map[string]any)
	if !ok {
		return nil
	}
	switch weight := fields["weight"].(type) {
	case int64:
		return &weight
	case float64:
		whole := int64(weight)
		return &whole
	}
	return nil
}

// weighted is a copy of a backendRef with a weight, or without one.
func weighted(ref any, weight *int64) map[string]any {
	fields, ok := ref.(map[string]any)
	if !ok {
		return nil
	}
	out := maps.Clone(fields)
	delete(out, "weight")
	if weight != nil {
		out["weight"] = *weight
	}
	return out
}

// sibling is a deep copy of a backendRef that names the canary Service.
func (s services) sibling(ref any, weight int64) map[string]any {
	out := runtime.DeepCopyJSON(weighted(ref, &weight))
	out["name"] = s.canary
	return out
}
