package build

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	gcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

var once = []remote.Option{remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes()}

func quiet(o ...gcr.Option) http.Handler {
	return gcr.New(append(o, gcr.Logger(log.New(io.Discard, "", 0)))...)
}

// host starts a registry and returns its host:port.
func host(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func repository(t *testing.T, text string) name.Repository {
	t.Helper()
	r, err := name.NewRepository(text)
	fine(t, err)
	return r
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// push pushes an image or an index and returns its reference by digest.
func push(t *testing.T, to string, what remote.Taggable) string {
	t.Helper()
	raw, err := what.RawManifest()
	fine(t, err)
	ref := repository(t, to).Digest(digestOf(raw))
	fine(t, remote.Push(ref, what, once...))
	return ref.String()
}

// entry is one of a tarball; a name that ends in a slash is a directory.
type entry struct {
	tar.Header
	content string
}

func file(path, content string) entry {
	return entry{tar.Header{Name: path, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}, content}
}

func tarball(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		fine(t, w.WriteHeader(&e.Header))
		_, err := io.WriteString(w, e.content)
		fine(t, err)
	}
	fine(t, w.Close())
	return out.Bytes()
}

func zipped(t *testing.T, content []byte, level int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	fine(t, err)
	w.Name, w.ModTime = "app.tar", time.Unix(1700000000, 0)
	_, err = w.Write(content)
	fine(t, err)
	fine(t, w.Close())
	return out.Bytes()
}

// volume puts the content where a claim is mounted.
func volume(t *testing.T, volumes string, content []byte) v1alpha1.LayerSource {
	t.Helper()
	fine(t, os.MkdirAll(filepath.Join(volumes, "files"), 0o755))
	fine(t, os.WriteFile(filepath.Join(volumes, "files", "app.tar"), content, 0o644))
	sum := sha256.Sum256(content)
	return v1alpha1.LayerSource{Volume: &v1alpha1.VolumeTarball{Claim: "files", Path: "app.tar", SHA256: hex.EncodeToString(sum[:])}}
}

// baseImage is an image of one file, the same each time.
func baseImage(t *testing.T, architecture string, kinds ...types.MediaType) v1.Image {
	t.Helper()
	kinds = append(kinds, types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer)[:3]
	content := zipped(t, tarball(t, file("etc/base", "the base")), 9)
	image, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, kinds[0]), kinds[1]),
		mutate.Addendum{Layer: static.NewLayer(content, kinds[2])})
	fine(t, err)
	config, err := image.ConfigFile()
	fine(t, err)
	config.OS, config.Architecture = "linux", architecture
	config.Created = v1.Time{Time: time.Unix(1600000000, 0).UTC()}
	config.Config = v1.Config{Entrypoint: []string{"/base"}, Cmd: []string{"--base"}, Env: []string{"PATH=/bin", "HOME=/"}, Labels: map[string]string{"from": "base"}}
	image, err = mutate.ConfigFile(image, config)
	fine(t, err)
	return image
}

// task appends the layers to a base that it pushes to the registry.
func task(t *testing.T, at string, volumes string, layers ...v1alpha1.LayerSource) Task {
	t.Helper()
	return Task{
		Spec:       v1alpha1.AppendBuild{Base: push(t, at+"/base", baseImage(t, "amd64")), Layers: layers},
		Repository: repository(t, at+"/acme/app"), Volumes: volumes, Scratch: t.TempDir(), Builder: "https://signal.example/prober", Options: once,
	}
}

// built runs a task that must pass, and pulls what it made.
func built(t *testing.T, task Task) (string, v1.Image) {
	t.Helper()
	answer := Append(t.Context(), task)
	if v := answer.Verdicts[0]; v.Outcome != verdict.Passed || v.Reason != ReasonBuilt || v.Kind != v1alpha1.SignalArtifact || v.Evidence.Value != answer.Digest {
		t.Fatalf("got %+v %+v", v, v.Evidence)
	}
	image, err := remote.Image(task.Repository.Digest(answer.Digest), once...)
	fine(t, err)
	return answer.Digest, image
}

// extract is the filesystem of an image.
func extract(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	content := mutate.Extract(image)
	defer func() { fine(t, content.Close()) }()
	all := map[string]string{}
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		fine(t, err)
		text, err := io.ReadAll(r)
		fine(t, err)
		all[h.Name] = string(text)
	}
}
