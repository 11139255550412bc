package owned

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A kind without a Go type is applied as any other: only what differs.
func TestAKindWithoutATypeIsAppliedOnce(t *testing.T) {
	of := func(text string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"json": text}}}
		u.SetGroupVersionKind(schema.GroupVersionKind{Group: "grafana.integreatly.org", Version: "v1beta1", Kind: "GrafanaDashboard"})
		u.SetNamespace("ns")
		u.SetName("app")
		return u
	}
	c := cluster(t)
	var versions []string
	for _, text := range []string{"a", "a", "b", "b"} {
		if err := Apply(t.Context(), c, owner, of(text)); err != nil {
			t.Fatal(err)
		}
		got := of("")
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(got), got); err != nil {
			t.Fatal(err)
		}
		if is, _, _ := unstructured.NestedString(got.Object, "spec", "json"); is != text || !Owns(owner, got) {
			t.Fatalf("has %q, owned %t", is, Owns(owner, got))
		}
		versions = append(versions, got.GetResourceVersion())
	}
	if versions[0] != versions[1] || versions[1] == versions[2] || versions[2] != versions[3] {
		t.Errorf("resource versions %v: want a write only where something changed", versions)
	}
}
