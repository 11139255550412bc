package controllers

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
)

// What was found of a spec is found anew when the spec, its rule files or the
// object behind its name change, and only then.
func TestASpecIsValidatedOnce(t *testing.T) {
	r := &SignalDeploymentReconciler{}
	sd := testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.UID, sd.Generation = "one", 1
		sd.Spec.Analysis.Metrics = nil
	})
	says := func(when string, wrong bool, files map[v1alpha1.ConfigMapKey]string) {
		t.Helper()
		if _, err := r.valid(sd, files); (err != nil) != wrong {
			t.Errorf("%s: %v", when, err)
		}
	}
	says("a good spec", false, nil)
	sd.Spec.Artifact.Container = "nobody" // as no API server would have it: with the same generation
	says("the same generation", false, nil)
	sd.Generation = 2
	says("the next generation", true, nil)
	sd.Spec.Artifact.Container = ""
	says("a problem is remembered", true, nil)
	says("another file", false, map[v1alpha1.ConfigMapKey]string{{Name: "rules", Key: "a"}: "groups: []"})
	sd.Spec.Artifact.Container = "nobody"
	sd.UID = types.UID("two")
	says("another object of the name", true, map[v1alpha1.ConfigMapKey]string{{Name: "rules", Key: "a"}: "groups: []"})
}
