package gatewayapi

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/traffic"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Read says what the routes say. A route that is not there takes no traffic;
// it is waited for, since it may be on its way.
func (r Router) Read(ctx context.Context, sd *v1alpha1.SignalDeployment, names []string) (traffic.Reading, error) {
	reading := traffic.Reading{Lowest: 100, Settled: true}
	said := make([]verdict.Verdict, 0, len(names))
	shared := false
	for _, name := range names {
		one, v, settled, err := r.say(ctx, sd, name)
		if err != nil {
			return traffic.Reading{}, err
		}
		said = append(said, verdict.Named(v, name))
		reading.Sibling = reading.Sibling || !one.resting()
		reading.Settled = reading.Settled && settled
		if len(one.rules) == 0 {
			reading.Lowest = 0
		}
		for _, percent := range one.shares() {
			shared = true
			reading.Weight, reading.Lowest = max(reading.Weight, percent), min(reading.Lowest, percent)
		}
	}
	if !shared {
		reading.Lowest = 0
	}
	reading.Settled = reading.Settled && reading.Weight == reading.Lowest
	reading.Verdict = sum(sd, said, shared)
	return reading, nil
}

// say is one route, what it amounts to, and whether its parents follow it. A
// route that cannot be driven may still be followed, so that turning back does
// not wait for its owner.
func (r Router) say(ctx context.Context, sd *v1alpha1.SignalDeployment, name string) (one route, v verdict.Verdict, settled bool, err error) {
	object, err := r.get(ctx, sd.Namespace, name)
	switch {
	case meta.IsNoMatchError(err):
		return one, wait(traffic.ReasonAPINotFound, "The cluster does not have HTTPRoutes: install the Gateway API, or remove spec.traffic.httpRoutes"), false, nil
	case apierrors.IsNotFound(err):
		return one, wait(traffic.ReasonRouteNotFound, "HTTPRoute %q does not exist: create it, or remove it from spec.traffic.httpRoutes", name), false, nil
	case err != nil:
		return one, v, false, err
	}
	one = newRoute(sd, object)
	v, err = one.accepted()
	settled = v.Outcome == verdict.Passed
	if fault := one.fault(splits(sd)); fault != nil {
		v = *fault
	}
	return one, v, settled, err
}

// sum is what the routes together amount to. Shared says that one of them
// gives the service traffic.
func sum(sd *v1alpha1.SignalDeployment, said []verdict.Verdict, shared bool) verdict.Verdict {
	all := verdict.All(verdict.Pass(v1alpha1.SignalRoute, traffic.ReasonNoRoutes, "No routes were named"), said...)
	switch {
	case len(said) == 0 || all.Outcome != verdict.Passed:
		return all
	case !shared:
		return wait(traffic.ReasonNoWeight, "Every backendRef to Service %q has weight 0, so that there is no traffic to move: give one a weight", servicesOf(sd).stable)
	}
	return verdict.Pass(v1alpha1.SignalRoute, traffic.ReasonAccepted, "Every route has been accepted as it is now")
}
