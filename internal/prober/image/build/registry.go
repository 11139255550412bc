package build

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
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	maxManifest  = 4 << 20 // bytes of a manifest, an index or a configuration, as registries limit them
	maxManifests = 128     // that an index may list
)

// registry reads manifests and small blobs, and holds each against its digest.
type registry struct {
	puller  *remote.Puller
	missing func(ref name.Reference) error // what it means that something is not there
}

// inputs reads what a build is made of.
func inputs(options []remote.Option) (registry, error) {
	return reader(options, func(ref name.Reference) error {
		return refuse(ReasonInputNotFound, "Registry %s has no %s: push it, or correct the digest in artifact.build.append", ref.Context().RegistryStr(), ref)
	})
}

func reader(options []remote.Option, missing func(name.Reference) error) (registry, error) {
	puller, err := remote.NewPuller(options...)
	if err != nil {
		return registry{}, fmt.Errorf("read the options of registries: %w", err)
	}
	return registry{puller, missing}, nil
}

// manifest is a manifest or an index as it is sent.
type manifest struct {
	kind types.MediaType
	raw  []byte
}

// RawManifest is the content, byte for byte.
func (m manifest) RawManifest() ([]byte, error) { return m.raw, nil }

// MediaType is what the content is sent as.
func (m manifest) MediaType() (types.MediaType, error) { return m.kind, nil }

func (m manifest) digest() string { return digestOf(m.raw) }

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// opaque hides from the library that a reference is a digest: that the content
// has it is for us to say, in words of our own.
type opaque struct{ name.Reference }

func (r registry) manifest(ctx context.Context, ref name.Digest) (manifest, error) {
	got, err := r.puller.Get(ctx, opaque{ref})
	if err != nil {
		return manifest{}, r.pulling(ref, err)
	}
	kind, _, _ := strings.Cut(string(got.MediaType), ";")
	m := manifest{types.MediaType(strings.TrimSpace(kind)), got.Manifest}
	if m.digest() != ref.DigestStr() {
		return manifest{}, contradiction(ref, m.digest())
	}
	return m, nil
}

// blob reads a small blob whole.
func (r registry) blob(ctx context.Context, in name.Repository, d v1.Descriptor) ([]byte, error) {
	ref := in.Digest(d.Digest.String())
	content, err := r.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer func() { _ = content.Close() }()
	text, err := io.ReadAll(io.LimitReader(content, d.Size))
	if sum := digestOf(text); sum != d.Digest.String() && (err == nil || int64(len(text)) == d.Size) { // the library's own error says it in words that are not typed
		return nil, contradiction(ref, sum)
	}
	if err != nil {
		return nil, r.pulling(ref, err)
	}
	return text, nil
}

// open streams a blob.
func (r registry) open(ctx context.Context, ref name.Digest) (io.ReadCloser, error) {
	l, err := r.puller.Layer(ctx, ref)
	if err != nil {
		return nil, r.pulling(ref, err)
	}
	content, err := l.Compressed()
	if err != nil {
		return nil, r.pulling(ref, err)
	}
	return content, nil
}

func contradiction(ref name.Digest, digest string) error {
	return refuse(ReasonDigestMismatch, "Registry %s sends %s for %s: do not trust it; mend the registry, or take the content from elsewhere",
		ref.Context().RegistryStr(), digest, ref)
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
	if err := m.calls(image.MediaType); err != nil {
		return nil, err
	}
	if !image.Config.MediaType.IsConfig() {
		return nil, fmt.Errorf("it is configured by %q, as no image is", verdict.Clip(string(image.Config.MediaType), 128))
	}
	if image.Config.Size < 1 || image.Config.Size > maxManifest {
		return nil, fmt.Errorf("its configuration has %d bytes, and may have 1 to %d", image.Config.Size, maxManifest)
	}
	for _, l := range image.Layers {
		if !l.MediaType.IsLayer() || l.Size < 0 {
			return nil, fmt.Errorf("one of its layers is %q of %d bytes, which is none", verdict.Clip(string(l.MediaType), 128), l.Size)
		}
	}
	return &image, nil
}

// index reads an index; the error says why it is none.
func (m manifest) index() (*v1.IndexManifest, error) {
	var index v1.IndexManifest
	if err := m.decode(&index); err != nil {
		return nil, err
	}
	if len(index.Manifests) > maxManifests {
		return nil, fmt.Errorf("it lists %d manifests, and may list %d", len(index.Manifests), maxManifests)
	}
	return &index, m.calls(index.MediaType)
}

func (m manifest) decode(into any) error {
	if len(m.raw) > maxManifest {
		return fmt.Errorf("its manifest is larger than %d bytes", maxManifest)
	}
	if json.Unmarshal(m.raw, into) != nil {
		return errors.New("its manifest is not JSON of one")
	}
	return nil
}

// calls refuses content that says to be something else than its header says:
// one node could run an image that another takes for an index.
func (m manifest) calls(itself types.MediaType) error {
	if itself == "" || itself == m.kind {
		return nil
	}
	return fmt.Errorf("the registry calls it %q and it calls itself %q", m.kind, verdict.Clip(string(itself), 128))
}

// attests tells what an index lists beside images: attestations, which are of
// an unknown platform.
func attests(d v1.Descriptor) bool { return d.Platform != nil && d.Platform.OS == "unknown" }
