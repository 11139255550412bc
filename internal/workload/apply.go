package workload

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// Start makes the release's config copies and its manifest, then its Deployment; what is there
// already is left as it is. The release must be what the spec and its inputs
// describe: once they have moved on, nothing is made, so that no Deployment
// ever runs what its hash does not say.
func Start(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, in release.Inputs, replicas int32) error {
	if release.Hash(&sd.Spec, in, rel.Digest) != rel.Hash {
		return nil
	}
	for _, config := range append(Copies(sd, rel.Hash, in.Configs), Manifest(sd, rel, in)) {
		if err := owned.Create(ctx, c, sd, config); err != nil {
			return err
		}
	}
	return owned.Create(ctx, c, sd, Deployment(sd, rel, replicas))
}

// Mend puts back a release's Deployment and its template, from the manifest that
// was written when it started. One without a manifest is left as it is.
func Mend(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, replicas int32) error {
	text, err := written(ctx, c, sd, rel)
	if text == "" || err != nil {
		return err
	}
	d := Deployment(sd, rel, replicas)
	d.Spec.Template = corev1.PodTemplateSpec{}
	if err := json.Unmarshal([]byte(text), &d.Spec.Template); err != nil {
		return fmt.Errorf("read the template of Deployment %s/%s: %w", sd.Namespace, d.Name, err)
	}
	if err := owned.Create(ctx, c, sd, d); err != nil {
		return err
	}
	patch := client.RawPatch(types.JSONPatchType, fmt.Appendf(nil, `[{"op":"replace","path":"/spec/template","value":%s}]`, text))
	if err := c.Patch(ctx, d, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("put back the template of Deployment %s/%s: %w", sd.Namespace, d.Name, err)
	}
	return nil
}

// written is the template in the release's manifest; empty when there is no
// manifest, or not the one that was written.
func written(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) (string, error) {
	manifest, err := keptManifest(ctx, c, sd, rel)
	if manifest == nil || err != nil {
		return "", err
	}
	return manifest.Data[templateKey], nil
}

// keptManifest is the ConfigMap with the manifest of the release's attempt, or nil
// when it is not there, or not the one that was written.
func keptManifest(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) (*corev1.ConfigMap, error) {
	manifest := &corev1.ConfigMap{}
	key := client.ObjectKey{Namespace: sd.Namespace, Name: release.ManifestName(sd.Name, rel)}
	if err := c.Get(ctx, key, manifest); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil //nolint:nilnil // absence is an answer here, not an error
		}
		return nil, fmt.Errorf("read ConfigMap %s: %w", key, err)
	}
	if !owned.Owns(sd, manifest) || manifest.Labels[v1alpha1.LabelName] != sd.Name {
		return nil, &owned.ForeignError{Kind: "ConfigMap", Name: key.Name, Owner: sd.Name}
	}
	if manifest.Immutable == nil || !*manifest.Immutable {
		return nil, nil //nolint:nilnil // as if it were absent
	}
	return manifest, nil
}

// Scale sets the number of the release's pods, where it differs. A release
// without a Deployment is left alone; a foreign Deployment of that name is an
// owned.ForeignError.
func Scale(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, hash string, replicas int32) error {
	var d appsv1.Deployment
	key := client.ObjectKey{Namespace: sd.Namespace, Name: release.DeploymentName(sd.Name, hash)}
	if err := c.Get(ctx, key, &d); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("read Deployment %s: %w", key, err)
	}
	if !owned.Owns(sd, &d) {
		return &owned.ForeignError{Kind: "Deployment", Name: key.Name, Owner: sd.Name}
	}
	if d.Spec.Replicas != nil && *d.Spec.Replicas == replicas {
		return nil
	}
	patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas))
	if err := c.Patch(ctx, &d, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("scale Deployment %s to %d: %w", key, replicas, err)
	}
	return nil
}
