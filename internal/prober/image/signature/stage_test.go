package signature

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const mediaNew = "application/vnd.dev.sigstore.bundle.v0.3+json"

// stage is an image, what lies beside it, and what is asked of it.
type stage struct {
	spec      v1alpha1.ArtifactSpec
	files     map[string]string // <config map>/<key>
	referrers []referrer
	tags      map[string][]layer // .sig and .att
	gone      bool               // the blobs that referrers list
}

// referrer is an artifact that refers to the image.
type referrer struct {
	artifact, media string // types; absent: those of a bundle
	bundle          object
	content         []byte // instead of a bundle
	subject         string // that it names; absent: the image
	copies          int    // layers beyond the one; -1: none at all
}

type layer struct {
	content     []byte
	media       string
	annotations map[string]string
}

// image is what everything here is about, and ours its digest.
var image = []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[]}`)

var (
	ours   = digestOf(image)
	theirs = digestOf([]byte("another image"))
)

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// shop is a registry.
type shop struct {
	t    *testing.T
	repo name.Repository
}

func open(t *testing.T, handler http.Handler) shop {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return shop{t, must(name.NewRepository(strings.TrimPrefix(server.URL, "http://")+"/acme/app", name.Insecure))(t)}
}

func modern(supports bool) http.Handler {
	return registry.New(registry.WithReferrersSupport(supports), registry.Logger(log.New(io.Discard, "", 0)))
}

func (s shop) put(kind, ref, media string, content []byte) {
	s.t.Helper()
	method, url := http.MethodPut, fmt.Sprintf("http://%s/v2/%s/manifests/%s", s.repo.RegistryStr(), s.repo.RepositoryStr(), ref)
	if kind == "blob" {
		method, url = http.MethodPost, fmt.Sprintf("http://%s/v2/%s/blobs/uploads/?digest=%s", s.repo.RegistryStr(), s.repo.RepositoryStr(), ref)
	}
	request := must(http.NewRequestWithContext(s.t.Context(), method, url, bytes.NewReader(content)))(s.t)
	request.Header.Set("Content-Type", media)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		s.t.Fatalf("put %s %s: %s", kind, ref, response.Status)
	}
}

func (s shop) blob(content []byte) string {
	s.put("blob", digestOf(content), "application/octet-stream", content)
	return digestOf(content)
}

func descriptor(media, digest string, size int) object {
	return object{"mediaType": media, "digest": digest, "size": size}
}

// manifest puts a manifest, and answers with its digest.
func (s shop) manifest(ref string, fields object) (string, int) {
	s.t.Helper()
	fields["schemaVersion"] = 2
	if fields["mediaType"] == nil {
		fields["mediaType"] = types.OCIManifestSchema1
		fields["config"] = descriptor(string(types.OCIEmptyJSON), s.blob([]byte("{}")), 2)
	}
	raw := must(json.Marshal(fields))(s.t)
	if ref == "" {
		ref = digestOf(raw)
	}
	s.put("manifest", ref, fmt.Sprint(fields["mediaType"]), raw)
	return digestOf(raw), len(raw)
}

func (r referrer) body(t *testing.T) []byte {
	t.Helper()
	if r.content != nil {
		return r.content
	}
	return must(json.Marshal(r.bundle))(t)
}

func or(given, usual string) string {
	if given == "" {
		return usual
	}
	return given
}

// stock puts all of a stage beside the image. Where the registry knows no
// referrers, they are listed under the tag that stands in for them.
func (s shop) stock(st stage) {
	s.t.Helper()
	s.put("manifest", ours, string(types.OCIManifestSchema1), image)
	var listed []object
	for _, r := range st.referrers {
		body := r.body(s.t)
		if !st.gone {
			s.blob(body)
		}
		digest, size := s.manifest("", object{
			"artifactType": or(r.artifact, mediaNew), "subject": descriptor(string(types.OCIManifestSchema1), or(r.subject, ours), len(image)),
			"layers": slices.Repeat([]object{descriptor(or(r.media, mediaNew), digestOf(body), len(body))}, 1+r.copies),
		})
		d := descriptor(string(types.OCIManifestSchema1), digest, size)
		d["artifactType"] = or(r.artifact, mediaNew)
		listed = append(listed, d)
	}
	tag := strings.Replace(ours, ":", "-", 1)
	s.manifest(tag, object{"mediaType": types.OCIImageIndex, "manifests": listed})
	for suffix, layers := range st.tags {
		all := []object{}
		for _, l := range layers {
			d := descriptor(l.media, s.blob(l.content), len(l.content))
			d["annotations"] = l.annotations
			all = append(all, d)
		}
		s.manifest(tag+suffix, object{"layers": all})
	}
}

func (s shop) ours() name.Digest { return s.repo.Digest(ours) }

// hold verifies the stage in a registry of its own, which knows no referrers.
func hold(t *testing.T, st stage) (Result, name.Digest) {
	t.Helper()
	s := open(t, modern(false))
	s.stock(st)
	return s.hold(st), s.ours()
}

func (s shop) hold(st stage) Result {
	s.t.Helper()
	once := []remote.Option{remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes()}
	return Verify(s.t.Context(), s.ours(), st.spec, mounted(s.t, st.files), once)
}

// mounted is a folder as Kubernetes mounts ConfigMaps: with links.
func mounted(t *testing.T, files map[string]string) Files {
	t.Helper()
	dir := t.TempDir()
	for file, content := range files {
		folder := filepath.Join(dir, filepath.Dir(file))
		if err := os.MkdirAll(filepath.Join(folder, "..2030"), 0o755); err != nil {
			t.Fatal(err)
		}
		_ = os.Symlink("..2030", filepath.Join(folder, "..data"))
		_ = os.Symlink(filepath.Join("..data", filepath.Base(file)), filepath.Join(dir, file))
		if err := os.WriteFile(filepath.Join(folder, "..data", filepath.Base(file)), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Files(dir)
}
