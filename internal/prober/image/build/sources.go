package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// source is a tarball that becomes a layer.
type source struct {
	name    string // for messages
	sha256  string // that it must have
	size    int64
	open    func() (io.ReadCloser, error)
	trouble func(error) error // what it means that it cannot be read on
}

// sources lists the tarballs in order; those in volumes are looked for now.
func (t Task) sources(ctx context.Context, r registry) ([]source, error) {
	var all []source
	for i, from := range t.Spec.Layers {
		where := fmt.Sprintf("layers[%d]", i)
		if from.Volume != nil {
			s, err := t.tarball(where, *from.Volume)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
			continue
		}
		of, err := t.artifact(ctx, r, where, from.Artifact)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

// tarball is a file in a volume. Links that lead out of the volume are not
// followed: there is more in a pod than its volumes.
func (t Task) tarball(where string, v v1alpha1.VolumeTarball) (source, error) {
	called := fmt.Sprintf("%s (%s of claim %s)", where, verdict.Clip(v.Path, 256), v.Claim)
	unreadable := func(err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return refuse(ReasonInputNotFound, "%s is not there: put the tarball into the volume, or correct the path", called)
		}
		return hold(ReasonVolume, "%s cannot be read (%s): it must be a file within the volume that the build's user may read", called, whyNot(err))
	}
	open := func() (*os.File, error) {
		volumes, err := os.OpenRoot(t.Volumes)
		if err != nil {
			return nil, err
		}
		defer func() { _ = volumes.Close() }()
		volume, err := volumes.OpenRoot(v.Claim)
		if err != nil {
			return nil, err
		}
		defer func() { _ = volume.Close() }()
		if is, err := volume.Stat(v.Path); err != nil || !is.Mode().IsRegular() { // opening a pipe would wait for its writer
			return nil, errors.Join(err, errNoFile)
		}
		return volume.Open(v.Path)
	}
	file, err := open()
	if err != nil {
		return source{}, unreadable(err)
	}
	is, err := file.Stat()
	if err := errors.Join(err, file.Close()); err != nil {
		return source{}, unreadable(err)
	}
	return source{
		name: called, sha256: v.SHA256, size: is.Size(), trouble: unreadable,
		open: func() (io.ReadCloser, error) { return open() },
	}, nil
}

var errNoFile = errors.New("it is no file, or leads out of the volume")

func whyNot(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.Is(err, errNoFile):
		return errNoFile.Error()
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return cause(err)
	}
	return "it breaks off"
}

// artifact lists the layers of an OCI artifact. Of what type the artifact is
// does not matter; of what its layers are does.
func (t Task) artifact(ctx context.Context, r registry, where, text string) ([]source, error) {
	ref, err := t.parse(text)
	if err != nil {
		return nil, err
	}
	m, err := r.manifest(ctx, ref)
	if err != nil {
		return nil, err
	}
	var read v1.Manifest
	if err := m.decode(&read); err != nil || !m.kind.IsImage() || len(read.Layers) == 0 || m.calls(read.MediaType) != nil {
		return nil, refuse(ReasonLayer, "%s (%s) cannot become a layer, because it is no artifact with layers: name the digest of its manifest, not of an index", where, ref)
	}
	var all []source
	for _, d := range read.Layers {
		if !tarTypes[d.MediaType] || len(d.URLs) > 0 {
			return nil, refuse(ReasonLayer, "%s (%s) cannot become a layer, because it has one of type %q: push a tarball, compressed by gzip or not at all, as %s",
				where, ref, verdict.Clip(string(d.MediaType), 128), types.OCILayer)
		}
		all = append(all, r.source(ctx, fmt.Sprintf("%s (%s)", where, ref), ref.Context(), d))
	}
	return all, nil
}

// tarTypes are the media types of tarballs that need no other program than
// gzip. Whether one is compressed is seen from its bytes: clients mix them up.
var tarTypes = map[types.MediaType]bool{
	types.OCILayer: true, types.OCIUncompressedLayer: true, types.DockerLayer: true, types.DockerUncompressedLayer: true,
}

func (r registry) source(ctx context.Context, called string, in name.Repository, d v1.Descriptor) source {
	ref := in.Digest(d.Digest.String())
	return source{
		name: called, sha256: d.Digest.Hex, size: d.Size,
		open:    func() (io.ReadCloser, error) { return r.open(ctx, ref) },
		trouble: func(err error) error { return r.pulling(ref, err) },
	}
}
