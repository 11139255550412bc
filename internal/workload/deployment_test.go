package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const digest = "sha256:abc"

// deployment is a SignalDeployment whose template names a ConfigMap.
func deployment() *v1alpha1.SignalDeployment {
	return &v1alpha1.SignalDeployment{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "prod", UID: "u1"},
		Spec: v1alpha1.SignalDeploymentSpec{
			Artifact: v1alpha1.ArtifactSpec{Image: "registry:5000/team/app:v1", Container: "main"},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      map[string]string{"team": "web", v1alpha1.LabelRelease: "mine"},
					Annotations: map[string]string{"a": "b"},
				},
				Spec: corev1.PodSpec{
					Containers: []corev1.Container{
						{Name: "proxy", Image: "proxy:1"},
						{Name: "main", EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
							LocalObjectReference: corev1.LocalObjectReference{Name: "settings"},
						}}}},
					},
				},
			},
		},
	}
}

func TestDeployment(t *testing.T) {
	sd := deployment()
	labels := map[string]string{v1alpha1.LabelName: "app", v1alpha1.LabelRelease: "aaa"}
	want := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "app-aaa", Namespace: "prod", Labels: map[string]string{
			v1alpha1.LabelName: "app", v1alpha1.LabelRelease: "aaa", "app.kubernetes.io/managed-by": "signal-operator",
		}},
		Spec: appsv1.DeploymentSpec{
			Replicas:             new(int32(3)),
			RevisionHistoryLimit: new(int32(1)),
			Selector:             &metav1.LabelSelector{MatchLabels: labels},
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: new(intstr.FromInt32(0)), MaxSurge: new(intstr.FromString("25%"))},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      map[string]string{"team": "web", v1alpha1.LabelName: "app", v1alpha1.LabelRelease: "aaa"},
					Annotations: map[string]string{"a": "b"},
				},
				Spec: corev1.PodSpec{
					Containers: []corev1.Container{
						{Name: "proxy", Image: "proxy:1"},
						{Name: "main", Image: "registry:5000/team/app@sha256:abc", EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
							LocalObjectReference: corev1.LocalObjectReference{Name: "app-aaa-settings"},
						}}}},
					},
				},
			},
		},
	}
	got := Deployment(sd, v1alpha1.Release{Hash: "aaa", Image: sd.Spec.Artifact.Image, Digest: digest}, 3)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(deployment(), sd); diff != "" {
		t.Errorf("the SignalDeployment was changed (-want +got):\n%s", diff)
	}
}

func TestDeploymentOfABareTemplate(t *testing.T) {
	sd := deployment()
	sd.Spec.Template = corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "other", Image: "other:1"}}}}
	got := Deployment(sd, v1alpha1.Release{Hash: "aaa", Image: sd.Spec.Artifact.Image, Digest: digest}, 1).Spec.Template
	want := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1alpha1.LabelName: "app", v1alpha1.LabelRelease: "aaa"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "other", Image: "other:1"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
