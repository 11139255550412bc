package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// A drill runs what the stable release runs, with its configuration, and
// nothing that selects the release selects the drill.
func TestDrill(t *testing.T) {
	configs := release.Configs{"settings": {Data: map[string]string{"a": "1"}}}
	in := release.Inputs{Configs: configs}
	stable := v1alpha1.Release{Digest: digest, Attempt: 1, Hash: release.Hash(&deployment().Spec, in, digest)}
	var patches []string
	c := world(&patches)
	if err := Drill(t.Context(), c, deployment(), stable, 1); err != nil || len(names(t, c)) > 0 {
		t.Fatalf("a release without a manifest is rehearsed: %v, %v", names(t, c), err)
	}
	if err := Start(t.Context(), c, deployment(), stable, in, 2); err != nil {
		t.Fatal(err)
	}
	before := names(t, c)
	sd := deployment()
	sd.Spec.Template.Spec.Containers[0].Name = "moved-on" // the spec is not what it was
	for range 2 {
		if err := Drill(t.Context(), c, sd, stable, 1); err != nil {
			t.Fatal(err)
		}
	}
	if len(names(t, c)) != len(before)+1 {
		t.Errorf("there was %v, and is %v", before, names(t, c))
	}
	read := func(name string) (d appsv1.Deployment) {
		t.Helper()
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: "prod", Name: name}, &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	serves, drill := read("app-"+stable.Hash), read("app-drill"+stable.Hash)
	hash := release.DrillHash(stable.Hash)
	if !release.IsDrill(hash) || release.IsDrill(stable.Hash) || hashOf(&drill) != hash || *drill.Spec.Replicas != 1 {
		t.Errorf("hash %s, selected by %s, %d replicas", hash, hashOf(&drill), *drill.Spec.Replicas)
	}
	if got := drill.Spec.Template.Labels[v1alpha1.LabelRelease]; got != hash || drill.Labels[v1alpha1.LabelRelease] != hash {
		t.Errorf("the pods are of release %s, the Deployment of %s", got, drill.Labels[v1alpha1.LabelRelease])
	}
	drill.Spec.Template.Labels[v1alpha1.LabelRelease] = stable.Hash
	if diff := cmp.Diff(serves.Spec.Template, drill.Spec.Template); diff != "" {
		t.Errorf("template (-stable +drill):\n%s", diff)
	}
}

func TestDrillHashFits(t *testing.T) {
	for stable, want := range map[string]string{"0123456789": "drill0123456789", "v1": "drillv1", "01234567890123456": "drill01234567890"} {
		if got := release.DrillHash(stable); got != want || len(got) > 16 {
			t.Errorf("%s: %s", stable, got)
		}
	}
}
