package gatewayapi

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/traffic"
	"github.com/signal-delivery/operator/internal/verdict"
)

// named is a SignalDeployment that can own something.
func named(name string) *v1alpha1.SignalDeployment {
	sd := deployment(name)
	sd.UID = "u-1"
	return sd
}

const (
	hash   = "0a1b2c3d4e"
	header = `{"type": "Exact", "name": "X-Signal-Release", "value": "0a1b2c3d4e"}`
	mark   = `{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "X-Signal-Release", "value": "0a1b2c3d4e"}]}}`
)

func TestPreviewCopiesTheRulesOfTheService(t *testing.T) {
	for name, tc := range map[string]struct{ rules, want string }{
		"a rule without matches gets one": {
			`[{"backendRefs": [{"name": "app", "port": 80}]}]`,
			`[{"matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [HEADER]}], "filters": [MARK],
				"backendRefs": [{"name": "app-canary", "port": 80, "weight": 1}]}]`,
		},
		"each match asks for the header as well": {
			`[{"matches": [{"path": {"value": "/v1"}, "method": "GET"}, {"queryParams": [{"name": "a", "value": "b"}], "headers": [{"name": "x", "value": "y"}]}], "backendRefs": [{"name": "app"}]}]`,
			`[{"matches": [{"path": {"value": "/v1"}, "method": "GET", "headers": [HEADER]},
				{"queryParams": [{"name": "a", "value": "b"}], "headers": [{"name": "x", "value": "y"}, HEADER]}],
				"filters": [MARK], "backendRefs": [{"name": "app-canary", "weight": 1}]}]`,
		},
		"several rules, and none that is not the service's": {
			`[{"matches": [{"method": "GET"}], "backendRefs": [{"name": "app"}]}, {"backendRefs": [{"name": "other"}]}, {"matches": [{"method": "POST"}], "backendRefs": [{"name": "app"}]}]`,
			`[{"matches": [{"method": "GET", "headers": [HEADER]}], "filters": [MARK], "backendRefs": [{"name": "app-canary", "weight": 1}]},
				{"matches": [{"method": "POST", "headers": [HEADER]}], "filters": [MARK], "backendRefs": [{"name": "app-canary", "weight": 1}]}]`,
		},
		"filters and fields that nobody knows are kept": {
			`[{"name": "web", "timeouts": {"request": "1s"}, "novel": {"a": [1]}, "filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": "a"}}],
				"backendRefs": [{"name": "app", "filters": [{"type": "RequestHeaderModifier"}]}]}]`,
			`[{"name": "web", "timeouts": {"request": "1s"}, "novel": {"a": [1]}, "filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": "a"}}, MARK],
				"matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [HEADER]}],
				"backendRefs": [{"name": "app-canary", "weight": 1, "filters": [{"type": "RequestHeaderModifier"}]}]}]`,
		},
		"a filter of answers is extended, for there may be one": {
			`[{"filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "a", "value": "b"}], "set": [{"name": "x-signal-release", "value": "mine"}, {"name": "c", "value": "d"}]}}],
				"backendRefs": [{"name": "app"}]}]`,
			`[{"filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "a", "value": "b"}], "set": [{"name": "c", "value": "d"}, {"name": "X-Signal-Release", "value": "0a1b2c3d4e"}]}}],
				"matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [HEADER]}], "backendRefs": [{"name": "app-canary", "weight": 1}]}]`,
		},
		"beside others, all that is led here goes to the candidate": {
			`[{"backendRefs": [{"name": "old", "weight": 50}, {"name": "app", "port": 80, "weight": 150}, {"name": "app", "port": 81, "weight": 0}]}]`,
			`[{"matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [HEADER]}], "filters": [MARK],
				"backendRefs": [{"name": "app-canary", "port": 80, "weight": 150}]}]`,
		},
		"siblings and their weights are not copied": {
			`[{"backendRefs": [{"name": "app", "weight": 95}, {"name": "app-canary", "weight": 5}]}]`,
			`[{"matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [HEADER]}], "filters": [MARK], "backendRefs": [{"name": "app-canary", "weight": 100}]}]`,
		},
		"a match that asks for a release already is its owner's": {
			`[{"matches": [{"headers": [{"name": "x-signal-release", "value": "mine"}]}, {"method": "GET"}], "backendRefs": [{"name": "app"}]}]`,
			`[{"matches": [{"method": "GET", "headers": [HEADER]}], "filters": [MARK], "backendRefs": [{"name": "app-canary", "weight": 1}]}]`,
		},
		"a rule that is switched off has no preview":  {`[{"backendRefs": [{"name": "app", "weight": 0}]}]`, ``},
		"a rule without room for a header has none":   {`[{"matches": [{"headers": [` + strings.Repeat(`{"name": "a"},`, 15) + `{"name": "b"}]}], "backendRefs": [{"name": "app"}]}]`, ``},
		"a route that is not the service's has none":  {`[{"backendRefs": [{"name": "other"}]}]`, ``},
		"nor one of the canary alone, by its owner's": {`[{"backendRefs": [{"name": "app-canary"}]}]`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			before := httpRoute(t, tc.rules)
			w, sd := newWorld(t, before), named("app")
			if err := w.router().Preview(t.Context(), sd, web, hash); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(content(t, before), content(t, w.route(t, "web"))); diff != "" {
				t.Errorf("the user's route has changed (-want +got):\n%s", diff)
			}
			previews, err := w.router().previews(t.Context(), sd)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" {
				if len(previews) > 0 {
					t.Fatalf("there is a preview: %s", rules(t, &previews[0]))
				}
				return
			}
			if len(previews) != 1 || previews[0].GetName() != "app-preview" || previews[0].GetLabels()[v1alpha1.LabelRelease] != hash || !owned.Owns(sd, &previews[0]) {
				t.Fatalf("previews = %+v", previews)
			}
			if diff := cmp.Diff(decoded(t, strings.NewReplacer("HEADER", header, "MARK", mark).Replace(tc.want)), rules(t, &previews[0])); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

// Each route has a preview of its own, so that nothing can be reached by a name
// or a gateway by which it could not be reached before.
func TestEachRouteHasAPreview(t *testing.T) {
	public, internal, other := httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`), httpRoute(t, `[{"matches": [{"path": {"value": "/admin"}}], "backendRefs": [{"name": "app"}]}]`), httpRoute(t, `[{"backendRefs": [{"name": "other"}]}]`)
	internal.SetName("internal")
	internal.Object["spec"].(map[string]any)["hostnames"] = []any{"inside.example"}
	internal.Object["spec"].(map[string]any)["parentRefs"] = []any{map[string]any{"name": "inner"}}
	other.SetName("other")
	w, sd := newWorld(t, public, internal, other), named("app")
	routes := []string{"web", "missing", "other", "internal"}
	if err := w.router().Preview(t.Context(), sd, routes, hash); err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]*unstructured.Unstructured{"app-preview": public, "app-preview-4": internal} {
		got := w.route(t, name)
		for _, field := range []string{"parentRefs", "hostnames"} {
			if diff := cmp.Diff(of.Object["spec"].(map[string]any)[field], got.Object["spec"].(map[string]any)[field]); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", field, name, diff)
			}
		}
	}
	if previews, err := w.router().previews(t.Context(), sd); err != nil || len(previews) != 2 {
		t.Errorf("%d previews, %v", len(previews), err)
	}
	for range 2 {
		if err := w.router().Preview(t.Context(), sd, routes, ""); err != nil {
			t.Fatal(err)
		}
	}
	if reading, err := w.router().ReadPreview(t.Context(), sd, routes, ""); err != nil || reading.Present {
		t.Errorf("after: %+v, %v", reading, err)
	}
}

// What was there before is left alone, and told.
func TestAForeignRouteIsNotTakenOver(t *testing.T) {
	foreign := httpRoute(t, `[{"backendRefs": [{"name": "theirs"}]}]`)
	foreign.SetName("app-preview")
	foreign.SetLabels(map[string]string{v1alpha1.LabelName: "app"})
	w, sd := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`), foreign), named("app")
	before := content(t, w.route(t, "app-preview"))
	var refused *owned.ForeignError
	if err := w.router().Preview(t.Context(), sd, web, hash); !errors.As(err, &refused) {
		t.Errorf("Preview: %v", err)
	}
	reading, err := w.router().ReadPreview(t.Context(), sd, web, hash)
	if err != nil || reading.Present || reading.Verdict.Reason != traffic.ReasonForeign || reading.Verdict.Outcome != verdict.Unknown {
		t.Errorf("ReadPreview: %+v, %v", reading, err)
	}
	if err := w.router().Preview(t.Context(), sd, web, ""); err != nil {
		t.Errorf("taking away what is not there: %v", err)
	}
	if diff := cmp.Diff(before, content(t, w.route(t, "app-preview"))); diff != "" {
		t.Errorf("the foreign route has changed (-want +got):\n%s", diff)
	}
}

// Only a gateway that has accepted the preview of this very release counts.
func TestAPreviewIsWaitedFor(t *testing.T) {
	status := func(w *world, accepted, resolved string, generation int64) {
		w.edit(t, "app-preview", func(o map[string]any) {
			o["metadata"].(map[string]any)["generation"] = int64(3)
			o["status"] = map[string]any{"parents": []any{map[string]any{"parentRef": map[string]any{"name": "edge"}, "conditions": []any{
				map[string]any{"type": "Accepted", "status": accepted, "reason": "R", "message": "m", "observedGeneration": generation},
				map[string]any{"type": "ResolvedRefs", "status": resolved, "reason": "R", "message": "m", "observedGeneration": generation},
			}}}}
		})
	}
	for name, tc := range map[string]struct {
		with    func(w *world)
		reason  string
		outcome v1alpha1.Outcome
	}{
		"no gateway has answered":         {func(*world) {}, traffic.ReasonNotAccepted, verdict.Unknown},
		"accepted":                        {func(w *world) { status(w, "True", "True", 3) }, traffic.ReasonAccepted, verdict.Passed},
		"accepted as it was before":       {func(w *world) { status(w, "True", "True", 2) }, traffic.ReasonNotAccepted, verdict.Unknown},
		"refused":                         {func(w *world) { status(w, "False", "True", 3) }, traffic.ReasonNotAccepted, verdict.Unknown},
		"the canary Service is not found": {func(w *world) { status(w, "True", "False", 3) }, traffic.ReasonRefsNotResolved, verdict.Unknown},
		"accepted for an earlier release": {func(w *world) { status(w, "True", "True", 3); relabel(t, w, "older") }, traffic.ReasonNotAccepted, verdict.Unknown},
		"someone deleted it":              {func(w *world) { status(w, "True", "True", 3); drop(t, w) }, traffic.ReasonNotAccepted, verdict.Unknown},
		"the route no longer leads to us": {func(w *world) {
			w.edit(t, "web", func(o map[string]any) { o["spec"].(map[string]any)["rules"] = []any{} })
		}, traffic.ReasonNoBackend, verdict.Unknown},
		"the user's own route is not asked": {func(w *world) {
			status(w, "True", "True", 3)
			w.edit(t, "web", func(o map[string]any) { delete(o, "status") })
		}, traffic.ReasonAccepted, verdict.Passed},
	} {
		t.Run(name, func(t *testing.T) {
			w, sd := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`)), named("app")
			if reading, err := w.router().ReadPreview(t.Context(), sd, web, hash); err != nil || reading.Present || reading.Verdict.Outcome != verdict.Unknown {
				t.Fatalf("before it is there: %+v, %v", reading, err)
			}
			if err := w.router().Preview(t.Context(), sd, web, hash); err != nil {
				t.Fatal(err)
			}
			tc.with(w)
			reading, err := w.router().ReadPreview(t.Context(), sd, web, hash)
			if err != nil || reading.Verdict.Reason != tc.reason || reading.Verdict.Outcome != tc.outcome || reading.Verdict.Message == "" {
				t.Errorf("got %+v, %v", reading, err)
			}
		})
	}
}

func relabel(t *testing.T, w *world, release string) {
	t.Helper()
	w.edit(t, "app-preview", func(o map[string]any) {
		o["metadata"].(map[string]any)["labels"].(map[string]any)[v1alpha1.LabelRelease] = release
	})
}

func drop(t *testing.T, w *world) {
	t.Helper()
	if err := w.Delete(t.Context(), w.route(t, "app-preview")); err != nil {
		t.Fatal(err)
	}
}

// Over random routes: the user's is never touched, no match is without the
// header, no backend is another than the canary Service, asking twice writes
// once, a later release replaces the earlier one, and nothing is left.
func TestRandomPreviews(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			before := randomRoute(t, rand.New(rand.NewPCG(seed, 11)))
			w, sd := newWorld(t, before), named("app")
			for _, release := range []string{hash, hash, "other"} {
				if err := w.router().Preview(t.Context(), sd, web, release); err != nil {
					t.Fatal(err)
				}
				previews, err := w.router().previews(t.Context(), sd)
				if err != nil {
					t.Fatal(err)
				}
				for i := range previews {
					onlyTo(t, &previews[i], release)
				}
				if reading, err := w.router().ReadPreview(t.Context(), sd, web, release); err != nil || reading.Present != (len(previews) > 0) {
					t.Fatalf("%+v of %d previews, %v", reading, len(previews), err)
				}
			}
			if w.patches > 2 {
				t.Fatalf("%d writes for two releases", w.patches)
			}
			if err := w.router().Preview(t.Context(), sd, nil, ""); err != nil {
				t.Fatal(err)
			}
			if previews, err := w.router().previews(t.Context(), sd); err != nil || len(previews) > 0 {
				t.Fatalf("%d previews are left, %v", len(previews), err)
			}
			if diff := cmp.Diff(content(t, before), content(t, w.route(t, "web"))); diff != "" {
				t.Fatalf("the user's route has changed (-want +got):\n%s", diff)
			}
		})
	}
}

// onlyTo requires that a preview leads requests for the release, and no others,
// to the canary Service.
func onlyTo(t *testing.T, preview *unstructured.Unstructured, release string) {
	t.Helper()
	list, _, _ := unstructured.NestedSlice(preview.Object, "spec", "rules")
	for _, item := range list {
		one := item.(map[string]any)
		refs, matches := one["backendRefs"].([]any), one["matches"].([]any)
		if len(refs) == 0 || len(matches) == 0 {
			t.Fatalf("rule %v", one)
		}
		for _, ref := range refs {
			if ref.(map[string]any)["name"] != "app-canary" {
				t.Fatalf("backend %v", ref)
			}
		}
		for _, match := range matches {
			headers := match.(map[string]any)["headers"].([]any)
			if !slices.ContainsFunc(headers, func(h any) bool {
				is := h.(map[string]any)
				return is["name"] == v1alpha1.HeaderRelease && is["value"] == release && is["type"] == "Exact"
			}) {
				t.Fatalf("match %v", match)
			}
		}
	}
}
