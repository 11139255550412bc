package workload

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Side is the pods of one release.
type Side struct {
	// Desired is how many there are to be, Created how many there are,
	// terminating ones left out.
	Desired, Created int32
	// Ready is how many of the desired ones are ready, which is what Services
	// go by. Availability is not asked for: it is readiness that has lasted
	// for minReadySeconds, which a release does not set, since every step of
	// its strategy has a hold of its own.
	//
	// While the Deployment's controller has not seen the latest number of
	// replicas, its count is of what was there before: that many are ready
	// still when the number has risen, and at most the new number stay when it
	// has fallen. So it counts up to Desired, and is not taken for zero, which
	// would say that the release is dead.
	Ready int32
	// Verdict says whether all desired pods are ready, and what is in the way.
	Verdict verdict.Verdict
	// Pods that are to serve, sorted by name.
	Pods []corev1.Pod
	// Templates that those pods were made of, by their label
	// pod-template-hash, sorted.
	Templates []string
	// Crashes of those pods.
	Crashes []Crash
}

// Read says how the pods of each release are, by its hash.
func Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment) (map[string]Side, error) {
	deployments, err := list(ctx, c, sd)
	if err != nil {
		return nil, err
	}
	pods, err := podsByRelease(ctx, c, sd)
	if err != nil {
		return nil, err
	}
	sides := make(map[string]Side, len(deployments))
	for i := range deployments {
		d := &deployments[i]
		hash := hashOf(d)
		side := Side{Desired: desired(d), Created: d.Status.Replicas, Pods: pods[hash], Crashes: crashes(pods[hash])}
		for _, pod := range side.Pods {
			if template := pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey]; template != "" {
				side.Templates = append(side.Templates, template)
			}
		}
		slices.Sort(side.Templates)
		side.Templates = slices.Compact(side.Templates)
		side.Ready = min(d.Status.ReadyReplicas, side.Desired)
		side.Verdict = verdict.Named(judge(d, side, pods[hash]), d.Name)
		sides[hash] = side
	}
	return sides, nil
}

// list are the Deployments of the SignalDeployment's releases.
func list(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment) ([]appsv1.Deployment, error) {
	var all appsv1.DeploymentList
	if err := c.List(ctx, &all, client.InNamespace(sd.Namespace), client.MatchingLabels{v1alpha1.LabelName: sd.Name}); err != nil {
		return nil, fmt.Errorf("list Deployments of %s/%s: %w", sd.Namespace, sd.Name, err)
	}
	return slices.DeleteFunc(all.Items, func(d appsv1.Deployment) bool {
		return !owned.Owns(sd, &d) || hashOf(&d) == ""
	}), nil
}

// hashOf is the release that a Deployment runs, by its selector: unlike its
// labels, nobody can change that.
func hashOf(d *appsv1.Deployment) string {
	if d.Spec.Selector == nil {
		return ""
	}
	return d.Spec.Selector.MatchLabels[v1alpha1.LabelRelease]
}

// podsByRelease are the pods that are to serve, by the hash of their release
// and sorted by name. Pods of checks, and those that are going or have ended,
// are left out.
func podsByRelease(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment) (map[string][]corev1.Pod, error) {
	var all corev1.PodList
	if err := c.List(ctx, &all, client.InNamespace(sd.Namespace), client.MatchingLabels{v1alpha1.LabelName: sd.Name}); err != nil {
		return nil, fmt.Errorf("list pods of %s/%s: %w", sd.Namespace, sd.Name, err)
	}
	slices.SortFunc(all.Items, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	pods := map[string][]corev1.Pod{}
	for _, pod := range all.Items {
		_, check := pod.Labels[v1alpha1.LabelCheck]
		ended := pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
		if hash := pod.Labels[v1alpha1.LabelRelease]; !check && !ended && pod.DeletionTimestamp.IsZero() {
			pods[hash] = append(pods[hash], pod)
		}
	}
	return pods, nil
}

// desired is how many replicas a Deployment is to have, 1 by default.
func desired(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}
