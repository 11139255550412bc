package gatewayapi

import (
	"strings"
	"testing"

	"github.com/signal-delivery/operator/internal/traffic"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestWriteRefusesWhatCannotBeSplit(t *testing.T) {
	full := `[{"backendRefs": [{"name": "app", "weight": 100}` + strings.Repeat(`, {"name": "other"}`, 15) + `]}]`
	coarse := `[{"backendRefs": [{"name": "app", "weight": 99}, {"name": "other"}]}]`
	owners := `[{"backendRefs": [{"name": "app"}, {"name": "app-canary", "weight": 0}]}]`
	for name, tc := range map[string]struct {
		rules  string
		weight int32
		writes bool
	}{
		"too coarse for a percent":         {coarse, 1, false},
		"too coarse for all but a percent": {coarse, 99, false},
		"not too coarse for everything":    {coarse, 100, true},
		"not too coarse for nothing":       {coarse, 0, true},
		"coarse but switched off":          {`[{"backendRefs": [{"name": "app", "weight": 0}, {"name": "other"}]}, {"backendRefs": [{"name": "app"}]}]`, 1, true},
		"just not too coarse":              {`[{"backendRefs": [{"name": "app", "weight": 100}, {"name": "other"}]}]`, 1, true},
		"no room, and none needed":         {`[{"backendRefs": [{"name": "app", "weight": 0}` + strings.Repeat(`, {"name": "other"}`, 15) + `]}, {"backendRefs": [{"name": "app"}]}]`, 5, true},
		"no room":                          {full, 5, false},
		"just enough room":                 {`[{"backendRefs": [{"name": "app", "weight": 100}` + strings.Repeat(`, {"name": "other"}`, 14) + `]}]`, 5, true},
		"the owner names the canary":       {owners, 5, false},
		"and may keep it":                  {owners, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			other := httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`)
			other.SetName("other")
			w, sd := newWorld(t, httpRoute(t, tc.rules), other), deployment("app")
			before := content(t, w.route(t, "web"))
			for _, names := range [][]string{{"web"}, {"other", "web"}} {
				w.patches = 0
				if err := w.router().Write(t.Context(), sd, names, tc.weight); err != nil {
					t.Fatal(err)
				}
				if !tc.writes && tc.weight > 0 && w.patches > 0 {
					t.Errorf("Write(%v) wrote %d routes, want none", names, w.patches)
				}
			}
			if wrote := content(t, w.route(t, "web")) != before; wrote != tc.writes {
				t.Errorf("wrote: %t, want %t", wrote, tc.writes)
			}
		})
	}
}

func TestTrafficToAnUnmarkedCanaryIsTakenBack(t *testing.T) {
	for name, back := range map[string]func(Router) error{
		"by Rest":     func(r Router) error { return r.Rest(t.Context(), deployment("app"), []string{"web"}) },
		"by Write(0)": func(r Router) error { return r.Write(t.Context(), deployment("app"), []string{"web"}, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app", "weight": 3}, {"name": "app-canary"}]}]`))
			if err := back(w.router()); err != nil {
				t.Fatal(err)
			}
			if got, want := rules(t, w.route(t, "web")), `[{"backendRefs":[{"name":"app","weight":4}]}]`; got != want {
				t.Errorf("rules = %s, want %s", got, want)
			}
		})
	}
}

func TestARouteThatIsNotThereIsNotWritten(t *testing.T) {
	w, sd := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`)), deployment("app")
	if err := w.router().Write(t.Context(), sd, []string{"gone", "web"}, 5); err != nil {
		t.Fatal(err)
	}
	if err := w.router().Rest(t.Context(), sd, []string{"gone"}); err != nil {
		t.Fatal(err)
	}
	missing := verdict.Named(wait(traffic.ReasonRouteNotFound, `HTTPRoute "gone" does not exist: create it, or remove it from spec.traffic.httpRoutes`), "gone")
	for _, names := range [][]string{{"gone", "web"}, {"web", "gone"}} {
		reading, err := w.router().Read(t.Context(), sd, names)
		if want := (traffic.Reading{Weight: 5, Sibling: true, Verdict: missing}); err != nil || reading != want {
			t.Errorf("Read(%v) = %+v, %v; want %+v", names, reading, err, want)
		}
	}
}

func TestARouteWithoutTheServiceHoldsNoOtherBack(t *testing.T) {
	other := httpRoute(t, `[{"backendRefs": [{"name": "other"}]}]`)
	other.SetName("other")
	w := newWorld(t, other, httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`))
	before := content(t, w.route(t, "other"))
	if err := w.router().Write(t.Context(), deployment("app"), []string{"other", "web"}, 5); err != nil {
		t.Fatal(err)
	}
	if got, want := rules(t, w.route(t, "web")), `[{"backendRefs":[{"name":"app","weight":95},{"name":"app-canary","weight":5}]}]`; got != want {
		t.Errorf("rules of the one that names it = %s, want %s", got, want)
	}
	if got := content(t, w.route(t, "other")); got != before {
		t.Errorf("the other became %s", got)
	}
}
