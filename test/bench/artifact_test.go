package bench

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/signing"
)

// BenchmarkResolve measures what the Job that resolves an image does once it
// runs: alone, and with a signature to verify. The registry is a real one, in
// this process.
func BenchmarkResolve(b *testing.B) {
	ref, digest := on.Push(b, "bench")
	key := signing.New(b)
	key.Sign(b, ref[:strings.LastIndex(ref, ":")], digest)
	for _, bench := range []struct {
		name string
		spec v1alpha1.ArtifactSpec
	}{
		{"tag", v1alpha1.ArtifactSpec{Image: ref}},
		{"tag-and-signature", v1alpha1.ArtifactSpec{Image: ref, Signatures: []v1alpha1.SignaturePolicy{
			{Name: "us", Signer: v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{{PEM: key.Public}}}},
		}}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			spec, err := json.Marshal(bench.spec)
			if err != nil {
				b.Fatal(err)
			}
			env := map[string]string{"SIGNAL_ARTIFACT": string(spec), "SIGNAL_INSECURE_REGISTRIES": on.Registry}
			job := prober.Prober{Root: b.TempDir(), Clock: clock.RealClock{}, Env: func(key string) string { return env[key] }}
			for b.Loop() {
				answer, _, err := job.Run(b.Context(), []string{"image", "resolve"})
				if err != nil || verdict.All(verdict.Verdict{}, answer.Verdicts...).Outcome != verdict.Passed || answer.Digest != digest {
					b.Fatalf("%+v %v", answer, err)
				}
			}
		})
	}
}
