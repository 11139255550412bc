// Package artifact pins what a release runs. Jobs in the user's namespace find
// the digest, build it and verify who signed it; this room spells out those
// Jobs, reads what they found, and says whether the pods run it. It asks no
// registry itself, and reads no Secret.
package artifact

import (
	"fmt"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxSpec is how large a specification may be as JSON, in bytes: it travels in
// an environment variable, which Linux bounds at 128 KiB.
const maxSpec = 96 << 10

// Validate finds what the schema cannot: an error that names the field.
func Validate(spec v1alpha1.ArtifactSpec) error {
	if size := len(jobs.Encode(spec)); size > maxSpec {
		return fmt.Errorf("spec.artifact: is %d bytes as JSON, of which %d fit into a Job's environment: keep public keys in ConfigMaps (signer.publicKeys[].configMap), or have fewer rules", size, maxSpec)
	}
	return nil
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalArtifact, reason, format, args...)
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalArtifact, reason, format, args...)
}
