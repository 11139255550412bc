// Package image makes a container image of static binaries, on nothing, and
// pushes it. The same binaries give the same digest.
package image

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Spec says what is in an image.
type Spec struct {
	Binaries   []string // each lands at /<base name>
	Tree       string   // instead of them: a folder that becomes the root, with all that its programs need
	Entrypoint []string // default: the first binary
	User       string
	Env        []string // K=V, in this order
}

const certificates = "/etc/ssl/certs/ca-certificates.crt"

// Build makes the image: one uncompressed layer, because the registry is next
// door and compressing takes longer than sending.
func Build(s Spec) (v1.Image, error) {
	if len(s.Binaries) == 0 && s.Tree == "" {
		return nil, fmt.Errorf("an image needs at least one binary")
	}
	layer, err := layerOf(s)
	if err != nil {
		return nil, err
	}
	base := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	base = mutate.ConfigMediaType(base, types.OCIConfigJSON)
	image, err := mutate.AppendLayers(base, static.NewLayer(layer, types.OCIUncompressedLayer))
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	config.Created = v1.Time{}
	config.Config.User = s.User
	config.Config.Entrypoint = s.Entrypoint
	config.Config.WorkingDir = "/"
	config.Config.Env = append([]string{"PATH=/", "SSL_CERT_FILE=" + certificates}, s.Env...)
	if len(s.Entrypoint) == 0 && s.Tree == "" {
		config.Config.Entrypoint = []string{"/" + filepath.Base(s.Binaries[0])}
	}
	return mutate.ConfigFile(image, config)
}

// Push sends an image to a plain-HTTP registry and returns its digest
// reference. Layers that are there already are not sent again.
func Push(ctx context.Context, registry, tag string, image v1.Image) (string, error) {
	ref, err := name.NewTag(registry+"/"+strings.TrimPrefix(tag, registry+"/"), name.Insecure, name.WithDefaultTag("latest"))
	if err != nil {
		return "", err
	}
	// A proxy from the environment would not know these addresses.
	direct := http.DefaultTransport.(*http.Transport).Clone()
	direct.Proxy = nil
	if err := remote.Write(ref, image, remote.WithContext(ctx), remote.WithTransport(direct)); err != nil {
		return "", fmt.Errorf("push %s: %w", ref, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return "", err
	}
	return ref.Context().Digest(digest.String()).String(), nil
}

// passwd has the user that images run as.
var passwd = []byte("root:x:0:0:root:/:/none\nnonroot:x:65532:65532:nonroot:/tmp:/none\n")

func layerOf(s Spec) ([]byte, error) {
	if s.Tree != "" {
		return treeLayer(s.Tree)
	}
	return layer(s.Binaries)
}

func layer(binaries []string) ([]byte, error) {
	var buffer bytes.Buffer
	archive := tar.NewWriter(&buffer)
	for _, dir := range []string{"etc/", "etc/ssl/", "etc/ssl/certs/"} {
		if err := add(archive, tar.Header{Name: dir, Mode: 0o755, Typeflag: tar.TypeDir}, nil); err != nil {
			return nil, err
		}
	}
	if err := add(archive, tar.Header{Name: "tmp/", Mode: 0o1777, Typeflag: tar.TypeDir}, nil); err != nil {
		return nil, err
	}
	if err := add(archive, tar.Header{Name: "etc/passwd", Mode: 0o644}, passwd); err != nil {
		return nil, err
	}
	if roots, err := os.ReadFile(certificates); err == nil { // optional: some hosts have none
		if err := add(archive, tar.Header{Name: certificates[1:], Mode: 0o644}, roots); err != nil {
			return nil, err
		}
	}
	for _, binary := range binaries {
		body, err := read(binary)
		if err != nil {
			return nil, err
		}
		if err := add(archive, tar.Header{Name: filepath.Base(binary), Mode: 0o755}, body); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return buffer.Bytes(), err
}

// add writes an entry that says nothing of when or where it was made.
func add(archive *tar.Writer, header tar.Header, body []byte) error {
	header.Size = int64(len(body))
	header.ModTime = time.Unix(0, 0)
	header.Format = tar.FormatPAX
	if header.Typeflag == 0 {
		header.Typeflag = tar.TypeReg
	}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err := archive.Write(body)
	return err
}

// read refuses what could not run in an image without a C library.
func read(binary string) ([]byte, error) {
	body, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	file, err := elf.NewFile(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s is not a Linux binary: %w", binary, err)
	}
	if file.Machine != elf.EM_X86_64 {
		return nil, fmt.Errorf("%s is for %s, not linux/amd64", binary, file.Machine)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return nil, fmt.Errorf("%s is dynamically linked: build it with CGO_ENABLED=0", binary)
		}
	}
	return body, nil
}
