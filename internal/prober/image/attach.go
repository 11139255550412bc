package imageprobe

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/internal/verdict"
)

// noConfig is the configuration of what has none.
const noConfig = "{}"

// Attach pushes content beside the subject, as an OCI referrer of it, and
// answers with the referrer's digest; "" unless the verdict has passed. The
// same content has the same digest, so that twice is once. Where the registry
// does not list referrers itself, the list under the fallback tag is kept.
func (r Registry) Attach(ctx context.Context, subject name.Digest, artifactType, mediaType string, content []byte, annotations map[string]string) (string, verdict.Verdict) {
	a := attachment{artifactType, types.MediaType(mediaType), content, annotations}
	var digest string
	err := r.each(ctx, subject.Name(), subject.Context(), func(ctx context.Context, s session) (err error) {
		digest, err = s.attach(ctx, subject, a)
		return err
	})
	evidence := verdict.Evidence{Query: subject.Name(), Source: subject.Context().RegistryStr()}
	if err != nil {
		return "", verdict.With(r.explain(subject.Name(), subject.Context(), err), evidence)
	}
	evidence.Value = digest
	return digest, verdict.With(pass(ReasonAttached, "%s is attached to %s", verdict.Clip(artifactType, 128), subject.Name()), evidence)
}

// attachment is what is pushed.
type attachment struct {
	artifact    string
	media       types.MediaType
	content     []byte
	annotations map[string]string
}

func (s session) attach(ctx context.Context, subject name.Digest, a attachment) (string, error) {
	about, err := s.manifest(ctx, subject)
	if err != nil {
		return "", err
	}
	pusher, err := remote.NewPusher(s.options...)
	if err != nil {
		return "", fmt.Errorf("read the options of %s: %w", subject.Context(), err)
	}
	none, body := static.NewLayer([]byte(noConfig), types.OCIEmptyJSON), static.NewLayer(a.content, a.media)
	for _, blob := range []v1.Layer{none, body} {
		if err := pusher.Upload(ctx, subject.Context(), blob); err != nil {
			return "", pushing{err}
		}
	}
	m, err := a.manifest(about)
	if err != nil {
		return "", fmt.Errorf("encode the manifest of an attachment to %s: %w", subject, err)
	}
	// Put, for unlike a push it completes a list of referrers that was not
	// written when an earlier attempt broke off.
	if err := pusher.Put(ctx, subject.Context().Digest(m.digest), put{m}); err != nil {
		return "", pushing{err}
	}
	return m.digest, nil
}

func (a attachment) manifest(about manifest) (manifest, error) {
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: a.artifact,
		Config:      described([]byte(noConfig), types.OCIEmptyJSON),
		Layers:      []v1.Descriptor{described(a.content, a.media)},
		Subject:     new(described(about.raw, about.kind)),
		Annotations: a.annotations,
	})
	return manifest{types.OCIManifestSchema1, raw, digestOf(raw)}, err
}

func described(content []byte, kind types.MediaType) v1.Descriptor {
	hash, err := v1.NewHash(digestOf(content))
	if err != nil {
		panic("imageprobe: read a digest: " + err.Error()) // it was just written
	}
	return v1.Descriptor{MediaType: kind, Size: int64(len(content)), Digest: hash}
}

// put is a manifest as the library takes it.
type put struct{ m manifest }

// RawManifest is the content, byte for byte.
func (p put) RawManifest() ([]byte, error) { return p.m.raw, nil }

// MediaType is what the content is sent as.
func (p put) MediaType() (types.MediaType, error) { return p.m.kind, nil }
