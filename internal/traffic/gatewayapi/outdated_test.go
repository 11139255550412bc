package gatewayapi

import (
	"errors"
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A patch made from a route that has changed since is a conflict, and is made
// again; it is no refusal that a person should be told of.
func TestAnOutdatedPatchIsNotARefusal(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"what it removes is gone": {apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", "remove operation does not apply", 0, false), true},
		"refused by validation":   {apierrors.NewInvalid(Kind.GroupKind(), "web", field.ErrorList{field.Required(field.NewPath("spec"), "")}), false},
		"a conflict already":      {apierrors.NewConflict(schema.GroupResource{}, "web", errors.New("changed")), false},
		"no answer":               {errors.New("connection refused"), false},
		"none":                    {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := outdated(tc.err); got != tc.want {
				t.Errorf("outdated: %t, want %t", got, tc.want)
			}
		})
	}
}
