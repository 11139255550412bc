package cel_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestStatusOfANewObject tells the truth before the operator has seen it: a
// status that a user sends along counts for nothing.
func TestStatusOfANewObject(t *testing.T) {
	t.Parallel()
	u := another(t, "status-new")
	u.Object["status"] = map[string]any{"observedGeneration": int64(7), "phase": "Succeeded"}
	create(t, u)
	if diff := cmp.Diff(map[string]any{"observedGeneration": int64(-1)}, u.Object["status"]); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// TestStatusIsASubresource keeps the two writers apart.
func TestStatusIsASubresource(t *testing.T) {
	t.Parallel()
	u := another(t, "status-apart")
	create(t, u)

	set("spec.replicas", int64(9))(u.Object)
	u.Object["status"] = map[string]any{"observedGeneration": int64(1), "phase": "Resolving", "weight": int64(0), "replicas": int64(0), "readyReplicas": int64(0)}
	if err := apiserver.Status().Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	got, _, err := unstructured.NestedInt64(u.Object, "spec", "replicas")
	if err != nil {
		t.Fatal(err)
	}
	if got != 1 {
		t.Errorf("spec.replicas = %d after a write of status; want 1", got)
	}
	if got := u.GetGeneration(); got != 1 {
		t.Errorf("generation = %d after a write of status; want 1", got)
	}

	set("status.phase", "Failed")(u.Object)
	if err := apiserver.Update(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	if phase, _, _ := unstructured.NestedString(u.Object, "status", "phase"); phase != "Resolving" {
		t.Errorf("status.phase = %s after a write of the spec; want Resolving", phase)
	}
}

// TestRefusedStatus guards against the operator's own slips.
func TestRefusedStatus(t *testing.T) {
	t.Parallel()
	u := another(t, "status-refused")
	create(t, u)
	for name, tc := range map[string]refusal{
		"phase unknown":   {set("status.phase", "Waiting"), `status.phase: Unsupported value: "Waiting"`},
		"weight 101":      {set("status.weight", int64(101)), `weight in body should be less than or equal to 100`},
		"verdict unknown": {set("status.verdict", "Maybe"), `status.verdict: Unsupported value: "Maybe": supported values: "Passed", "Failed", "Unknown"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := u.DeepCopy()
			tc.change(changed.Object)
			err := apiserver.Status().Update(t.Context(), changed, client.DryRunAll)
			wantError(t, err, tc.want)
		})
	}
}
