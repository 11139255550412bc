package workload

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// Copies are a release's own copies of the ConfigMaps that its template names,
// sorted by name. They are immutable, so that the configuration rolls back
// with the image.
func Copies(sd *v1alpha1.SignalDeployment, hash string, configs release.Configs) []*corev1.ConfigMap {
	copies := make([]*corev1.ConfigMap, 0, len(configs))
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		source := configs[name].DeepCopy() // what is copied may be a cache's
		copies = append(copies, &corev1.ConfigMap{
			ObjectMeta: meta(sd, release.ConfigName(sd.Name, hash, name), hash),
			Immutable:  new(true),
			Data:       source.Data,
			BinaryData: source.BinaryData,
		})
	}
	return copies
}

// Manifest is the immutable ConfigMap that holds the release manifest.
func Manifest(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, in release.Inputs) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: meta(sd, release.ManifestName(sd.Name, rel), rel.Hash),
		Immutable:  new(true),
		Data: map[string]string{
			release.ManifestKey: string(release.Manifest(sd, rel, in)),
			templateKey:         encode(template(sd, rel)),
		},
	}
}

// templateKey of a manifest's ConfigMap holds the pod template, by which it is
// put back when someone edits it: the specification may have moved on by then.
const templateKey = "template.json"

func encode(template corev1.PodTemplateSpec) string {
	text, err := json.Marshal(template)
	if err != nil {
		panic(fmt.Sprintf("workload: encode a pod template: %v", err)) // API types always encode
	}
	return string(text)
}
