package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Types of a release manifest that is attached to its image.
const (
	// ManifestType is the artifact type of the referrer.
	ManifestType = "application/vnd.signal.dev.release.v1+json"
	// ManifestKey is the key of a manifest's ConfigMap.
	ManifestKey = "manifest.json"
)

// manifest says what was released where and when, in one piece: its fields are
// in this order, without white space, so that equal releases have equal bytes.
type manifest struct {
	Type        string                   `json:"type"`
	ID          string                   `json:"id"`
	Hash        string                   `json:"hash"`
	Attempt     int32                    `json:"attempt"`
	Namespace   string                   `json:"namespace"`
	Name        string                   `json:"name"`
	Environment string                   `json:"environment"`
	Version     string                   `json:"version"`
	Image       string                   `json:"image"`
	Parts       Parts                    `json:"parts"`
	Artifact    *v1alpha1.ArtifactRecord `json:"artifact,omitempty"`
	TraceID     string                   `json:"traceId"`
}

// Manifest is the release manifest as canonical JSON.
func Manifest(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, in Inputs) []byte {
	text, err := json.Marshal(manifest{
		Type: ManifestType, ID: rel.ID, Hash: rel.Hash, Attempt: rel.Attempt, Namespace: sd.Namespace, Name: sd.Name,
		Environment: Environment(sd), Version: rel.Version, Image: Repository(rel.Image) + "@" + rel.Digest,
		Parts: PartsOf(&sd.Spec, in, rel.Digest), Artifact: rel.Artifact, TraceID: TraceID(sd, rel),
	})
	if err != nil {
		panic(fmt.Sprintf("release: encode a manifest: %v", err)) // API types always encode
	}
	return text
}

// FrozenConfigs are the hashes of the configuration in a release's manifest, by
// the ConfigMap's name. What is in it is believed as far as it makes the
// release's hash.
func FrozenConfigs(text, hash string) (configs map[string]string, believed bool) {
	var m manifest
	if err := json.Unmarshal([]byte(text), &m); err != nil || digest(m.Parts) != hash {
		return nil, false
	}
	return m.Parts.Configs, true
}

// TraceID is the W3C trace id of an attempt, by which its spans, its manifest
// and its report are found together. It is a function of the attempt, so that
// a restart does not change it.
func TraceID(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(sd.UID), rel.Asked, strconv.Itoa(int(rel.Attempt)), rel.ID}, "/")))
	return hex.EncodeToString(sum[:16])
}

// Sealed reports whether the registry is to be looked at once a release is
// over: for a tag that may have moved, or to attach the manifest.
func Sealed(spec *v1alpha1.SignalDeploymentSpec) bool {
	return spec.Artifact.Attach || spec.Artifact.Image != "" && !strings.Contains(spec.Artifact.Image, "@")
}
