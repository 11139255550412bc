package integration

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// At rest nothing is written: the resource versions of everything in twenty
// namespaces stand still. SIGNAL_REST_SECONDS says for how long; a minute.
func TestNothingIsWrittenAtRest(t *testing.T) {
	seconds := 60
	if text := os.Getenv("SIGNAL_REST_SECONDS"); text != "" {
		var err error
		if seconds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const many = 20
	stories := make([]*stage.Story, many)
	for i := range stories {
		stories[i] = on.Story(t)
		stories[i].Operator = on.Operator(t, stories[i].Namespace, nil)
		stories[i].Apply()
	}
	for _, y := range stories {
		y.Rest("it is at rest", stage.Succeeded)
	}
	before := versions(t, stories)
	time.Sleep(time.Duration(seconds) * time.Second)
	if diff := cmp.Diff(before, versions(t, stories)); diff != "" {
		t.Errorf("written at rest:\n%s", diff)
	}
	t.Logf("%d objects of %d SignalDeployments stood still for %d s", len(before), many, seconds)
}

// versions are the resource versions of everything in the stories' namespaces.
func versions(t *testing.T, stories []*stage.Story) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, y := range stories {
		for _, list := range []client.ObjectList{
			&v1alpha1.SignalDeploymentList{}, &appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ConfigMapList{}, &corev1.PodList{},
			&batchv1.JobList{}, &policyv1.PodDisruptionBudgetList{}, &gatewayv1.HTTPRouteList{}, &monitoringv1.PrometheusRuleList{}, &discoveryv1.EndpointSliceList{},
		} {
			if err := y.Client.List(t.Context(), list, client.InNamespace(y.Namespace)); err != nil {
				t.Fatal(err)
			}
			if err := meta.EachListItem(list, func(item runtime.Object) error {
				object := item.(client.Object) //nolint:forcetypeassert // every item of these lists is one
				out[fmt.Sprintf("%T %s/%s", object, object.GetNamespace(), object.GetName())] = object.GetResourceVersion()
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}
