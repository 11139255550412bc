package gatewayapi

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// What others do to a route while a release is under way. Each case begins
// with a candidate at 20 percent in a rule of its own.
func TestOthersEditTheRoute(t *testing.T) {
	for name, tc := range map[string]struct {
		rules             string // what they write
		unmark            bool   // and whether the annotation goes
		weight, lowest    int32  // what is then read
		rewritten, rested string
	}{
		"Git writes its own again": {
			rules:     `[{"backendRefs":[{"name":"app","weight":7}]}]`,
			rewritten: `[{"backendRefs":[{"name":"app","weight":70},{"name":"app-canary","weight":30}]}]`,
			rested:    `[{"backendRefs":[{"name":"app","weight":7}]}]`,
		},
		"a rule is put before it": {
			rules:  `[{"backendRefs":[{"name":"app","weight":1}]},{"backendRefs":[{"name":"app","weight":80},{"name":"app-canary","weight":20}]}]`,
			weight: 20,
			rewritten: `[{"backendRefs":[{"name":"app","weight":70},{"name":"app-canary","weight":30}]},` +
				`{"backendRefs":[{"name":"app","weight":70},{"name":"app-canary","weight":30}]}]`,
			rested: `[{"backendRefs":[{"name":"app","weight":1}]},{"backendRefs":[{"name":"app","weight":4}]}]`,
		},
		"a filter is added": {
			rules:  `[{"backendRefs":[{"name":"app","weight":80},{"name":"app-canary","weight":20}],"filters":[{"type":"CORS"}]}]`,
			weight: 20, lowest: 20,
			rewritten: `[{"backendRefs":[{"name":"app","weight":70},{"name":"app-canary","weight":30}],"filters":[{"type":"CORS"}]}]`,
			rested:    `[{"backendRefs":[{"name":"app","weight":4}],"filters":[{"type":"CORS"}]}]`,
		},
		"another backend is added, measured against what is there": {
			rules:  `[{"backendRefs":[{"name":"app","weight":80},{"name":"app-canary","weight":20},{"name":"old","weight":100}]}]`,
			weight: 20, lowest: 20,
			rewritten: `[{"backendRefs":[{"name":"app","weight":70},{"name":"app-canary","weight":30},{"name":"old","weight":100}]}]`,
			rested:    `[{"backendRefs":[{"name":"app","weight":100},{"name":"old","weight":100}]}]`,
		},
		"the sibling is moved to the front and doubled": {
			rules:  `[{"backendRefs":[{"name":"app-canary","weight":20},{"name":"app","weight":60},{"name":"app-canary","weight":20}]}]`,
			weight: 40, lowest: 40,
			rewritten: `[{"backendRefs":[{"name":"app","weight":70},{"name":"app-canary","weight":30}]}]`,
			rested:    `[{"backendRefs":[{"name":"app","weight":4}]}]`,
		},
		"the sibling is doubled": {
			rules:  `[{"backendRefs":[{"name":"app","weight":60},{"name":"app-canary","weight":30},{"name":"app-canary","weight":10}]}]`,
			weight: 40, lowest: 40,
			rewritten: `[{"backendRefs":[{"name":"app","weight":70},{"name":"app-canary","weight":30}]}]`,
			rested:    `[{"backendRefs":[{"name":"app","weight":4}]}]`,
		},
		"both are switched off": {
			rules:     `[{"backendRefs":[{"name":"app","weight":0},{"name":"app-canary","weight":0}]}]`,
			rewritten: `[{"backendRefs":[{"name":"app","weight":0}]}]`,
			rested:    `[{"backendRefs":[{"name":"app","weight":0}]}]`,
		},
		"the annotation is lost": {
			rules: `[{"backendRefs":[{"name":"app","weight":80},{"name":"app-canary","weight":20}]}]`, unmark: true,
			weight: 20, lowest: 20,
			rewritten: `[{"backendRefs":[{"name":"app","weight":80},{"name":"app-canary","weight":20}]}]`, // Read says why
			rested:    `[{"backendRefs":[{"name":"app","weight":100}]}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, sd := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app", "weight": 4}]}]`)), deployment("app")
			router := w.router()
			if err := router.Write(t.Context(), sd, web, 20); err != nil {
				t.Fatal(err)
			}
			w.edit(t, "web", func(object map[string]any) {
				object["spec"].(map[string]any)["rules"] = list(t, tc.rules)
				if tc.unmark {
					delete(object["metadata"].(map[string]any), "annotations")
				}
			})

			reading, err := router.Read(t.Context(), sd, web)
			if err != nil {
				t.Fatal(err)
			}
			if reading.Weight != tc.weight || reading.Lowest != tc.lowest || !reading.Sibling {
				t.Errorf("Read = %d to %d, sibling %t; want %d to %d, true", reading.Lowest, reading.Weight, reading.Sibling, tc.lowest, tc.weight)
			}
			if err := router.Write(t.Context(), sd, web, 30); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.rewritten, rules(t, w.route(t, "web"))); diff != "" {
				t.Errorf("rules after Write (-want +got):\n%s", diff)
			}
			if err := router.Rest(t.Context(), sd, web); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.rested, rules(t, w.route(t, "web"))); diff != "" {
				t.Errorf("rules after Rest (-want +got):\n%s", diff)
			}
			if _, marked := w.route(t, "web").GetAnnotations()[v1alpha1.AnnotationWeights]; marked {
				t.Error("the annotation outlived Rest")
			}
		})
	}
}

func TestRestAtOnce(t *testing.T) {
	for name, tc := range map[string]struct{ before, edited, rested string }{
		"an absent weight beside others is absent again": {
			before: `[{"backendRefs":[{"name":"app"},{"name":"old"}]}]`,
			edited: `[{"backendRefs":[{"name":"app","weight":0},{"name":"app-canary","weight":1},{"name":"old"}]}]`,
			rested: `[{"backendRefs":[{"name":"app"},{"name":"old"}]}]`,
		},
		"what was switched off meanwhile stays off": {
			before: `[{"backendRefs":[{"name":"app","weight":4}]}]`,
			edited: `[{"backendRefs":[{"name":"app","weight":0},{"name":"app-canary","weight":0}]}]`,
			rested: `[{"backendRefs":[{"name":"app","weight":0}]}]`,
		},
		"what Git wrote meanwhile is what Git has": {
			before: `[{"backendRefs":[{"name":"app","weight":4}]}]`,
			edited: `[{"backendRefs":[{"name":"app","weight":9}]}]`,
			rested: `[{"backendRefs":[{"name":"app","weight":9}]}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, sd := newWorld(t, httpRoute(t, tc.before)), deployment("app")
			if err := w.router().Write(t.Context(), sd, web, 100); err != nil {
				t.Fatal(err)
			}
			w.edit(t, "web", func(object map[string]any) { object["spec"].(map[string]any)["rules"] = list(t, tc.edited) })
			if err := w.router().Rest(t.Context(), sd, web); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.rested, rules(t, w.route(t, "web"))); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			if annotations := w.route(t, "web").GetAnnotations(); annotations != nil {
				t.Errorf("annotations = %v, want none", annotations)
			}
		})
	}
}

// list are rules, from JSON.
func list(t *testing.T, text string) []any {
	t.Helper()
	var out []any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}
