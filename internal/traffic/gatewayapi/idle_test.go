package gatewayapi

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Failure mode 19: a route that is written again and again though it is as it
// should be, while its weights flap.
func TestNothingIsWrittenThatIsThere(t *testing.T) {
	w, sd := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`)), deployment("app", 40)
	router := w.router()
	for _, step := range []struct {
		name    string
		act     func() error
		patches int
	}{
		{"rest at rest", func() error { return router.Rest(t.Context(), sd, web) }, 0},
		{"the first weight", func() error { return router.Write(t.Context(), sd, web, 40) }, 1},
		{"the same weight", func() error { return router.Write(t.Context(), sd, web, 40) }, 1},
		{"all of it", func() error { return router.Write(t.Context(), sd, web, 100) }, 2},
		{"all of it again", func() error { return router.Write(t.Context(), sd, web, 100) }, 2},
		{"rest", func() error { return router.Rest(t.Context(), sd, web) }, 3},
		{"rest again", func() error { return router.Rest(t.Context(), sd, web) }, 3},
	} {
		if err := step.act(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if w.patches != step.patches {
			t.Fatalf("%s: %d patches so far, want %d", step.name, w.patches, step.patches)
		}
	}
}

func TestAConflictIsTheAPIsError(t *testing.T) {
	w, sd := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`)), deployment("app")
	stale, err := w.router().get(t.Context(), "prod", "web")
	if err != nil {
		t.Fatal(err)
	}
	w.edit(t, "web", func(object map[string]any) { object["metadata"].(map[string]any)["labels"] = map[string]any{"a": "b"} })
	before := content(t, w.route(t, "web"))

	err = w.router().patch(t.Context(), []route{newRoute(sd, stale)}, func(one route) ([]byte, error) { return one.write(5) })
	if !apierrors.IsConflict(err) {
		t.Errorf("patch from a stale copy: %v, want a conflict", err)
	}
	if got := content(t, w.route(t, "web")); got != before {
		t.Errorf("the refused patch changed the route to %s", got)
	}
}

func TestErrorsSayWhatWasDone(t *testing.T) {
	w, sd := newWorld(t, httpRoute(t, `[{"backendRefs": [{"name": "app"}]}]`)), deployment("app")
	w.refuse = errors.New("not today")
	err := w.router().Write(t.Context(), sd, []string{"web"}, 5)
	if want := "patch HTTPRoute prod/web: not today"; err == nil || err.Error() != want {
		t.Errorf("Write = %v, want %s", err, want)
	}
}
