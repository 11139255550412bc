// Package build makes images without privileges and without a daemon: it puts
// layers on a base image, pushes what comes out, says where it came from and
// looks whether a digest that a builder claims is there. The same inputs give
// the same digest, on any host and on any day. It runs nothing of what it
// packs, unpacks nothing to disk, and takes no input that has not the digest
// that was written down for it.
package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on builds.
const (
	ReasonBuilt              = "Built"               // the image was pushed, and is there
	ReasonInvalid            = "InvalidReference"    // the base or an artifact is not named by a sha256 digest
	ReasonInputNotFound      = "BuildInputNotFound"  // the base, an artifact or a tarball is not there
	ReasonInputDenied        = "BuildInputDenied"    // the registry does not let the build read the base or an artifact
	ReasonVolume             = "VolumeUnreadable"    // a tarball is there, but cannot be read
	ReasonBase               = "BaseUnsupported"     // the base is no image that layers can be put on
	ReasonLayer              = "LayerRefused"        // a layer is no tarball, or holds what an image must not
	ReasonTooLarge           = "LayerTooLarge"       // a layer has too many bytes or entries, or there are too many
	ReasonWrongDigest        = "WrongLayerDigest"    // a layer has not the digest that was written down for it
	ReasonPushDenied         = "PushDenied"          // the registry does not let the build push
	ReasonRepositoryNotFound = "RepositoryNotFound"  // the registry has no such repository and makes none
	ReasonDigestInvalid      = "InvalidDigest"       // what a builder answered is no sha256 digest
	ReasonDigestNotFound     = "DigestNotFound"      // the repository has not, or not all of, what a builder says it pushed
	ReasonDigestMismatch     = "DigestMismatch"      // what the registry sends for a digest is something else
	ReasonUnsupported        = "UnsupportedManifest" // what a builder pushed is no image
	ReasonScratch            = "ScratchUnavailable"  // there is no room for the layers
	ReasonUnavailable        = "RegistryUnavailable" // the registry gives no answer, or none that decides
)

const (
	maxLayers = 127 // of an image, as runtimes that stack overlays bound them
	maxListed = 512 // bytes of a message that platforms may take
)

// Task is what to append to what.
type Task struct {
	Spec       v1alpha1.AppendBuild
	Repository name.Repository // that the image is pushed to, by digest
	Volumes    string          // directory where claims are mounted, each at its name
	Scratch    string          // directory for the layers until they are pushed; absent: the system's for temporary files
	Builder    string          // URI of who builds, for the provenance
	Options    []remote.Option // for the registries of the base, the artifacts and the repository

	// Parse reads the base's and the artifacts' references. Absent:
	// name.NewDigest; another one may know of registries that speak plain http.
	Parse func(string) (name.Reference, error)
}

// Append puts the layers on the base, pushes the image and answers with its
// digest once the registry has shown that it is there. It needs as much room in
// Scratch as the layers have, compressed.
func Append(ctx context.Context, t Task) verdict.Answer {
	evidence := verdict.Evidence{Query: t.Spec.Base, Source: t.Repository.RegistryStr()}
	digest, listed, err := t.run(ctx)
	if err != nil {
		return verdict.Answer{Verdicts: []verdict.Verdict{verdict.With(explain(err), evidence)}}
	}
	evidence.Value = digest
	v := verdict.Pass(v1alpha1.SignalArtifact, ReasonBuilt, "Built %s@%s of %s%s", t.Repository, digest, t.Spec.Base, listed)
	return verdict.Answer{Digest: digest, Verdicts: []verdict.Verdict{verdict.With(v, evidence)}}
}

// run builds, pushes and reads back.
func (t Task) run(ctx context.Context) (digest, listed string, err error) {
	r, err := inputs(t.Options)
	if err != nil {
		return "", "", err
	}
	b, err := t.base(ctx, r)
	if err != nil {
		return "", "", err
	}
	sources, err := t.sources(ctx, r)
	if err != nil {
		return "", "", err
	}
	if err := b.roomFor(len(sources)); err != nil {
		return "", "", err
	}
	dir, err := os.MkdirTemp(t.Scratch, "layers-")
	if err != nil {
		return "", "", noRoom(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	layers, err := pressAll(ctx, sources, dir)
	if err != nil {
		return "", "", err
	}
	m, err := b.compose(t.Spec, layers)
	if err != nil {
		return "", "", err
	}
	if err := m.push(ctx, t.Repository, t.Options); err != nil {
		return "", "", err
	}
	digest = m.top().digest()
	if err := confirm(ctx, t.Repository.Digest(digest), t.Options); err != nil {
		return "", "", err
	}
	return digest, b.listed(), nil
}

// pressAll writes each source as a layer into dir.
func pressAll(ctx context.Context, sources []source, dir string) ([]layer, error) {
	var layers []layer
	for i, s := range sources {
		l, err := s.press(filepath.Join(dir, fmt.Sprintf("%d.tar.gz", i)), ctx.Err, allowed)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// listed says for which platforms the image is, and for which it is not though
// the base is.
func (b base) listed() string {
	var of []string
	for _, i := range b.images {
		if i.platform() != "" {
			of = append(of, i.platform())
		}
	}
	var text string
	if len(of) > 0 {
		text = ", for " + verdict.Clip(strings.Join(of, ", "), maxListed)
	}
	if len(b.left) > 0 {
		text += ", but not for " + verdict.Clip(strings.Join(b.left, ", "), maxListed) + ", whose layers are made otherwise"
	}
	return text
}

// push uploads what is not there yet: blobs first, then each platform's
// manifest, the index last, so that nothing names what is missing.
func (m made) push(ctx context.Context, to name.Repository, options []remote.Option) error {
	p, err := remote.NewPusher(options...)
	if err != nil {
		return fmt.Errorf("read the options of %s: %w", to, err)
	}
	for _, i := range m.images {
		if err := upload(ctx, p, to, append(i.layers, i.config)); err != nil {
			return err
		}
		if err := put(ctx, p, to, i.manifest); err != nil {
			return err
		}
	}
	if m.index != nil {
		return put(ctx, p, to, *m.index)
	}
	return nil
}

func upload(ctx context.Context, p *remote.Pusher, to name.Repository, blobs []v1.Layer) error {
	for _, blob := range blobs {
		if err := p.Upload(ctx, to, blob); err != nil {
			return pushing(to, err)
		}
	}
	return nil
}

func put(ctx context.Context, p *remote.Pusher, to name.Repository, m manifest) error {
	if err := p.Put(ctx, to.Digest(m.digest()), m); err != nil {
		return pushing(to, err)
	}
	return nil
}
