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

// Inputs are the contents of what a specification points to.
type Inputs struct {
	Configs Configs                          // that the template names
	Rules   map[v1alpha1.ConfigMapKey]string // files of alert rules
}

// Parts are the hashes of everything that a release is made of. Together they
// are its identity.
type Parts struct {
	Digest    string            `json:"digest"`
	Template  string            `json:"template"`
	Configs   map[string]string `json:"configs,omitempty"` // by the ConfigMap's name
	Alerts    string            `json:"alerts"`
	Checks    string            `json:"checks"`
	Dashboard string            `json:"dashboard,omitempty"` // absent: none is asked for
}

// PartsOf are the parts that a specification and a digest make.
func PartsOf(spec *v1alpha1.SignalDeploymentSpec, in Inputs, imageDigest string) Parts {
	checks := spec.Checks
	checks.Load.Background = nil // it decides nothing
	rules := make([]string, 0, len(spec.Alerts.RulesFrom))
	for _, from := range spec.Alerts.RulesFrom {
		rules = append(rules, in.Rules[from])
	}
	return Parts{
		Digest: imageDigest, Template: digest(bare(spec)), Configs: in.Configs.hashes(), Checks: digest(checks), Dashboard: dashboard(spec),
		Alerts: digest(struct {
			Spec  v1alpha1.AlertsSpec
			Files []string
		}{spec.Alerts, rules}),
	}
}

// dashboard is the hash of how the dashboard is delivered. The dashboard itself
// is generated, and the same for every release.
func dashboard(spec *v1alpha1.SignalDeploymentSpec) string {
	if spec.Dashboard == nil {
		return ""
	}
	return digest(spec.Dashboard)
}

// Asked is the hash of what a specification asks for, before its image has
// been resolved: while it stands still, there is nothing new to release.
func Asked(spec *v1alpha1.SignalDeploymentSpec, in Inputs) string {
	return digest(struct {
		Artifact v1alpha1.ArtifactSpec
		Parts    Parts
	}{spec.Artifact, PartsOf(spec, in, "")})
}

// Hash is the hash of everything the release is made of: the image's digest,
// the template, the configuration, the alert rules, the checks and the dashboard. Two tags of
// one image are one release.
func Hash(spec *v1alpha1.SignalDeploymentSpec, in Inputs, imageDigest string) string {
	return digest(PartsOf(spec, in, imageDigest))
}

// Image is the reference that is to be resolved: the image that is asked for,
// or the repository that it is built into.
func Image(spec *v1alpha1.SignalDeploymentSpec) string {
	if spec.Artifact.Image == "" {
		return spec.Artifact.Repository
	}
	return spec.Artifact.Image
}

// Repository is an image's reference without its tag and digest.
func Repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") { // else it is the registry's port
		return image[:colon]
	}
	return image
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
