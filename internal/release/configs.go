package release

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Configs are the ConfigMaps that a template names, by name.
type Configs map[string]*corev1.ConfigMap

// hashes are the hashes of the contents.
func (c Configs) hashes() map[string]string {
	out := make(map[string]string, len(c))
	for name, cm := range c {
		out[name] = ConfigHash(cm)
	}
	return out
}

// ConfigHash is the hash of a ConfigMap's content.
func ConfigHash(cm *corev1.ConfigMap) string {
	return digest(struct {
		Data   map[string]string
		Binary map[string][]byte
	}{cm.Data, cm.BinaryData})
}

// ConfigNames are the ConfigMaps that a template names, sorted, and whether
// each may be missing.
func ConfigNames(template *corev1.PodTemplateSpec) (names []string, optional map[string]bool) {
	optional = map[string]bool{}
	eachConfig(template, func(name *string, missing *bool) {
		may := missing != nil && *missing
		if was, seen := optional[*name]; seen {
			may = may && was
		}
		optional[*name] = may
	})
	delete(optional, "")
	return slices.Sorted(maps.Keys(optional)), optional
}

// Rename gives every ConfigMap that the template names the name that to says.
func Rename(template *corev1.PodTemplateSpec, to func(name string) string) {
	eachConfig(template, func(name *string, _ *bool) { *name = to(*name) })
}

// eachConfig visits every place of a template that names a ConfigMap.
func eachConfig(template *corev1.PodTemplateSpec, visit func(name *string, optional *bool)) {
	for i := range template.Spec.Volumes {
		eachVolumeConfig(&template.Spec.Volumes[i], visit)
	}
	for _, containers := range [][]corev1.Container{template.Spec.InitContainers, template.Spec.Containers} {
		for i := range containers {
			eachContainerConfig(&containers[i], visit)
		}
	}
}

func eachVolumeConfig(volume *corev1.Volume, visit func(*string, *bool)) {
	if cm := volume.ConfigMap; cm != nil {
		visit(&cm.Name, cm.Optional)
	}
	if volume.Projected == nil {
		return
	}
	for i := range volume.Projected.Sources {
		if cm := volume.Projected.Sources[i].ConfigMap; cm != nil {
			visit(&cm.Name, cm.Optional)
		}
	}
}

func eachContainerConfig(container *corev1.Container, visit func(*string, *bool)) {
	for i := range container.EnvFrom {
		if cm := container.EnvFrom[i].ConfigMapRef; cm != nil {
			visit(&cm.Name, cm.Optional)
		}
	}
	for i := range container.Env {
		if from := container.Env[i].ValueFrom; from != nil && from.ConfigMapKeyRef != nil {
			visit(&from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Optional)
		}
	}
}
