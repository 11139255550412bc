// Package release says what a release is: a digest, a pod template and the
// configuration that the template names. It gives releases their hashes, ids
// and the names of the objects that belong to them. It is pure.
package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// hashDigits is the length of a release hash: 40 bits, so that the few
// releases of one SignalDeployment do not collide.
const hashDigits = 10

// Asked is the hash of what a specification asks for, before its image has
// been resolved: while it stands still, there is nothing new to release.
func Asked(spec *v1alpha1.SignalDeploymentSpec, configs Configs) string {
	return digest(struct {
		Image, Container string
		Template         corev1.PodTemplateSpec
		Configs          map[string]string
	}{spec.Artifact.Image, spec.Artifact.Container, bare(spec), configs.hashes()})
}

// Hash is the hash of everything the release is made of: the image's digest,
// the template and the configuration. Two tags of one image are one release.
func Hash(spec *v1alpha1.SignalDeploymentSpec, configs Configs, imageDigest string) string {
	return digest(struct {
		Digest   string
		Template corev1.PodTemplateSpec
		Configs  map[string]string
	}{imageDigest, bare(spec), configs.hashes()})
}

// Version is the release's name for people: spec.version, else the image's
// tag, else the first twelve digits of its digest, which may not be known yet.
func Version(spec *v1alpha1.SignalDeploymentSpec, imageDigest string) string {
	if spec.Version != "" {
		return spec.Version
	}
	image, pinned, _ := strings.Cut(spec.Artifact.Image, "@")
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		return image[colon+1:]
	}
	if pinned != "" {
		imageDigest = pinned
	}
	hexDigits := strings.TrimPrefix(imageDigest, "sha256:")
	return hexDigits[:min(12, len(hexDigits))]
}

// Environment is where the release goes: spec.environment, else the namespace.
func Environment(sd *v1alpha1.SignalDeployment) string {
	if sd.Spec.Environment != "" {
		return sd.Spec.Environment
	}
	return sd.Namespace
}

// ID names one attempt at a release for people, such as
// v1.0.0-prod-20260118_083135; the time is UTC.
func ID(version, environment string, start time.Time) string {
	return fmt.Sprintf("%s-%s-%s", version, environment, start.UTC().Format("20060102_150405"))
}

// Container is the index of the container that gets the digest, or -1 when
// the template has none of that name.
func Container(spec *v1alpha1.SignalDeploymentSpec) int {
	for i, c := range spec.Template.Spec.Containers {
		if spec.Artifact.Container == "" || c.Name == spec.Artifact.Container {
			return i
		}
	}
	return -1
}

// bare is the template without what the digest replaces.
func bare(spec *v1alpha1.SignalDeploymentSpec) corev1.PodTemplateSpec {
	template := *spec.Template.DeepCopy()
	if i := Container(spec); i >= 0 {
		template.Spec.Containers[i].Image = ""
	}
	return template
}

// digest is the hash of a value's JSON, whose maps encoding/json sorts.
func digest(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("release: encode %T: %v", value, err)) // API types always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:hashDigits]
}
