package e2e

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/signing"
)

// badStarts are releases that never get to answer.
func badStarts(t *testing.T) []bad {
	t.Helper()
	key := signing.New(t)
	return []bad{
		{
			name: "no-such-tag", ends: v1alpha1.PhaseFailed, reason: []string{"ImageNotFound"}, cause: []string{"no-such-tag"},
			change: func(sd *v1alpha1.SignalDeployment) { sd.Spec.Artifact.Image = image("no-such-tag") },
		},
		{
			name: "wrong-platform", ends: v1alpha1.PhaseFailed, reason: []string{"PlatformMissing"}, cause: []string{"arm64"},
			change: asImage(foreign(t)),
		},
		{
			name: "unsigned", ends: v1alpha1.PhaseFailed, reason: []string{"SignatureMissing"}, cause: []string{"SignatureMissing"},
			change: func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Artifact.Signatures = []v1alpha1.SignaturePolicy{{Name: "ours", Signer: v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{{PEM: key.Public}}}}}
			},
		},
		{
			name: "typo", ends: v1alpha1.PhaseFailed, reason: []string{"TemplateRefused"}, cause: []string{"volumeMounts"},
			change: func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "no-such-volume", MountPath: "/data"}}
			},
		},
		{
			name: "as-root", ends: v1alpha1.PhaseFailed, reason: []string{"DeadlineExceeded"}, cause: []string{"runAsNonRoot"},
			change: func(sd *v1alpha1.SignalDeployment) { sd.Spec.Template.Spec.SecurityContext.RunAsNonRoot = new(false) },
		},
		{
			name: "wrong-config", ends: v1alpha1.PhaseFailed, reason: []string{"DeadlineExceeded", "CrashLooping"}, cause: []string{"SIGNAL_"},
			change: flawed("wrong-config"),
		},
		{
			name: "no-such-command", ends: v1alpha1.PhaseFailed, reason: []string{"DeadlineExceeded", "CrashLooping"}, cause: []string{"/no-such-command"},
			change: func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Template.Spec.Containers[0].Command = []string{"/no-such-command"}
			},
		},
		{
			name: "no-such-key", ends: v1alpha1.PhaseFailed, reason: []string{"DeadlineExceeded"}, cause: []string{"no-such-secret"},
			change: func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Template.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "no-such-secret"}}}}
			},
		},
		{
			name: "too-big", ends: v1alpha1.PhaseFailed, reason: []string{"DeadlineExceeded"}, cause: []string{"Insufficient cpu"},
			change: func(sd *v1alpha1.SignalDeployment) {
				for _, list := range []corev1.ResourceList{sd.Spec.Template.Spec.Containers[0].Resources.Requests, sd.Spec.Template.Spec.Containers[0].Resources.Limits} {
					list[corev1.ResourceCPU] = resource.MustParse("640")
				}
			},
		},
		{
			name: "never-ready", ends: v1alpha1.PhaseFailed, reason: []string{"DeadlineExceeded"}, cause: []string{"not ready"},
			change: with("FAULT_NEVER_READY", "true"),
		},
		{
			name: "slow-start", ends: v1alpha1.PhaseFailed, reason: []string{"DeadlineExceeded"}, cause: []string{"not ready"},
			change: flawed("slow-start"),
		},
		{
			name: "wrong-port", ends: v1alpha1.PhaseFailed, reason: []string{"DeadlineExceeded"}, cause: []string{"not ready"},
			change: func(sd *v1alpha1.SignalDeployment) {
				sd.Spec.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Port = intstr.FromInt32(9)
			},
		},
	}
}

func asImage(ref string) func(*v1alpha1.SignalDeployment) {
	return func(sd *v1alpha1.SignalDeployment) { sd.Spec.Artifact.Image = ref }
}

// foreign is the sample service for a machine that no node is.
func foreign(t *testing.T) string {
	t.Helper()
	image, _ := pull(t, shared.Registry+"/acme/signal-service:v1.0.0")
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.Architecture = "arm64"
	if image, err = mutate.ConfigFile(image, file); err != nil {
		t.Fatal(err)
	}
	ref := shared.Registry + "/acme/signal-service:v1.0.0-arm64"
	push(t, ref, image)
	return ref
}
