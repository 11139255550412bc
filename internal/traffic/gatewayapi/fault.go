package gatewayapi

import (
	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/traffic"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxBackends is the API's bound on the backendRefs of a rule.
const maxBackends = 16

// fault is why a route cannot be driven until its owner changes it, or
// nothing. A weight need only be divisible when the traffic is to be split.
func (r route) fault(splits bool) *verdict.Verdict {
	if v := r.unnamed(); v != nil {
		return v
	}
	if there, _ := r.sibling(); there && !r.marked {
		v := fail(traffic.ReasonCanaryInRoute, "HTTPRoute %q names Service %q beside %q: remove that backendRef, the operator adds it while a release is under way",
			r.object.GetName(), r.canary, r.stable)
		return &v
	}
	for _, one := range r.rules {
		if v := r.narrow(one, splits); v != nil {
			return v
		}
	}
	return nil
}

// unnamed says that the route does not name the stable Service.
func (r route) unnamed() *verdict.Verdict {
	if len(r.rules) > 0 {
		return nil
	}
	v := fail(traffic.ReasonNoBackend, "HTTPRoute %q has no backendRef to Service %q: add one to spec.rules[].backendRefs, or remove the route from spec.traffic.httpRoutes",
		r.object.GetName(), r.stable)
	return &v
}

// narrow says that a rule has no room for the candidate.
func (r route) narrow(one rule, splits bool) *verdict.Verdict {
	room := len(one.rested(r.services))
	for _, p := range one.pairs {
		if splits && p.coarse() {
			v := fail(traffic.ReasonWeightTooCoarse, "Rule %d of HTTPRoute %q shares its traffic with other backends, and weight %d cannot be split into percents: give its backendRef to %q a weight of 100 or a multiple, and the others as many times theirs",
				one.index, r.object.GetName(), p.weight(), r.stable)
			return &v
		}
		if !p.off() {
			room++
		}
	}
	if room > maxBackends {
		v := fail(traffic.ReasonTooManyBackends, "Rule %d of HTTPRoute %q has no room for a backendRef to Service %q: the API allows %d, remove one",
			one.index, r.object.GetName(), r.canary, maxBackends)
		return &v
	}
	return nil
}

// splits reports whether the release under way, or the next one, is to take a
// part of the traffic.
func splits(sd *v1alpha1.SignalDeployment) bool {
	steps := sd.Spec.Strategy.Steps
	if run := sd.Status.Rollout; !run.StartTime.IsZero() && run.EndTime.IsZero() {
		steps = run.Plan.Steps
	}
	for _, step := range steps {
		if partial(step.Weight) {
			return true
		}
	}
	return false
}

// partial reports whether a weight gives both sides some traffic.
func partial(weight int32) bool { return 0 < weight && weight < 100 }

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalRoute, reason, format, args...)
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalRoute, reason, format, args...)
}
