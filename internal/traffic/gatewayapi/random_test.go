package gatewayapi

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Failure modes 11 and 46: over random routes and random weights, what is
// foreign is byte-identical at every moment, weights stay within the API's
// bounds, shares are the ones asked for, and Rest gives back the route.
func TestRandomRoutes(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			before := randomRoute(t, r)
			w, sd := newWorld(t, before), deployment("app")
			original, others := content(t, before), foreignParts(t, before)
			for range 5 {
				weight := r.Int32N(101)
				refused := newRoute(sd, w.route(t, "web")).fault(partial(weight)) != nil
				unwritten := content(t, w.route(t, "web"))
				if err := w.router().Write(t.Context(), sd, web, weight); err != nil {
					t.Fatal(err)
				}
				after := w.route(t, "web")
				if got := foreignParts(t, after); got != others {
					t.Fatalf("Write(%d) changed what is foreign:\n got %s\nwant %s", weight, got, others)
				}
				switch {
				case !refused:
					checkWeights(t, before, after, weight)
				case content(t, after) != unwritten:
					t.Fatalf("Write(%d) refused and still wrote %s", weight, content(t, after))
				}
			}
			if err := w.router().Rest(t.Context(), sd, web); err != nil {
				t.Fatal(err)
			}
			if got := content(t, w.route(t, "web")); got != original {
				t.Fatalf("Rest gave back\n got %s\nwant %s", got, original)
			}
		})
	}
}

// checkWeights holds each pair against what its backendRef had at rest.
func checkWeights(t *testing.T, before, after *unstructured.Unstructured, weight int32) {
	t.Helper()
	sd := deployment("app")
	at, now := newRoute(sd, before), newRoute(sd, after)
	for i, one := range now.rules {
		for j, p := range one.pairs {
			want := at.rules[i].pairs[j].weight()
			if p.solo && want > 0 {
				want = 100
			}
			if p.stable+p.canary != want || p.stable < 0 || p.canary < 0 || want > 1_000_000 {
				t.Fatalf("rule %d: %d + %d, want a sum of %d", one.index, p.stable, p.canary, want)
			}
			if p.off() {
				continue
			}
			if got := share(p.stable, p.canary); got != weight {
				t.Fatalf("rule %d: share %d, want %d", one.index, got, weight)
			}
		}
	}
}

// foreignParts are a route without its backendRefs to the two Services and
// without the annotation.
func foreignParts(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	object = object.DeepCopy()
	annotations := object.GetAnnotations()
	delete(annotations, "delivery.signal.dev/weights")
	object.SetAnnotations(nil)
	if len(annotations) > 0 {
		object.SetAnnotations(annotations)
	}
	for _, one := range newRoute(deployment("app"), object).rules {
		var kept []any
		for _, ref := range one.refs {
			if servicesOf(deployment("app")).role(ref) == foreign {
				kept = append(kept, ref)
			}
		}
		list, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "rules")
		list.([]any)[one.index].(map[string]any)["backendRefs"] = kept
	}
	return content(t, object)
}

func randomRoute(t *testing.T, r *rand.Rand) *unstructured.Unstructured {
	t.Helper()
	object := httpRoute(t, `[]`)
	if r.IntN(2) == 0 {
		object.SetAnnotations(map[string]string{"team": "a/b~c", "note": `"quoted"`})
	}
	list := []any{map[string]any{"backendRefs": []any{map[string]any{"name": "app"}}}}
	for range r.IntN(4) {
		list = append(list, randomRule(r))
	}
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	object.Object["spec"].(map[string]any)["rules"] = list
	return object
}

func randomRule(r *rand.Rand) map[string]any {
	rule := map[string]any{}
	maybe(r, rule, "matches", []any{map[string]any{"path": map[string]any{"value": "/<&>"}}})
	maybe(r, rule, "timeouts", map[string]any{"request": "10s"})
	maybe(r, rule, "futureField", map[string]any{"deep": []any{int64(1), 2.5, nil, "x"}})
	maybe(r, rule, "filters", []any{map[string]any{"type": "RequestMirror", "requestMirror": map[string]any{"backendRef": map[string]any{"name": "app"}}}})
	var refs []any
	for range r.IntN(5) {
		refs = append(refs, randomRef(r))
	}
	if refs != nil {
		rule["backendRefs"] = refs
	}
	return rule
}

func randomRef(r *rand.Rand) map[string]any {
	ref := map[string]any{"name": []string{"app", "app", "other", "app-v2"}[r.IntN(4)]}
	maybe(r, ref, "port", int64(80+r.IntN(3)))
	maybe(r, ref, "group", []string{"", "", "x.example"}[r.IntN(3)])
	maybe(r, ref, "kind", []string{"Service", "Service", "Pool"}[r.IntN(3)])
	maybe(r, ref, "namespace", []string{"prod", "prod", "test"}[r.IntN(3)])
	maybe(r, ref, "weight", []int64{0, 1, 99, 100, 300, 100 + r.Int64N(1000), 1_000_000}[r.IntN(7)])
	maybe(r, ref, "filters", []any{map[string]any{"type": "URLRewrite", "futureFilter": map[string]any{"ratio": 0.25}}})
	return ref
}

func maybe(r *rand.Rand, fields map[string]any, key string, value any) {
	if r.IntN(2) == 0 {
		fields[key] = value
	}
}
