package imageprobe

import (
	"context"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/signal-delivery/operator/internal/verdict"
)

// Recheck asks whether what was released is still in the registry, and whether
// the reference still names it. A tag that has moved since is no failure: the
// release runs the digest. A digest that is gone is one: nodes that do not have
// it yet cannot run it.
func (r Registry) Recheck(ctx context.Context, image, digest string) verdict.Verdict {
	ref, err := r.Parse(image)
	if err != nil {
		return invalid(image)
	}
	if hash, err := v1.NewHash(digest); err != nil || hash.Algorithm != "sha256" {
		return fail(ReasonInvalid, "%q, which was released of %s, is no sha256 digest", verdict.Clip(digest, 128), image)
	}
	var v verdict.Verdict
	now := ""
	err = r.each(ctx, image, ref.Context(), func(ctx context.Context, s session) (err error) {
		v, now, err = s.recheck(ctx, ref, digest)
		return err
	})
	if err != nil {
		v = r.explain(image, ref.Context(), err)
	}
	return verdict.With(v, verdict.Evidence{Query: image, Source: ref.Context().RegistryStr(), Value: now, Threshold: digest})
}

// recheck answers with the digest that the reference names now, too; "" when it
// names none.
func (s session) recheck(ctx context.Context, ref name.Reference, digest string) (v verdict.Verdict, now string, err error) {
	_, tagged := ref.(name.Tag)
	if tagged {
		m, err := s.manifest(ctx, ref)
		if err != nil && !missing(err) {
			return v, "", err
		}
		if m.digest == digest {
			return pass(ReasonResolved, "%s still is %s", s.image, digest), digest, nil
		}
		now = m.digest
	}
	_, err = s.manifest(ctx, ref.Context().Digest(digest))
	switch {
	case missing(err):
		return fail(ReasonNotFound, "Registry %s no longer has %s, which %s was released as: nodes that do not have it yet cannot run it; push it again, or release another",
			ref.Context().RegistryStr(), digest, s.image), now, nil
	case err != nil:
		return v, now, err
	case !tagged:
		return pass(ReasonResolved, "%s is still there", s.image), digest, nil
	case now == "":
		return pass(ReasonTagMoved, "%s names nothing any more; the release runs %s, which is still there", s.image, digest), "", nil
	}
	return pass(ReasonTagMoved, "%s now names %s; the release runs %s, which is still there", s.image, now, digest), now, nil
}
