package e2e

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

// A service serves on while there is no operator, and is released further by
// the next one. The CRD goes with everything that is still there.
func TestUninstall(t *testing.T) {
	namespace := space(t, "e2e-uninstall")
	sd, traffic := install(t, namespace, 50)
	atRest := routeOf(t, namespace)
	t.Cleanup(func() {
		if err := shared.Install(context.WithoutCancel(t.Context())); err != nil { // for the tests to come
			t.Error(err)
		}
	})

	if err := shared.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask(t, sd, "v1.1.0")
	if err := shared.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, sd, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.1.0"))
	if r := traffic.Stop(); r.Lost != 0 {
		t.Errorf("%d of %d requests were lost", r.Lost, r.Sent)
	}

	ask(t, sd, "v1.3.0")
	until(t, sd, func(sd *v1alpha1.SignalDeployment) bool { return sd.Status.Phase == v1alpha1.PhaseProgressing })
	if err := shared.Uninstall(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(atRest, routeOf(t, namespace)); diff != "" {
		t.Errorf("the route is not as it was (-want +got):\n%s", diff)
	}
}

func routeOf(t *testing.T, namespace string) gatewayv1.HTTPRouteSpec {
	t.Helper()
	route := cluster.Route(namespace)
	if err := shared.Get(t.Context(), client.ObjectKeyFromObject(route), route); err != nil {
		t.Fatal(err)
	}
	return route.Spec
}
