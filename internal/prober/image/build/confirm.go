package build

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Confirm looks whether a digest that a builder says it pushed is there: the
// manifest, or the index and every manifest in it, and the configurations are
// read and must hash to their digests; every layer must be there in its size.
// What the layers hold is not read: a node refuses one that does not hash to
// its digest.
func Confirm(ctx context.Context, repository name.Repository, digest string, options []remote.Option) verdict.Verdict {
	evidence := verdict.Evidence{Query: repository.Name(), Source: repository.RegistryStr(), Value: verdict.Clip(digest, 128)}
	if !isSHA256(digest) {
		return verdict.With(explain(refuse(ReasonDigestInvalid, "The builder answered with %q, which is no digest: write the digest of what was pushed, sha256:…, to /dev/termination-log",
			verdict.Clip(digest, 128))), evidence)
	}
	ref := repository.Digest(digest)
	if err := confirm(ctx, ref, options); err != nil {
		return verdict.With(explain(err), evidence)
	}
	return verdict.With(verdict.Pass(v1alpha1.SignalArtifact, ReasonBuilt, "%s is there, with all that it names", ref), evidence)
}

func confirm(ctx context.Context, ref name.Digest, options []remote.Option) error {
	r, err := claims(ref, options)
	if err != nil {
		return err
	}
	m, err := r.manifest(ctx, ref)
	if err != nil {
		return err
	}
	if m.kind.IsIndex() {
		return r.confirmIndex(ctx, ref, m)
	}
	return r.confirmImage(ctx, ref, m)
}

// claims reads what was said to be pushed.
func claims(top name.Digest, options []remote.Option) (registry, error) {
	return reader(options, func(ref name.Reference) error {
		if ref.Identifier() == top.Identifier() {
			return refuse(ReasonDigestNotFound, "Repository %s has no %s, which the build says it pushed: let it push to the repository that it is told, and answer with the digest of what it pushed",
				top.Context(), top.Identifier())
		}
		return refuse(ReasonDigestNotFound, "Repository %s has %s, which the build says it pushed, but not %s, which belongs to it: let the build push all of it",
			top.Context(), top.Identifier(), ref.Identifier())
	})
}

func (r registry) confirmIndex(ctx context.Context, ref name.Digest, m manifest) error {
	index, err := m.index()
	if err != nil {
		return unsound(ref, err)
	}
	images := 0
	for _, listed := range index.Manifests {
		of := ref.Context().Digest(listed.Digest.String())
		child, err := r.manifest(ctx, of)
		if err != nil {
			return err
		}
		if attests(listed) {
			continue
		}
		if child.kind != listed.MediaType {
			return unsound(ref, fmt.Errorf("the registry calls %s %q and the index %q", of.Identifier(), child.kind, listed.MediaType))
		}
		if err := r.confirmImage(ctx, of, child); err != nil {
			return err
		}
		images++
	}
	if images == 0 {
		return unsound(ref, errors.New("it is an index without an image"))
	}
	return nil
}

func (r registry) confirmImage(ctx context.Context, ref name.Digest, m manifest) error {
	image, err := m.image()
	if err != nil {
		return unsound(ref, err)
	}
	if len(image.Layers) > maxLayers {
		return unsound(ref, fmt.Errorf("it has %d layers, and may have %d", len(image.Layers), maxLayers))
	}
	if _, err := r.blob(ctx, ref.Context(), image.Config); err != nil {
		return err
	}
	for _, d := range image.Layers {
		if d.MediaType.IsDistributable() {
			if err := r.confirmLayer(ctx, ref, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r registry) confirmLayer(ctx context.Context, of name.Digest, d v1.Descriptor) error {
	ref := of.Context().Digest(d.Digest.String())
	l, err := r.puller.Layer(ctx, ref)
	if err != nil {
		return r.pulling(ref, err)
	}
	size, err := l.Size()
	if err != nil {
		return r.pulling(ref, err)
	}
	if size >= 0 && size != d.Size { // some registries do not say
		return unsound(of, fmt.Errorf("its layer %s has %d bytes and should have %d", ref.Identifier(), size, d.Size))
	}
	return nil
}

func unsound(ref name.Digest, err error) error {
	return refuse(ReasonUnsupported, "%s cannot run, because %v: let the build push an image, or an index of images", ref, err)
}
