package gatewayapi

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func TestWriteAddsOneSiblingAndRestTakesItAway(t *testing.T) {
	for name, tc := range map[string]struct {
		rules, written string
		marks          string
	}{
		"alone, by default": {
			`[{"backendRefs": [{"name": "app", "port": 80}]}]`,
			`[{"backendRefs": [{"name": "app", "port": 80, "weight": 95}, {"name": "app-canary", "port": 80, "weight": 5}]}]`,
			`{"app":[null]}`,
		},
		"alone, with a weight": {
			`[{"backendRefs": [{"name": "app", "weight": 7}]}]`,
			`[{"backendRefs": [{"name": "app", "weight": 95}, {"name": "app-canary", "weight": 5}]}]`,
			`{"app":[7]}`,
		},
		"filters go with it": {
			`[{"backendRefs": [{"name": "app", "filters": [{"type": "RequestHeaderModifier"}]}], "timeouts": {"request": "1s"}}]`,
			`[{"backendRefs": [{"name": "app", "filters": [{"type": "RequestHeaderModifier"}], "weight": 95},
				{"name": "app-canary", "filters": [{"type": "RequestHeaderModifier"}], "weight": 5}], "timeouts": {"request": "1s"}}]`,
			`{"app":[null]}`,
		},
		"beside others, who keep their proportion": {
			`[{"backendRefs": [{"name": "old", "weight": 50}, {"name": "app", "weight": 150}, {"name": "new", "weight": 3}]}]`,
			`[{"backendRefs": [{"name": "old", "weight": 50}, {"name": "app", "weight": 142}, {"name": "app-canary", "weight": 8}, {"name": "new", "weight": 3}]}]`,
			`{"app":[150]}`,
		},
		"beside others that take nothing": {
			`[{"backendRefs": [{"name": "sorry", "weight": 0}, {"name": "app", "weight": 1}]}]`,
			`[{"backendRefs": [{"name": "sorry", "weight": 0}, {"name": "app", "weight": 95}, {"name": "app-canary", "weight": 5}]}]`,
			`{"app":[1]}`,
		},
		"switched off in one rule": {
			`[{"backendRefs": [{"name": "app", "weight": 0}]}, {"backendRefs": [{"name": "app"}]}]`,
			`[{"backendRefs": [{"name": "app", "weight": 0}]}, {"backendRefs": [{"name": "app", "weight": 95}, {"name": "app-canary", "weight": 5}]}]`,
			`{"app":[null]}`,
		},
		"written out in full": {
			`[{"backendRefs": [{"group": "", "kind": "Service", "namespace": "prod", "name": "app"}]}]`,
			`[{"backendRefs": [{"group": "", "kind": "Service", "namespace": "prod", "name": "app", "weight": 95},
				{"group": "", "kind": "Service", "namespace": "prod", "name": "app-canary", "weight": 5}]}]`,
			`{"app":[null]}`,
		},
		"others of that name are left alone": {
			`[{"backendRefs": [{"namespace": "test", "name": "app"}, {"kind": "Pool", "name": "app"}, {"group": "x", "name": "app"}, {"name": "app", "weight": 200}]}]`,
			`[{"backendRefs": [{"namespace": "test", "name": "app"}, {"kind": "Pool", "name": "app"}, {"group": "x", "name": "app"},
				{"name": "app", "weight": 190}, {"name": "app-canary", "weight": 10}]}]`,
			`{"app":[200]}`,
		},
		"a rule for the canary alone is its owner's": {
			`[{"matches": [{"headers": [{"name": "x-try"}]}], "backendRefs": [{"name": "app-canary"}]}, {"backendRefs": [{"name": "app"}]}]`,
			`[{"matches": [{"headers": [{"name": "x-try"}]}], "backendRefs": [{"name": "app-canary"}]},
				{"backendRefs": [{"name": "app", "weight": 95}, {"name": "app-canary", "weight": 5}]}]`,
			`{"app":[null]}`,
		},
		"twice in one rule": {
			`[{"backendRefs": [{"name": "app", "port": 80, "weight": 100}, {"name": "app", "port": 81, "weight": 300}]}]`,
			`[{"backendRefs": [{"name": "app", "port": 80, "weight": 95}, {"name": "app-canary", "port": 80, "weight": 5},
				{"name": "app", "port": 81, "weight": 285}, {"name": "app-canary", "port": 81, "weight": 15}]}]`,
			`{"app":[100,300]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := httpRoute(t, tc.rules)
			w, sd := newWorld(t, before), deployment("app", 5)

			if err := w.router().Write(t.Context(), sd, []string{"web"}, 5); err != nil {
				t.Fatal(err)
			}
			after := w.route(t, "web")
			if diff := cmp.Diff(decoded(t, tc.written), rules(t, after)); diff != "" {
				t.Errorf("rules after Write (-want +got):\n%s", diff)
			}
			if got := after.GetAnnotations()[v1alpha1.AnnotationWeights]; got != tc.marks {
				t.Errorf("annotation = %s, want %s", got, tc.marks)
			}

			if err := w.router().Rest(t.Context(), sd, []string{"web"}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(content(t, before), content(t, w.route(t, "web"))); diff != "" {
				t.Errorf("route after Rest (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteSpansTheWholeRange(t *testing.T) {
	w, sd := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`)), deployment("app")
	for weight, want := range map[int32]string{
		0:   `[{"backendRefs":[{"name":"app","weight":100},{"name":"app-canary","weight":0}]}]`,
		1:   `[{"backendRefs":[{"name":"app","weight":99},{"name":"app-canary","weight":1}]}]`,
		100: `[{"backendRefs":[{"name":"app","weight":0},{"name":"app-canary","weight":100}]}]`,
	} {
		if err := w.router().Write(t.Context(), sd, []string{"web"}, weight); err != nil {
			t.Fatal(err)
		}
		if got := rules(t, w.route(t, "web")); got != want {
			t.Errorf("Write(%d) = %s, want %s", weight, got, want)
		}
	}
}

func TestTwoSignalDeploymentsShareARoute(t *testing.T) {
	before := httpRoute(t, `[{"backendRefs": [{"name": "app"}]}, {"backendRefs": [{"name": "cart", "weight": 9}]}]`)
	before.SetAnnotations(map[string]string{"team": "web"})
	w, app, cart := newWorld(t, before), deployment("app"), deployment("cart")
	marks := func() string { return w.route(t, "web").GetAnnotations()[v1alpha1.AnnotationWeights] }
	for _, sd := range []*v1alpha1.SignalDeployment{app, cart} {
		if err := w.router().Write(t.Context(), sd, []string{"web"}, 10); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := marks(), `{"app":[null],"cart":[9]}`; got != want {
		t.Errorf("annotation = %s, want %s", got, want)
	}
	if err := w.router().Rest(t.Context(), app, []string{"web"}); err != nil {
		t.Fatal(err)
	}
	if got, want := marks(), `{"cart":[9]}`; got != want {
		t.Errorf("annotation = %s, want %s", got, want)
	}
	if err := w.router().Rest(t.Context(), cart, []string{"web"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(content(t, before), content(t, w.route(t, "web"))); diff != "" {
		t.Errorf("route after both rest (-want +got):\n%s", diff)
	}
}
