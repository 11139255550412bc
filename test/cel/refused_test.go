package cel_test

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// refusal is an object that must not get in: a change to everything, and what
// the API server says to it.
type refusal struct {
	change change
	want   string
}

// refused runs a table of refusals. Each object is offered as kubectl offers
// it, and by server-side apply, as Flux and Helm do.
func refused(t *testing.T, cases map[string]refusal) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := object(t, everything)
			tc.change(u.Object)
			err := apiserver.Create(t.Context(), u.DeepCopy(), client.DryRunAll)
			wantError(t, err, tc.want)
			if err := serverSideApply(t, u); err == nil {
				t.Error("server-side apply let it in")
			}
		})
	}
}

func serverSideApply(t *testing.T, u *unstructured.Unstructured) error {
	t.Helper()
	text, err := json.Marshal(u.Object)
	if err != nil {
		t.Fatal(err)
	}
	return apiserver.Patch(t.Context(), u.DeepCopy(), client.RawPatch(types.ApplyPatchType, text), client.FieldOwner("user"), client.DryRunAll)
}
