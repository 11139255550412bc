package workload

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// Retire deletes the Deployments, the config copies and the manifests of the releases that
// are not to be kept, by hash. A release that has pods, or may have some, and
// has not been scaled to zero stays, with its configuration.
func Retire(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, keep map[string]bool) error {
	deployments, err := list(ctx, c, sd)
	if err != nil {
		return err
	}
	busy := map[string]bool{}
	for i := range deployments {
		d := &deployments[i]
		hash := hashOf(d)
		if keep[hash] || !idle(d) {
			busy[hash] = true
			continue
		}
		if err := remove(ctx, c, d, "Deployment"); err != nil {
			return err
		}
	}
	return retireCopies(ctx, c, sd, func(hash string) bool { return keep[hash] || busy[hash] })
}

// idle reports whether a Deployment has no pods to lose. What its status says
// of an earlier number of replicas does not count.
func idle(d *appsv1.Deployment) bool {
	return desired(d) == 0 || d.Status.ObservedGeneration >= d.Generation && d.Status.Replicas == 0
}

func retireCopies(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, stays func(hash string) bool) error {
	var all corev1.ConfigMapList
	if err := c.List(ctx, &all, client.InNamespace(sd.Namespace), client.MatchingLabels{v1alpha1.LabelName: sd.Name}, client.HasLabels{v1alpha1.LabelRelease}); err != nil {
		return fmt.Errorf("list ConfigMaps of %s/%s: %w", sd.Namespace, sd.Name, err)
	}
	for i := range all.Items {
		config := &all.Items[i]
		hash := config.Labels[v1alpha1.LabelRelease]
		isCopy := strings.HasPrefix(config.Name, release.ConfigName(sd.Name, hash, "")) // reports are of releases too
		isManifest := strings.HasPrefix(config.Name, release.ManifestName(sd.Name, v1alpha1.Release{Hash: hash}))
		if !isCopy && !isManifest || !owned.Owns(sd, config) || stays(hash) {
			continue
		}
		if err := remove(ctx, c, config, "ConfigMap"); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes exactly the object that was read, not one that has taken its
// name since. One that is gone is removed.
func remove(ctx context.Context, c client.Client, object client.Object, kind string) error {
	uid := object.GetUID()
	err := c.Delete(ctx, object, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete %s %s/%s: %w", kind, object.GetNamespace(), object.GetName(), err)
	}
	return nil
}
