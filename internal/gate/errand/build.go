// Package errand runs the Jobs of gates, and takes their answers. A Job of the
// user's decides by its exit code. Whether a Secret exists is found out by a
// Job that mounts it and may not read it: the operator itself reads no Secret.
// What a Job does not know is asked again, by another one.
package errand

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/release"
)

// Labels of the Jobs of gates and of their pods. They have neither the name nor
// the release of the pods of releases, so that no Service takes them for one.
const (
	// LabelGates is the SignalDeployment whose gates a pod asks.
	LabelGates = "delivery.signal.dev/gates"
	labelGate  = "delivery.signal.dev/gate"
	labelAsked = "delivery.signal.dev/gate-spec" // a hash of the gate: what was asked before it was edited says nothing
	labelRound = "delivery.signal.dev/round"
)

const (
	secretTimeout = 120 // seconds that looking for a Secret may take
	secretKept    = 900 // seconds for which such a Job is kept: longer than until the next one
	mountPath     = "/signal/secret"
	volumeName    = "secret"
)

// errand is one gate's, of one attempt.
type errand struct {
	sd   *v1alpha1.SignalDeployment
	rel  v1alpha1.Release
	gate v1alpha1.Gate
}

// labels tell the Jobs of one gate of one attempt from all others.
func (e errand) labels() map[string]string {
	return map[string]string{labelGate: e.gate.Name, labelAsked: e.specified(), v1alpha1.LabelAttempt: strconv.Itoa(int(e.rel.Attempt))}
}

// podLabels are on the pods of each round.
func (e errand) podLabels() map[string]string {
	labels := e.labels()
	labels[LabelGates] = e.sd.Name
	return labels
}

// specified is a hash of what the gate asks for.
func (e errand) specified() string {
	text, err := json.Marshal(e.gate)
	if err != nil {
		panic("errand: encode a gate: " + err.Error()) // API types always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}

// build is the Job of one round. Its name is a function of (release, attempt,
// gate, round), so that asking twice creates once.
func (e errand) build(round int, proberImage string) *batchv1.Job {
	labels := release.Labels(e.sd.Name)
	labels[v1alpha1.LabelRelease] = e.rel.Hash
	labels[labelRound] = strconv.Itoa(round)
	maps.Copy(labels, e.labels())
	job := jobs.Job{
		Namespace: e.sd.Namespace, Name: release.GateName(e.sd.Name, e.rel.Hash, e.rel.Attempt, e.gate.Name, e.specified(), round),
		Labels: labels, PodLabels: e.podLabels(), PullSecrets: e.sd.Spec.Template.Spec.ImagePullSecrets,
	}
	if own := e.gate.Job; own != nil {
		job.TimeoutSeconds, job.Retries = own.TimeoutSeconds, own.Retries
		job.Container = corev1.Container{Image: own.Image, Command: own.Command, Args: own.Args, Env: append(e.env(), jobs.Env(own.Env)...)}
		return job.Build()
	}
	job.TimeoutSeconds, job.KeptSeconds = secretTimeout, secretKept
	job.Container = jobs.Prober(proberImage, secretTimeout, "secret")
	job.Container.Env = append(job.Container.Env, corev1.EnvVar{Name: "SIGNAL_SECRET_KEYS", Value: jobs.Encode(e.gate.Secret.Keys)})
	job.Container.VolumeMounts = []corev1.VolumeMount{{Name: volumeName, MountPath: mountPath, ReadOnly: true}}
	job.Volumes = []corev1.Volume{{Name: volumeName, VolumeSource: corev1.VolumeSource{Secret: mounted(*e.gate.Secret)}}} //nolint:forbidigo // the Job mounts it
	return job.Build()
}

// mounted is the Secret as files that nobody may read: whether they are there
// is all that shows. A Secret that does not exist is an empty directory.
func mounted(g v1alpha1.SecretGate) *corev1.SecretVolumeSource {
	source := &corev1.SecretVolumeSource{SecretName: g.Name, Optional: new(true), DefaultMode: new(int32(0))}
	for _, key := range g.Keys {
		source.Items = append(source.Items, corev1.KeyToPath{Key: key, Path: key})
	}
	return source
}

// env tells a Job of the user's what would start, and what serves.
func (e errand) env() []corev1.EnvVar {
	serves := ""
	if stable := e.sd.Status.Stable; stable != nil {
		serves = stable.Version
	}
	return []corev1.EnvVar{
		{Name: "SIGNAL_RELEASE", Value: e.rel.Hash},
		{Name: jobs.EnvReleaseID, Value: e.rel.ID},
		{Name: "SIGNAL_VERSION", Value: e.rel.Version},
		{Name: "SIGNAL_IMAGE", Value: e.rel.Image},
		{Name: "SIGNAL_STABLE_VERSION", Value: serves},
	}
}
