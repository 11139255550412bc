// Package workload spells out what a release runs as: a Deployment, its copies
// of the configuration and the disruption budget; it puts them into the
// cluster and says how their pods are. It decides neither how many pods a
// release has nor when they go.
package workload

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// Deployment runs the release. Its template is frozen: the image is a digest,
// and the ConfigMaps are the release's own copies.
func Deployment(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: meta(sd, release.DeploymentName(sd.Name, rel.Hash), rel.Hash),
		Spec: appsv1.DeploymentSpec{
			Replicas:             &replicas,
			RevisionHistoryLimit: new(int32(1)), // the template never changes, so that there is one revision
			Selector:             &metav1.LabelSelector{MatchLabels: release.Selector(sd.Name, rel.Hash)},
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxUnavailable: new(intstr.FromInt32(0)),
					MaxSurge:       new(intstr.FromString("25%")),
				},
			},
			Template: template(sd, rel),
		},
	}
}

// template is the user's, pinned. Its labels are kept but for ours, by which
// the Services select.
func template(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) corev1.PodTemplateSpec {
	out := *sd.Spec.Template.DeepCopy()
	labels := maps.Clone(out.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, release.Selector(sd.Name, rel.Hash))
	out.Labels = labels
	if i := release.Container(&sd.Spec); i >= 0 {
		out.Spec.Containers[i].Image = release.Repository(rel.Image) + "@" + rel.Digest
	}
	release.Rename(&out, func(name string) string { return release.ConfigName(sd.Name, rel.Hash, name) })
	return out
}

// meta is the name and the labels of an object that belongs to a release.
func meta(sd *v1alpha1.SignalDeployment, name, hash string) metav1.ObjectMeta {
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelRelease] = hash
	return metav1.ObjectMeta{Name: name, Namespace: sd.Namespace, Labels: labels}
}
