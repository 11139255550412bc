package gatewayapi

import (
	"context"
	"encoding/json"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// world is a cluster with some routes in it.
type world struct {
	client.WithWatch
	patches int
	refuse  error // what the next patch is answered with
}

func newWorld(t *testing.T, routes ...*unstructured.Unstructured) *world {
	t.Helper()
	w := &world{}
	builder := fake.NewClientBuilder()
	for _, route := range routes {
		builder = builder.WithObjects(route.DeepCopy())
	}
	w.WithWatch = interceptor.NewClient(builder.Build(), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			w.patches++
			if w.refuse != nil {
				return w.refuse
			}
			return c.Patch(ctx, obj, patch, opts...)
		},
	})
	return w
}

func (w *world) router() Router { return Router{Client: w} }

// route is a route as the cluster has it.
func (w *world) route(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	object, err := w.router().get(t.Context(), "prod", name)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// edit changes a route as its owner would.
func (w *world) edit(t *testing.T, name string, change func(object map[string]any)) {
	t.Helper()
	object := w.route(t, name)
	change(object.Object)
	if err := w.Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// httpRoute is the route web with these rules, accepted by its gateway.
func httpRoute(t *testing.T, rules string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	text := `{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
		"metadata": {"name": "web", "namespace": "prod", "generation": 3},
		"spec": {"parentRefs": [{"name": "edge"}], "rules": ` + rules + `},
		"status": {"parents": [{"parentRef": {"name": "edge"}, "controllerName": "example.com/edge", "conditions": [
			{"type": "Accepted", "status": "True", "observedGeneration": 3, "reason": "Accepted", "message": "", "lastTransitionTime": null}]}]}}`
	if err := object.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return object
}

// rules are a route's rules as JSON.
func rules(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	list, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "rules")
	return encoded(t, list)
}

// content is a route as JSON, without what the server keeps for itself.
func content(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	object = object.DeepCopy()
	object.SetResourceVersion("")
	object.SetGeneration(0)
	object.SetManagedFields(nil)
	return encoded(t, object.Object)
}

func encoded(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decoded gives two ways to write the same JSON the same form.
func decoded(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return encoded(t, value)
}

func deployment(name string, steps ...int32) *v1alpha1.SignalDeployment {
	sd := &v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "prod"}}
	for _, weight := range steps {
		sd.Spec.Strategy.Steps = append(sd.Spec.Strategy.Steps, v1alpha1.Step{Weight: weight})
	}
	return sd
}
