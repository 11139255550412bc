package build

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// base is what layers are put on.
type base struct {
	index  *v1.IndexManifest // nil when the base is a single image
	kind   types.MediaType   // of the index
	images []image
	left   []string // platforms that are left out
}

// image is the base for one platform.
type image struct {
	listed   v1.Descriptor // in the index
	kind     types.MediaType
	manifest *v1.Manifest
	config   []byte
	layers   []v1.Layer
}

func (i image) platform() string {
	if i.listed.Platform == nil {
		return ""
	}
	return i.listed.Platform.String()
}

// base reads the base's manifests and configurations; its layers stay where
// they are until they are mounted.
func (t Task) base(ctx context.Context, r registry) (base, error) {
	ref, err := t.parse(t.Spec.Base)
	if err != nil {
		return base{}, err
	}
	m, err := r.manifest(ctx, ref)
	if err != nil {
		return base{}, err
	}
	if m.kind.IsIndex() {
		return r.index(ctx, ref, m)
	}
	i, err := r.image(ctx, ref, m)
	return base{images: []image{i}}, err
}

// parse reads a reference that must be a digest.
func (t Task) parse(text string) (name.Digest, error) {
	parse := t.Parse
	if parse == nil {
		parse = func(s string) (name.Reference, error) { return name.NewDigest(s) }
	}
	ref, err := parse(text)
	digest, pinned := ref.(name.Digest)
	if err != nil || !pinned || !isSHA256(digest.DigestStr()) {
		return name.Digest{}, refuse(ReasonInvalid, "%q is no digest: write registry.example/team/app@sha256:… in artifact.build.append", text)
	}
	return digest, nil
}

func isSHA256(digest string) bool {
	hash, err := v1.NewHash(digest)
	return err == nil && hash.Algorithm == "sha256"
}

// index takes every image of the base's index, but for those of other systems
// than Linux, whose layers are no plain tarballs, and drops attestations, which
// are of the base and not of what is made.
func (r registry) index(ctx context.Context, ref name.Digest, m manifest) (base, error) {
	index, err := m.index()
	if err != nil {
		return base{}, unfit(ref, err)
	}
	b := base{index: index, kind: m.kind}
	for _, listed := range index.Manifests {
		switch p := listed.Platform; {
		case attests(listed):
		case p != nil && p.OS != "" && p.OS != "linux":
			b.left = append(b.left, p.String())
		default:
			i, err := r.child(ctx, ref.Context().Digest(listed.Digest.String()), listed)
			if err != nil {
				return base{}, err
			}
			b.images = append(b.images, i)
		}
	}
	if len(b.images) == 0 {
		return base{}, unfit(ref, errors.New("it is an index without an image for Linux"))
	}
	return b, nil
}

func (r registry) child(ctx context.Context, ref name.Digest, listed v1.Descriptor) (image, error) {
	m, err := r.manifest(ctx, ref)
	if err != nil {
		return image{}, err
	}
	if m.kind != listed.MediaType {
		return image{}, unfit(ref, fmt.Errorf("the registry calls it %q and the index %q", m.kind, listed.MediaType))
	}
	i, err := r.image(ctx, ref, m)
	i.listed = listed
	return i, err
}

func (r registry) image(ctx context.Context, ref name.Digest, m manifest) (image, error) {
	read, err := m.image()
	if err != nil {
		return image{}, unfit(ref, err)
	}
	config, err := r.blob(ctx, ref.Context(), read.Config)
	if err != nil {
		return image{}, err
	}
	if err := fits(config, len(read.Layers)); err != nil {
		return image{}, unfit(ref, err)
	}
	i := image{kind: m.kind, manifest: read, config: config}
	for _, d := range read.Layers {
		if !d.MediaType.IsDistributable() || len(d.URLs) > 0 {
			return image{}, unfit(ref, errors.New("it has layers that are kept elsewhere"))
		}
		i.layers = append(i.layers, r.borrow(ctx, ref.Context(), d))
	}
	return i, nil
}

func unfit(ref name.Digest, err error) error {
	return refuse(ReasonBase, "%s cannot be a base, because %v: name an image for Linux, or an index of images, in artifact.build.append.base", ref, err)
}

// borrow is a layer of the base: mounted where the registry can, else copied.
func (r registry) borrow(ctx context.Context, from name.Repository, d v1.Descriptor) v1.Layer {
	ref := from.Digest(d.Digest.String())
	open := func() (io.ReadCloser, error) {
		content, err := r.open(ctx, ref)
		return lent{content, func(err error) error { return r.pulling(ref, err) }}, err
	}
	return &remote.MountableLayer{Layer: stored{d, open}, Reference: ref}
}

// lent is a stream of the base whose trouble is not the repository's.
type lent struct {
	io.ReadCloser
	trouble func(error) error
}

// Read passes on what comes.
func (l lent) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = l.trouble(err)
	}
	return n, err
}

// stored is a blob that is somewhere already, compressed.
type stored struct {
	d    v1.Descriptor
	open func() (io.ReadCloser, error)
}

// Digest is of the bytes as they are stored.
func (s stored) Digest() (v1.Hash, error) { return s.d.Digest, nil }

// DiffID is nowhere asked for: configurations are written without it.
func (s stored) DiffID() (v1.Hash, error) { return v1.Hash{}, errors.ErrUnsupported }

// Compressed is the blob.
func (s stored) Compressed() (io.ReadCloser, error) { return s.open() }

// Uncompressed is nowhere asked for.
func (s stored) Uncompressed() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }

// Size is that of the blob.
func (s stored) Size() (int64, error) { return s.d.Size, nil }

// MediaType is as its manifest says.
func (s stored) MediaType() (types.MediaType, error) { return s.d.MediaType, nil }
