package artifact

import (
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func TestASpecificationFitsAnEnvironment(t *testing.T) {
	keys := func(n int) v1alpha1.ArtifactSpec {
		key := v1alpha1.PublicKey{PEM: strings.Repeat("k", 4000)}
		return app(func(a *v1alpha1.ArtifactSpec) {
			for range n {
				a.Signatures = append(a.Signatures, v1alpha1.SignaturePolicy{Name: "us", Signer: v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{key}}})
			}
		}).Spec.Artifact
	}
	if err := Validate(keys(24)); err != nil {
		t.Error(err)
	}
	if err := Validate(keys(25)); err == nil || !strings.HasPrefix(err.Error(), "spec.artifact: is 10") {
		t.Errorf("got %v", err)
	}
}
