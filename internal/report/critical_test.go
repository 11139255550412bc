package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestCriticalPathsForMachines(t *testing.T) {
	var got document
	if err := json.Unmarshal(Make(critically()).JSON, &got); err != nil {
		t.Fatal(err)
	}
	want := []crossing{
		{Name: "read signals", Path: "/v1/signals", Covered: true, By: `check "read"`, Asked: "GET /v1/signals?limit=1", Outcome: verdict.Passed, Phase: v1alpha1.PhaseChecking, Evidence: []int{4}},
		{Name: "one | order", Path: "/v1/orders/{id}", Covered: true, By: `check "write"`, Asked: "GET /v1/orders/${id}", Outcome: verdict.Failed, Phase: v1alpha1.PhaseChecking, Evidence: []int{5}},
		{Name: "stream", Path: "/v1/stream", Covered: true, By: `check "slow"`, Asked: "GET /v1/stream", Outcome: verdict.Unknown, Phase: v1alpha1.PhaseChecking, Evidence: []int{6}},
		{Name: "login", Path: "/login", Outcome: verdict.Unknown, Phase: v1alpha1.PhaseChecking, Evidence: []int{7}},
	}
	if diff := cmp.Diff(want, got.CriticalPaths); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutCriticalPathsThereIsNoTable(t *testing.T) {
	if text := Make(good()).Markdown; strings.Contains(text, "Critical Paths") {
		t.Error("there is one")
	}
}
