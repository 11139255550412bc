package artifact

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	imageType = "application/vnd.oci.image.manifest.v1+json"
	indexType = "application/vnd.oci.image.index.v1+json"
)

// quiet is a registry that does not log.
func quiet() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

// host starts a registry and returns its host:port.
func host(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// resolve asks as an operator does whose administrator knows the registry.
func resolve(t *testing.T, image string) (Resolved, verdict.Verdict) {
	t.Helper()
	known, _, _ := strings.Cut(image, "/")
	return New(Options{Insecure: []string{known}}).Resolve(t.Context(), image)
}

func randomImage(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func tag(t *testing.T, ref string) name.Tag {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func push(t *testing.T, ref string) string {
	t.Helper()
	image := randomImage(t)
	if err := remote.Write(tag(t, ref), image); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

func resolved(image, source, digest, suffix string) verdict.Verdict {
	return verdict.With(verdict.Pass(v1alpha1.SignalArtifact, ReasonResolved, "%s is %s%s", image, digest, suffix),
		verdict.Evidence{Value: digest, Query: image, Source: source})
}

func TestAnImageIsPinned(t *testing.T) {
	h := host(t, quiet())
	before := push(t, h+"/acme/app:v1")
	now := push(t, h+"/acme/app:v1")
	for situation, tc := range map[string]struct{ ref, want string }{
		"by tag":                            {h + "/acme/app:v1", now},
		"by a digest that had the tag once": {h + "/acme/app@" + before, before},
		"by both, where the digest counts":  {h + "/acme/app:v1@" + before, before},
	} {
		t.Run(situation, func(t *testing.T) {
			got, v := resolve(t, tc.ref)
			if diff := cmp.Diff(Resolved{Digest: tc.want, MediaType: "application/vnd.docker.distribution.manifest.v2+json"}, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(resolved(tc.ref, h, tc.want, ""), v); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATagThatMovesIsResolvedAnew(t *testing.T) {
	ref := host(t, quiet()) + "/acme/app:v1"
	for range 2 {
		want := push(t, ref)
		if got, _ := resolve(t, ref); got.Digest != want {
			t.Errorf("got %s, want %s", got.Digest, want)
		}
	}
}

func TestAnIndexIsPinnedWhole(t *testing.T) {
	h := host(t, quiet())
	var index v1.ImageIndex = empty.Index
	for _, platform := range []*v1.Platform{
		{OS: "linux", Architecture: "s390x"},
		{OS: "linux", Architecture: "arm64", Variant: "v8"},
		{OS: "linux", Architecture: "s390x"},
		{OS: "unknown", Architecture: "unknown"},
		nil,
	} {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: randomImage(t), Descriptor: v1.Descriptor{Platform: platform}})
	}
	ref := h + "/acme/app:multi"
	if err := remote.WriteIndex(tag(t, ref), index); err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	got, v := resolve(t, ref)
	want := Resolved{Digest: digest.String(), MediaType: indexType, Platforms: []string{"linux/arm64/v8", "linux/s390x"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(resolved(ref, h, digest.String(), ", for linux/arm64/v8, linux/s390x"), v); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidReference(t *testing.T) {
	for situation, image := range map[string]string{
		"capitals":          "UPPER/case:v1",
		"short digest":      "app@sha256:123",
		"a space":           "a b",
		"a URL":             "https://registry.example/app:v1",
		"another algorithm": "registry.example/app@sha512:" + strings.Repeat("a", 128),
	} {
		t.Run(situation, func(t *testing.T) {
			got, v := resolve(t, image)
			if got.Digest != "" || v.Outcome != verdict.Failed || v.Reason != ReasonInvalid || !strings.Contains(v.Message, image) || v.Evidence.Query != image {
				t.Errorf("got %+v", v)
			}
		})
	}
}
