package imageprobe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	maxConfig    = 1 << 20 // bytes
	maxManifests = 128     // that an index may list
	maxLayers    = 512     // of an image: no kernel stacks more
	maxLayer     = 1 << 40 // bytes that a layer may claim to have, so that a sum of them is a number
)

// manifest is a manifest or an index as it is sent.
type manifest struct {
	kind   types.MediaType
	raw    []byte
	digest string
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// plainType is a media type without parameters.
func plainType(header types.MediaType) types.MediaType {
	kind, _, _ := strings.Cut(string(header), ";")
	return types.MediaType(strings.TrimSpace(kind))
}

// opaque hides from the library that a reference is a digest: that the content
// has it is for us to say, in words of our own.
type opaque struct{ name.Reference }

// manifest gets what a reference names, and holds it against everything that is
// said about it.
func (s session) manifest(ctx context.Context, ref name.Reference) (manifest, error) {
	got, err := s.puller.Get(ctx, opaque{ref})
	if err != nil {
		return manifest{}, err
	}
	m := manifest{plainType(got.MediaType), got.Manifest, digestOf(got.Manifest)}
	if promised := contradiction(m.digest, s.guard.said(), ref); promised != "" {
		return manifest{}, s.contradicts(ref, promised, m.digest)
	}
	return m, nil
}

// contradiction is the digest that the content should have had, by the
// registry's header or by the reference; "" when it is right.
func contradiction(digest, header string, ref name.Reference) string {
	if pinned, ok := ref.(name.Digest); ok && pinned.DigestStr() != digest {
		return pinned.DigestStr()
	}
	if strings.HasPrefix(header, "sha256:") && header != digest {
		return verdict.Clip(header, 80)
	}
	return ""
}

func (s session) contradicts(of name.Reference, promised, sent string) error {
	return refuse(ReasonUnsupported, "Registry %s says that %s is, or holds, %s, but what it sends is %s: do not trust it; mend the registry, or name the image elsewhere",
		of.Context().RegistryStr(), s.image, promised, sent)
}

// unfit says why an image cannot run.
func (s session) unfit(err error) error {
	return refuse(ReasonUnsupported, "%s cannot run, because %v: name an image, or an index of images, in artifact.image", s.image, err)
}

// incomplete says of something that belongs to the image that it is not there.
func (s session) incomplete(part name.Digest, err error) error {
	if !missing(err) {
		return err
	}
	return refuse(ReasonNotFound, "Registry %s has %s, but not %s, which belongs to it: push all of it", part.Context().RegistryStr(), s.image, part.DigestStr())
}

// decode reads JSON that its digest has been found right of. What is of two
// kinds is refused: one node could run an image that another takes for an index.
func (m manifest) decode(into any) error {
	var all struct {
		MediaType types.MediaType `json:"mediaType"`
		Manifests json.RawMessage `json:"manifests"`
		Config    json.RawMessage `json:"config"`
		Layers    json.RawMessage `json:"layers"`
		FSLayers  json.RawMessage `json:"fsLayers"`
	}
	switch err := errors.Join(json.Unmarshal(m.raw, &all), json.Unmarshal(m.raw, into)); {
	case err != nil && m.kind.IsIndex():
		return errors.New("its index is not JSON of an index")
	case err != nil:
		return errors.New("its manifest is not JSON of a manifest")
	case all.MediaType != "" && all.MediaType != m.kind:
		return fmt.Errorf("the registry calls it %q and it calls itself %q", m.kind, verdict.Clip(string(all.MediaType), 128))
	case m.kind.IsIndex() && (all.Config != nil || all.Layers != nil || all.FSLayers != nil):
		return errors.New("it is an index and a manifest in one")
	case m.kind.IsImage() && all.Manifests != nil:
		return errors.New("it is a manifest and an index in one")
	}
	return nil
}

// index reads an index; the error says why it is none that can run.
func (m manifest) index() (*v1.IndexManifest, error) {
	var index v1.IndexManifest
	if err := m.decode(&index); err != nil {
		return nil, err
	}
	switch n := len(index.Manifests); {
	case n == 0:
		return nil, errors.New("it is an index of nothing")
	case n > maxManifests:
		return nil, fmt.Errorf("its index lists %d manifests, and may list %d", n, maxManifests)
	}
	for i, d := range index.Manifests {
		if err := sound(d, maxManifest); err != nil {
			return nil, err
		}
		if d.MediaType.IsIndex() {
			return nil, errors.New("its index lists an index")
		}
		if d.Platform != nil && d.Platform.OS == "" {
			index.Manifests[i].Platform = nil
		}
	}
	return &index, distinct(index.Manifests)
}

// distinct refuses images that no node could choose between.
func distinct(all []v1.Descriptor) error {
	images := map[string]v1.Hash{}
	for _, d := range all {
		if !runnable(d) {
			continue
		}
		if other, ok := images[likeness(d)]; ok && other != d.Digest {
			return fmt.Errorf("its index lists two images for %s, which nothing tells apart", platformText(*d.Platform))
		}
		images[likeness(d)] = d.Digest
	}
	if len(images) == 0 {
		return errors.New("its index lists no image")
	}
	return nil
}

// likeness is what a node could tell images of an index apart by. Some who
// publish list an image twice, in two compressions, and annotate it.
func likeness(d v1.Descriptor) string {
	if d.Platform == nil {
		return d.Digest.String() // its configuration tells
	}
	return fmt.Sprint(*d.Platform, d.MediaType, d.Annotations)
}

// runnable tells images from what else an index lists: attestations, which are
// of an unknown platform, and artifacts.
func runnable(d v1.Descriptor) bool {
	return d.MediaType.IsImage() && (d.Platform == nil || d.Platform.OS != "unknown") &&
		(d.ArtifactType == "" || types.MediaType(d.ArtifactType).IsConfig())
}

// image reads the manifest of an image; the error says why it is of none.
func (m manifest) image() (*v1.Manifest, error) {
	if !m.kind.IsImage() {
		return nil, fmt.Errorf("its media type is %q", verdict.Clip(string(m.kind), 128))
	}
	var image v1.Manifest
	if err := m.decode(&image); err != nil {
		return nil, err
	}
	switch {
	case image.Config.Digest.Hex == "":
		return nil, errors.New("its manifest names no configuration")
	case !image.Config.MediaType.IsConfig():
		return nil, fmt.Errorf("it is configured by %q, as no image is", verdict.Clip(string(image.Config.MediaType), 128))
	case len(image.Layers) > maxLayers:
		return nil, fmt.Errorf("it has %d layers, and may have %d", len(image.Layers), maxLayers)
	}
	for _, d := range image.Layers {
		if err := sound(d, maxLayer); err != nil {
			return nil, err
		}
	}
	return &image, sound(image.Config, maxConfig)
}

// sound refuses what no content can be.
func sound(d v1.Descriptor, limit int64) error {
	if d.Digest.Algorithm != "sha256" {
		return errors.New("a part of it is named by no sha256 digest")
	}
	if d.Size < 0 || d.Size > limit {
		return fmt.Errorf("%s of it claims to have %d bytes, and may have 0 to %d", d.Digest, d.Size, limit)
	}
	return nil
}

// config reads an image's configuration.
func (s session) config(ctx context.Context, in name.Repository, d v1.Descriptor) (*v1.ConfigFile, error) {
	ref := in.Digest(d.Digest.String())
	content, err := s.open(ctx, ref)
	if err != nil {
		return nil, s.incomplete(ref, err)
	}
	defer func() { _ = content.Close() }()
	text, err := io.ReadAll(io.LimitReader(content, d.Size))
	if sum := digestOf(text); sum != ref.DigestStr() && (err == nil || int64(len(text)) == d.Size) { // the library's own error says it in words that are not typed
		return nil, s.contradicts(ref, ref.DigestStr(), sum)
	}
	if err != nil {
		return nil, err
	}
	var config v1.ConfigFile
	if json.Unmarshal(text, &config) != nil {
		return nil, s.unfit(errors.New("its configuration is not JSON of one"))
	}
	return &config, nil
}

func (s session) open(ctx context.Context, ref name.Digest) (io.ReadCloser, error) {
	layer, err := s.puller.Layer(ctx, ref)
	if err != nil {
		return nil, err
	}
	return layer.Compressed()
}
