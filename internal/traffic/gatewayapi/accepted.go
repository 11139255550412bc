package gatewayapi

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/traffic"
	"github.com/signal-delivery/operator/internal/verdict"
)

// accepted says whether every parent has accepted the route as it is now, and
// found what it names.
func (r route) accepted() (verdict.Verdict, error) {
	var status gatewayv1.HTTPRouteStatus
	if content, ok := r.object.Object["status"].(map[string]any); ok {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &status); err != nil {
			return verdict.Verdict{}, fmt.Errorf("decode status of HTTPRoute %s/%s: %w", r.object.GetNamespace(), r.object.GetName(), err)
		}
	}
	if len(status.Parents) == 0 {
		return wait(traffic.ReasonNotAccepted, "No gateway has answered for HTTPRoute %q yet: check that its parentRefs name a Gateway that runs", r.object.GetName()), nil
	}
	said := make([]verdict.Verdict, 0, len(status.Parents))
	for _, parent := range status.Parents {
		said = append(said, r.says(parent))
	}
	return verdict.All(verdict.Verdict{}, said...), nil
}

// says is the answer of one parent. What it said of an earlier generation
// counts for nothing.
func (r route) says(parent gatewayv1.RouteParentStatus) verdict.Verdict {
	name, who := r.object.GetName(), parentName(parent.ParentRef)
	latest := func(kind gatewayv1.RouteConditionType) *metav1.Condition {
		c := meta.FindStatusCondition(parent.Conditions, string(kind))
		if c == nil || c.ObservedGeneration != r.object.GetGeneration() {
			return nil
		}
		return c
	}
	taken := latest(gatewayv1.RouteConditionAccepted)
	resolved := latest(gatewayv1.RouteConditionResolvedRefs)
	switch {
	case taken == nil:
		return wait(traffic.ReasonNotAccepted, "%s has not yet seen HTTPRoute %q as it is now", who, name)
	case taken.Status != metav1.ConditionTrue:
		return wait(traffic.ReasonNotAccepted, "%s does not accept HTTPRoute %q (%s): %s", who, name, taken.Reason, taken.Message)
	case resolved != nil && resolved.Status == metav1.ConditionFalse:
		return wait(traffic.ReasonRefsNotResolved, "%s cannot find what HTTPRoute %q names (%s): %s", who, name, resolved.Reason, resolved.Message)
	}
	return verdict.Pass(v1alpha1.SignalRoute, traffic.ReasonAccepted, "%s has accepted HTTPRoute %q", who, name)
}

// parentName is what a route hangs on, such as Gateway "edge".
func parentName(ref gatewayv1.ParentReference) string {
	kind := "Gateway"
	if ref.Kind != nil {
		kind = string(*ref.Kind)
	}
	return fmt.Sprintf("%s %q", kind, ref.Name)
}
