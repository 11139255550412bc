package chart_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKustomizeDefault(t *testing.T) {
	t.Parallel()
	out, err := output(t, kubectl, "kustomize", filepath.Join(root, "config", "default"))
	if err != nil {
		t.Fatal(err)
	}
	accepted(t, objects(t, out))
}

func TestKustomizeNamespaced(t *testing.T) {
	t.Parallel()
	out, err := output(t, kubectl, "kustomize", filepath.Join(root, "config", "namespaced"))
	if err != nil {
		t.Fatal(err)
	}
	all := objects(t, out)
	got := kinds(all)
	slices.Sort(got)
	want := []string{
		"Deployment signal-operator",
		"NetworkPolicy signal-operator",
		"Role signal-operator",
		"Role signal-operator-leader-election",
		"RoleBinding signal-operator",
		"RoleBinding signal-operator-leader-election",
		"ServiceAccount signal-operator",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	wantArgs := []string{
		"--leader-elect",
		"--metrics-bind-address=127.0.0.1:8080",
		"--health-probe-bind-address=:8081",
		"--prober-image=ghcr.io/signal-delivery/signal-operator:v0.1.0",
		"--metrics-secure=false",
		"--namespaces=$(POD_NAMESPACE)",
	}
	if diff := cmp.Diff(wantArgs, arguments(t, all)); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	accepted(t, all)
}
