package workload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of the verdicts on what someone did to a release's own objects.
const (
	reasonCorrected = "DriftCorrected" // it is put back
	reasonRemains   = "DriftRemains"   // it cannot be
)

// Drift says what someone did to the ConfigMaps that a release is made of and
// to the labels by which they and its Deployment are found. What they ought to
// be is in the release's manifest; without one, there is nothing to hold them
// to.
func Drift(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, in release.Inputs) ([]verdict.Verdict, error) {
	if rel.Digest == "" {
		return nil, nil
	}
	frozen, believed, err := frozenConfigs(ctx, c, sd, rel)
	if err != nil {
		return nil, err
	}
	var all []verdict.Verdict
	if stable := sd.Status.Stable; !believed && stable != nil && stable.Hash == rel.Hash { // else it has not been written yet
		all = append(all, lostManifest(sd, rel, in))
	}
	for _, name := range slices.Sorted(maps.Keys(frozen)) {
		live, err := ours(ctx, c, sd, release.ConfigName(sd.Name, rel.Hash, name), &corev1.ConfigMap{})
		if err != nil {
			return nil, err
		}
		if v := judgeCopy(rel, name, release.ConfigName(sd.Name, rel.Hash, name), live, frozen[name], in); v.Reason != "" {
			all = append(all, v)
		}
	}
	d, err := ours(ctx, c, sd, release.DeploymentName(sd.Name, rel.Hash), &appsv1.Deployment{})
	if err == nil && d != nil && d.Labels[v1alpha1.LabelRelease] != rel.Hash {
		all = append(all, relabelled("Deployment", d.Name, d.Labels[v1alpha1.LabelRelease], rel))
	}
	return all, err
}

// Restore puts back what Drift has found, as far as there is something to put
// it back from.
func Restore(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, in release.Inputs) error {
	frozen, believed, err := frozenConfigs(ctx, c, sd, rel)
	if err != nil {
		return err
	}
	lost := Copies(sd, rel.Hash, restorable(frozen, in))
	if !believed && release.Hash(&sd.Spec, in, rel.Digest) == rel.Hash {
		lost = append(Copies(sd, rel.Hash, in.Configs), Manifest(sd, rel, in))
	}
	for _, config := range lost {
		if err := restore(ctx, c, sd, config); err != nil {
			return err
		}
	}
	d, err := ours(ctx, c, sd, release.DeploymentName(sd.Name, rel.Hash), &appsv1.Deployment{})
	if err != nil || d == nil {
		return err
	}
	return relabel(ctx, c, d, rel.Hash)
}

// restore makes one ConfigMap what it was. It is immutable, so that one with
// another content has to go first.
func restore(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, was *corev1.ConfigMap) error {
	live, err := ours(ctx, c, sd, was.Name, &corev1.ConfigMap{})
	if err != nil {
		return err
	}
	if live != nil && frozenAs(live, release.ConfigHash(was)) {
		return relabel(ctx, c, live, was.Labels[v1alpha1.LabelRelease])
	}
	if live != nil {
		if err := remove(ctx, c, live, "ConfigMap"); err != nil {
			return err
		}
	}
	return owned.Create(ctx, c, sd, was)
}

// frozenAs reports whether a ConfigMap has a content, and keeps it.
func frozenAs(cm *corev1.ConfigMap, hash string) bool {
	return cm.Immutable != nil && *cm.Immutable && release.ConfigHash(cm) == hash
}

// restorable are those of the ConfigMaps at hand that still have the content
// that was frozen.
func restorable(frozen map[string]string, in release.Inputs) release.Configs {
	out := release.Configs{}
	for name, hash := range frozen {
		if source, there := in.Configs[name]; there && release.ConfigHash(source) == hash {
			out[name] = source
		}
	}
	return out
}

// judgeCopy is the verdict on one copy; none when it is as it was.
func judgeCopy(rel v1alpha1.Release, source, name string, live *corev1.ConfigMap, want string, in release.Inputs) verdict.Verdict {
	did, seen := "deleted", "absent"
	switch {
	case live == nil:
	case !frozenAs(live, want):
		did, seen = "replaced", release.ConfigHash(live)
	case live.Labels[v1alpha1.LabelRelease] != rel.Hash:
		return relabelled("ConfigMap", name, live.Labels[v1alpha1.LabelRelease], rel)
	default:
		return verdict.Verdict{}
	}
	v := verdict.Fail(v1alpha1.SignalWorkload, reasonCorrected, "Someone %s ConfigMap %s, which %s runs with: it is made again", did, name, rel.ID)
	if _, can := restorable(map[string]string{source: want}, in)[source]; !can {
		v = verdict.Fail(v1alpha1.SignalWorkload, reasonRemains, "Someone %s ConfigMap %s, which %s runs with, and ConfigMap %q does not have that content any more: put the content back there, or release anew, before a pod has to start",
			did, name, rel.ID, source)
	}
	return verdict.With(v, verdict.Evidence{Value: seen, Threshold: want, Source: "content of ConfigMap " + name})
}

func lostManifest(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, in release.Inputs) verdict.Verdict {
	name := release.ManifestName(sd.Name, rel)
	v := verdict.Fail(v1alpha1.SignalWorkload, reasonCorrected, "Someone deleted or replaced ConfigMap %s, the manifest of %s: it is made again", name, rel.ID)
	if release.Hash(&sd.Spec, in, rel.Digest) != rel.Hash {
		v = verdict.Fail(v1alpha1.SignalWorkload, reasonRemains, "Someone deleted or replaced ConfigMap %s, the manifest of %s, which the spec does not ask for any more: what somebody edits of it cannot be put back", name, rel.ID)
	}
	return verdict.With(v, verdict.Evidence{Threshold: rel.Hash, Source: "hash of what is in ConfigMap " + name})
}

func relabelled(kind, name, seen string, rel v1alpha1.Release) verdict.Verdict {
	v := verdict.Fail(v1alpha1.SignalWorkload, reasonCorrected, "Someone changed the label %s of %s %s, which is of %s: it is put back", v1alpha1.LabelRelease, kind, name, rel.ID)
	return verdict.With(v, verdict.Evidence{Value: verdict.Clip(seen, 256), Threshold: rel.Hash, Source: "labels of " + kind + " " + name})
}

// frozenConfigs are the hashes of the configuration in a manifest of the
// release, by the ConfigMap's name, and whether there is one that can be
// believed. A later attempt at the same release is made of the same.
func frozenConfigs(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) (frozen map[string]string, believed bool, err error) {
	for ; rel.Attempt > 0; rel.Attempt-- {
		manifest, err := keptManifest(ctx, c, sd, rel)
		if _, foreign := errors.AsType[*owned.ForeignError](err); err != nil && !foreign {
			return nil, false, err
		}
		if manifest == nil {
			continue
		}
		if frozen, believed = release.FrozenConfigs(manifest.Data[release.ManifestKey], rel.Hash); believed {
			return frozen, true, nil
		}
	}
	return nil, false, nil
}

// ours is the object of a name, if it is there and the SignalDeployment's, by
// owner and by label.
func ours[T client.Object](ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, name string, object T) (found T, err error) {
	err = c.Get(ctx, client.ObjectKey{Namespace: sd.Namespace, Name: name}, object)
	switch {
	case apierrors.IsNotFound(err):
		return found, nil
	case err != nil:
		return found, fmt.Errorf("read %T %s/%s: %w", object, sd.Namespace, name, err)
	case !owned.Owns(sd, object) || object.GetLabels()[v1alpha1.LabelName] != sd.Name:
		return found, nil
	}
	return object, nil
}

// relabel puts back by which release an object is found.
func relabel(ctx context.Context, c client.Client, object client.Object, hash string) error {
	if object.GetLabels()[v1alpha1.LabelRelease] == hash {
		return nil
	}
	patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, v1alpha1.LabelRelease, hash))
	if err := c.Patch(ctx, object, patch, client.FieldOwner(v1alpha1.FieldManager)); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("put back the labels of %T %s/%s: %w", object, object.GetNamespace(), object.GetName(), err)
	}
	return nil
}
