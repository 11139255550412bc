package signature

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	maxCandidates = 32      // that are looked at
	maxBlob       = 1 << 20 // bytes of one of them

	// mediaBundle begins the media type of a Sigstore bundle; its version follows.
	mediaBundle = "application/vnd.dev.sigstore.bundle"
)

// shelf is what the registry holds beside the image.
type shelf struct {
	puller  *remote.Puller
	subject name.Digest
	about   v1.Hash

	candidates []candidate
	looked     int   // manifests and layers that were looked at
	more       bool  // there are others
	trouble    error // that kept something from being looked at
}

// look finds what is signed about the subject: bundles that refer to it, and
// what cosign put under tags before there were bundles. What cannot be read
// is a candidate that cannot be verified; what the registry does not give now
// is trouble.
func look(ctx context.Context, subject name.Digest, options []remote.Option, signatures, attestations bool) shelf {
	s := shelf{subject: subject}
	about, ok := digest(subject)
	if !ok {
		return s // no policy is held against it
	}
	puller, err := remote.NewPuller(options...)
	if err != nil {
		s.trouble = err
		return s
	}
	s.about, s.puller = about, puller
	s.note(s.referrers(ctx))
	if signatures {
		s.note(s.tagged(ctx, ".sig", mediaSimple, fromSimple))
	}
	if attestations {
		s.note(s.tagged(ctx, ".att", mediaEnvelope, fromEnvelope))
	}
	return s
}

// note keeps the first trouble. That there is no such thing is none.
func (s *shelf) note(err error) {
	if s.trouble == nil && err != nil && !missing(err) {
		s.trouble = err
	}
}

// full tells whether nothing more is looked at.
func (s *shelf) full() bool {
	if s.looked == maxCandidates {
		s.more = true
		return true
	}
	s.looked++
	return false
}

// beyond says that not all was looked at, where that is so.
func (s *shelf) beyond() string {
	if !s.more {
		return ""
	}
	return fmt.Sprintf(" (only the first %d things beside the image were looked at: remove what is not needed)", maxCandidates)
}

// types are those of the statements that were found.
func (s *shelf) types() []string {
	var all []string
	for _, c := range s.candidates {
		if c.statement && !slices.Contains(all, shown(c.predicate)) {
			all = append(all, shown(c.predicate))
		}
	}
	return all
}

func (s *shelf) referrers(ctx context.Context) error {
	index, err := remote.Referrers(s.subject, remote.WithContext(ctx), remote.Reuse(s.puller))
	if err != nil {
		return err
	}
	list, err := index.IndexManifest()
	if err != nil {
		return err
	}
	// In an order of their own: registries list them in any, and what is said
	// must not change with it.
	slices.SortFunc(list.Manifests, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
	for _, d := range list.Manifests {
		if !promising(d) {
			continue
		}
		if s.full() {
			return nil
		}
		if err := s.bundle(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// promising tells whether a referrer may hold a bundle: it says so, or it says
// nothing, as it does where a pusher names the type in the layer alone.
func promising(d v1.Descriptor) bool {
	switch d.ArtifactType {
	case "", string(types.OCIEmptyJSON), string(types.OCIConfigJSON):
		return true
	}
	return strings.HasPrefix(d.ArtifactType, mediaBundle)
}

// bundle looks at one referrer.
func (s *shelf) bundle(ctx context.Context, d v1.Descriptor) error {
	source := s.subject.Context().Digest(d.Digest.String())
	m, err := s.manifest(ctx, source)
	if problem := s.unreadable(err); problem != "" {
		s.candidates = append(s.candidates, broken(source.String(), "", "%s", problem))
		return nil
	}
	if err != nil {
		return err
	}
	i := slices.IndexFunc(m.Layers, func(l v1.Descriptor) bool { return strings.HasPrefix(string(l.MediaType), mediaBundle) })
	declared := strings.HasPrefix(d.ArtifactType, mediaBundle)
	switch {
	case i < 0 && !declared:
		return nil // something else
	case m.Subject == nil || m.Subject.Digest != s.about:
		s.candidates = append(s.candidates, broken(source.String(), "", "it refers to another image than the registry says"))
		return nil
	case i < 0 && len(m.Layers) != 1:
		s.candidates = append(s.candidates, broken(source.String(), "", "it holds no Sigstore bundle"))
		return nil
	}
	return s.layer(ctx, source, m.Layers[max(i, 0)], func(source string, content []byte, _ map[string]string, about v1.Hash) candidate {
		return fromBundle(source, content, about)
	})
}

// tagged looks at the layers of the image under a tag that the digest gives.
func (s *shelf) tagged(ctx context.Context, suffix string, media types.MediaType, read reading) error {
	tag := s.subject.Context().Tag(strings.Replace(s.about.String(), ":", "-", 1) + suffix)
	got, err := s.puller.Get(ctx, tag)
	if err != nil {
		return err
	}
	source := s.subject.Context().Digest(got.Digest.String())
	m, err := parsed(got.Manifest)
	if err != nil {
		s.candidates = append(s.candidates, broken(source.String(), "", "%s", s.unreadable(err)))
		return nil
	}
	for _, l := range m.Layers {
		if l.MediaType != media {
			continue
		}
		if s.full() {
			return nil
		}
		if err := s.layer(ctx, source, l, read); err != nil {
			return err
		}
	}
	return nil
}

// reading makes a candidate of a layer.
type reading func(source string, content []byte, annotations map[string]string, about v1.Hash) candidate

func (s *shelf) layer(ctx context.Context, source name.Digest, l v1.Descriptor, read reading) error {
	content, err := s.blob(ctx, l)
	if problem := s.unreadable(err); problem != "" {
		s.candidates = append(s.candidates, broken(source.String(), "", "%s", problem))
		return nil
	}
	if err != nil {
		return err
	}
	s.candidates = append(s.candidates, read(source.String(), content, l.Annotations, s.about))
	return nil
}

func (s *shelf) manifest(ctx context.Context, ref name.Digest) (*v1.Manifest, error) {
	got, err := s.puller.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	return parsed(got.Manifest)
}

var (
	errNotManifest = errors.New("its manifest is not that of an image")
	errLarge       = fmt.Errorf("it is larger than %d bytes", maxBlob)
)

func parsed(raw []byte) (*v1.Manifest, error) {
	m, err := v1.ParseManifest(strings.NewReader(string(raw)))
	if err != nil || m.MediaType.IsIndex() {
		return nil, errNotManifest
	}
	return m, nil
}

func (s *shelf) blob(ctx context.Context, d v1.Descriptor) ([]byte, error) {
	if d.Size > maxBlob {
		return nil, errLarge
	}
	layer, err := s.puller.Layer(ctx, s.subject.Context().Digest(d.Digest.String()))
	if err != nil {
		return nil, err
	}
	body, err := layer.Compressed()
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(io.LimitReader(body, maxBlob+1))
	if len(content) > maxBlob {
		return nil, errLarge
	}
	return content, err
}

// unreadable says why something that is there can never be read, or nothing
// when it is only not given now.
func (s *shelf) unreadable(err error) string {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, errNotManifest), errors.Is(err, errLarge):
		return err.Error()
	case errors.As(err, &tooLarge):
		return "its manifest is too large"
	case missing(err):
		return "it is listed but not there"
	}
	return ""
}
