package artifact

import (
	"fmt"
	"path"
	"regexp"

	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// mounts are what a Job is given to read.
type mounts struct {
	volumes []corev1.Volume
	mounts  []corev1.VolumeMount
}

var unnamable = regexp.MustCompile(`[^a-z0-9-]`)

// add mounts a source for reading, unless it is mounted there already.
func (m *mounts) add(name, at string, source corev1.VolumeSource) {
	for _, mount := range m.mounts {
		if mount.MountPath == at {
			return
		}
	}
	name = fmt.Sprintf("%s-%d", unnamable.ReplaceAllString(name, "-"), len(m.volumes))
	m.volumes = append(m.volumes, corev1.Volume{Name: name, VolumeSource: source})
	m.mounts = append(m.mounts, corev1.VolumeMount{Name: name, MountPath: at, ReadOnly: source.EmptyDir == nil && source.PersistentVolumeClaim == nil || source.PersistentVolumeClaim != nil && source.PersistentVolumeClaim.ReadOnly})
}

// secrets mounts the pull secrets. One that does not exist is an empty folder,
// of which the prober can say more than a pod that does not start.
func (m *mounts) secrets(sd *v1alpha1.SignalDeployment) {
	for _, secret := range sd.Spec.Template.Spec.ImagePullSecrets {
		m.add("pull", path.Join(pullPath, secret.Name), corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: secret.Name, Optional: new(true)}}) //nolint:forbidigo // by name: the node mounts it
	}
}

// docker mounts the first pull secret as the configuration of a builder.
func (m *mounts) docker(sd *v1alpha1.SignalDeployment) {
	if secrets := sd.Spec.Template.Spec.ImagePullSecrets; len(secrets) > 0 {
		m.add("docker", dockerPath, corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{ //nolint:forbidigo // by name: the node mounts it
			SecretName: secrets[0].Name, Optional: new(true),
			Items: []corev1.KeyToPath{{Key: corev1.DockerConfigJsonKey, Path: "config.json"}},
		}})
	}
}

// trust mounts the ConfigMaps that hold keys and trust roots.
func (m *mounts) trust(spec v1alpha1.ArtifactSpec) {
	for _, file := range TrustFiles(spec) {
		m.add("trust", path.Join(trustPath, file.Name), corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: file.Name}, Optional: new(true),
		}})
	}
}

// TrustFiles are the ConfigMap keys that hold what signatures are verified by.
func TrustFiles(spec v1alpha1.ArtifactSpec) []v1alpha1.ConfigMapFile {
	var files []v1alpha1.ConfigMapFile
	signer := func(s v1alpha1.Signer) {
		for _, key := range s.PublicKeys {
			if key.ConfigMap != nil {
				files = append(files, *key.ConfigMap)
			}
		}
		if s.Keyless != nil {
			files = append(files, s.Keyless.TrustRoot)
		}
	}
	for _, policy := range spec.Signatures {
		signer(policy.Signer)
	}
	for _, policy := range spec.Attestations {
		signer(policy.Signer)
	}
	return files
}

// layers mounts the volumes that hold tarballs, and room to work in.
func (m *mounts) layers(build *v1alpha1.AppendBuild) {
	for _, layer := range build.Layers {
		if layer.Volume != nil {
			m.add("volume", path.Join(volumePath, layer.Volume.Claim), corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: layer.Volume.Claim, ReadOnly: true},
			})
		}
	}
	m.scratch()
}

func (m *mounts) scratch() {
	m.add("scratch", scratchPath, corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
}
