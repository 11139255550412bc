package build

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// made is what is pushed.
type made struct {
	images []madeImage
	index  *manifest // nil when there is one image alone
}

type madeImage struct {
	layers   []v1.Layer
	config   v1.Layer
	manifest manifest
}

// top is what the others are found by.
func (m made) top() manifest {
	if m.index != nil {
		return *m.index
	}
	return m.images[0].manifest
}

// roomFor refuses more layers than a runtime can stack.
func (b base) roomFor(layers int) error {
	for _, i := range b.images {
		if n := len(i.layers) + layers; n > maxLayers {
			return refuse(ReasonTooLarge, "The image would have %d layers, and may have %d: join some of artifact.build.append.layers", n, maxLayers)
		}
	}
	return nil
}

// compose puts the layers on every image. Whatever the base says and the
// specification does not change stays as it is, but for a subject: what is made
// is about nothing else.
func (b base) compose(spec v1alpha1.AppendBuild, layers []layer) (made, error) {
	var m made
	var listed []v1.Descriptor
	for _, i := range b.images {
		composed, err := i.compose(spec, layers)
		if err != nil {
			return made{}, err
		}
		m.images = append(m.images, composed)
		d := i.listed
		d.Digest, d.Size = hashOf(composed.manifest.raw), int64(len(composed.manifest.raw))
		d.Data, d.URLs = nil, nil
		listed = append(listed, d)
	}
	if b.index == nil {
		return m, nil
	}
	index := *b.index
	index.MediaType, index.Manifests, index.Subject = b.kind, listed, nil
	raw, err := json.Marshal(index)
	m.index = &manifest{b.kind, raw}
	return m, err
}

func (i image) compose(spec v1alpha1.AppendBuild, layers []layer) (madeImage, error) {
	config, err := configure(i.config, spec, layers)
	if err != nil {
		return madeImage{}, err
	}
	made := madeImage{layers: slices.Clone(i.layers), config: static.NewLayer(config, i.manifest.Config.MediaType)}
	m := *i.manifest
	m.MediaType, m.Subject, m.Layers = i.kind, nil, slices.Clone(m.Layers)
	m.Config.Digest, m.Config.Size, m.Config.Data = hashOf(config), int64(len(config)), nil
	for _, l := range layers {
		typed := l.as(i.kind)
		made.layers = append(made.layers, typed)
		m.Layers = append(m.Layers, typed.d)
	}
	raw, err := json.Marshal(m)
	made.manifest = manifest{i.kind, raw}
	return made, err
}

// as is the layer in an image of the given type: both families are kept.
func (l layer) as(image types.MediaType) stored {
	kind := types.OCILayer
	if image == types.DockerManifestSchema2 {
		kind = types.DockerLayer
	}
	return stored{v1.Descriptor{MediaType: kind, Size: l.size, Digest: l.digest}, l.open}
}

func hashOf(content []byte) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: strings.TrimPrefix(digestOf(content), "sha256:")}
}

// object is a JSON object of which not all is known. Readers of images do not
// tell upper from lower case in names; neither does it.
type object map[string]json.RawMessage

func (o object) get(key string, into any) error {
	for k, v := range o {
		if strings.EqualFold(k, key) {
			return json.Unmarshal(v, into)
		}
	}
	return nil
}

func (o object) set(key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	maps.DeleteFunc(o, func(k string, _ json.RawMessage) bool { return strings.EqualFold(k, key) })
	o[key] = text
	return nil
}

// settings are the parts of a configuration that a build reads or changes.
type settings struct {
	OS      string
	RootFS  v1.RootFS
	History []json.RawMessage
	Config  object
}

// fits refuses a configuration that layers cannot be added to.
func fits(config []byte, layers int) error {
	var s settings
	var all object
	if json.Unmarshal(config, &s) != nil || json.Unmarshal(config, &all) != nil || all == nil {
		return errors.New("its configuration is not JSON of one")
	}
	if s.OS != "" && s.OS != "linux" {
		return fmt.Errorf("it is for %q, whose layers are made otherwise", s.OS)
	}
	if len(s.RootFS.DiffIDs) != layers {
		return fmt.Errorf("its configuration speaks of %d layers and its manifest of %d", len(s.RootFS.DiffIDs), layers)
	}
	folded := map[string]bool{}
	for _, o := range []object{all, s.Config} {
		clear(folded)
		for k := range o {
			if folded[strings.ToLower(k)] {
				return fmt.Errorf("its configuration says %q twice", strings.ToLower(k))
			}
			folded[strings.ToLower(k)] = true
		}
	}
	return nil
}

// configure is the configuration with the layers and what the specification
// replaces. No time is written: created stays the base's, and the layers'
// history has none.
func configure(config []byte, spec v1alpha1.AppendBuild, layers []layer) ([]byte, error) {
	var s settings
	var all object
	if err := errors.Join(json.Unmarshal(config, &s), json.Unmarshal(config, &all)); err != nil {
		return nil, fmt.Errorf("read the base's configuration: %w", err)
	}
	for i, l := range layers {
		s.RootFS.Type = "layers"
		s.RootFS.DiffIDs = append(s.RootFS.DiffIDs, l.diffID)
		s.History = append(s.History, json.RawMessage(fmt.Sprintf(`{"created_by":"append layer %d of %d"}`, i+1, len(layers))))
	}
	if s.Config == nil {
		s.Config = object{}
	}
	if err := s.Config.replace(spec); err != nil {
		return nil, fmt.Errorf("configure the image: %w", err)
	}
	if err := errors.Join(all.set("rootfs", s.RootFS), all.set("history", s.History), all.set("config", s.Config)); err != nil {
		return nil, fmt.Errorf("configure the image: %w", err)
	}
	return json.Marshal(all)
}

// replace sets what the specification says. A new entrypoint takes the base's
// cmd with it, which was written for the old one.
func (o object) replace(spec v1alpha1.AppendBuild) error {
	var errs []error
	if len(spec.Entrypoint) > 0 {
		errs = append(errs, o.set("Entrypoint", spec.Entrypoint), o.set("Cmd", nil))
	}
	if len(spec.Cmd) > 0 {
		errs = append(errs, o.set("Cmd", spec.Cmd))
	}
	if spec.User != "" {
		errs = append(errs, o.set("User", spec.User))
	}
	if spec.WorkingDir != "" {
		errs = append(errs, o.set("WorkingDir", spec.WorkingDir))
	}
	if len(spec.Env) > 0 {
		var env []string
		errs = append(errs, o.get("Env", &env), o.set("Env", environment(env, spec.Env)))
	}
	if len(spec.Labels) > 0 {
		labels := map[string]string{}
		errs = append(errs, o.get("Labels", &labels))
		if labels == nil { // null
			labels = map[string]string{}
		}
		maps.Copy(labels, spec.Labels)
		errs = append(errs, o.set("Labels", labels))
	}
	return errors.Join(errs...)
}

// environment replaces variables by name, where they stand; new ones follow.
func environment(base []string, more []v1alpha1.CheckEnv) []string {
	for _, e := range more {
		named := func(s string) bool { return strings.HasPrefix(s, e.Name+"=") || s == e.Name }
		at := slices.IndexFunc(base, named)
		if at < 0 {
			base = append(base, e.Name+"="+e.Value)
			continue
		}
		base[at] = e.Name + "=" + e.Value
		after := at + 1
		base = append(base[:after], slices.DeleteFunc(base[after:], named)...)
	}
	return base
}
