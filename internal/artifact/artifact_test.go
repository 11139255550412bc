package artifact

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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

// host starts a registry and returns its host:port.
func host(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func push(t *testing.T, ref string) string {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

func TestATagIsPinnedToWhatItNamesNow(t *testing.T) {
	h := host(t, registry.New())
	ref := h + "/acme/app:v1"
	for range 2 { // the tag moves in between
		want := push(t, ref)
		got, v := New(Options{}).Resolve(t.Context(), ref)
		if got.Digest != want || v.Outcome != verdict.Passed || v.Reason != ReasonResolved || v.Evidence.Value != want || v.Evidence.Source != h {
			t.Errorf("got %+v %+v, want %s", got, v, want)
		}
		byDigest, v := New(Options{}).Resolve(t.Context(), h+"/acme/app@"+want)
		if byDigest.Digest != want || v.Outcome != verdict.Passed {
			t.Errorf("by digest: got %+v %+v", byDigest, v)
		}
	}
}

func TestAnIndexIsPinnedWhole(t *testing.T) {
	h := host(t, registry.New())
	var index v1.ImageIndex = empty.Index
	for _, arch := range []string{"s390x", "amd64"} {
		image, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	tag, err := name.NewTag(h + "/acme/app:multi")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, index); err != nil {
		t.Fatal(err)
	}
	want, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	got, v := New(Options{}).Resolve(t.Context(), tag.String())
	if got.Digest != want.String() || strings.Join(got.Platforms, " ") != "linux/amd64 linux/s390x" || v.Outcome != verdict.Passed {
		t.Errorf("got %+v %+v", got, v)
	}
}

func TestAnswersThatAreNoImage(t *testing.T) {
	status := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				return
			}
			w.WriteHeader(code)
		})
	}
	manifest := func(mediaType, body string, headers ...string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" {
				return
			}
			w.Header().Set("Content-Type", mediaType)
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			_, _ = io.WriteString(w, body)
		})
	}
	const image, index = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
	for name, tc := range map[string]struct {
		handler http.Handler
		outcome v1alpha1.Outcome
		reason  string
	}{
		"no such tag":       {registry.New(), verdict.Failed, ReasonNotFound},
		"unauthorized":      {status(401), verdict.Failed, ReasonDenied},
		"forbidden":         {status(403), verdict.Failed, ReasonDenied},
		"bad request":       {status(400), verdict.Failed, ReasonNotFound},
		"too many requests": {status(429), verdict.Unknown, ReasonRateLimited},
		"server error":      {status(500), verdict.Unknown, ReasonUnavailable},
		"unavailable":       {status(503), verdict.Unknown, ReasonUnavailable},
		"a web page":        {manifest("text/html", "<html>"), verdict.Failed, ReasonUnsupported},
		"garbage":           {manifest(image, "garbage"), verdict.Failed, ReasonUnsupported},
		"garbage index":     {manifest(index, "garbage"), verdict.Failed, ReasonUnsupported},
		"an empty index":    {manifest(index, `{"manifests":[]}`), verdict.Failed, ReasonUnsupported},
		"another digest than it says": {
			manifest(index, `{"manifests":[]}`, "Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64)), verdict.Failed, ReasonUnsupported,
		},
		"an endless redirect": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }), verdict.Unknown, ReasonUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			ref := host(t, tc.handler) + "/acme/app:v1"
			got, v := New(Options{}).Resolve(t.Context(), ref)
			if v.Outcome != tc.outcome || v.Reason != tc.reason || v.Kind != v1alpha1.SignalArtifact || got.Digest != "" {
				t.Errorf("got %+v %+v", got, v)
			}
			if !strings.Contains(v.Message, ref) {
				t.Errorf("the message does not name the image: %s", v.Message)
			}
		})
	}
}

func TestAnEndlessManifestEnds(t *testing.T) {
	ref := host(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		for range 8 << 10 {
			if _, err := fmt.Fprint(w, strings.Repeat("x", 1<<10)); err != nil {
				return
			}
		}
	})) + "/acme/app:v1"
	if _, v := New(Options{}).Resolve(t.Context(), ref); v.Outcome == verdict.Passed {
		t.Errorf("got %+v", v)
	}
}

func TestASlowRegistryIsUnknown(t *testing.T) {
	release := make(chan struct{})
	h := host(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer close(release)
	_, v := New(Options{Timeout: time.Millisecond}).Resolve(t.Context(), h+"/acme/app:v1")
	if v.Outcome != verdict.Unknown || v.Reason != ReasonUnavailable {
		t.Errorf("got %+v", v)
	}
}

func TestInvalidReference(t *testing.T) {
	for _, image := range []string{"UPPER/case:v1", "app@sha256:123", "a b"} {
		if _, v := New(Options{}).Resolve(t.Context(), image); v.Outcome != verdict.Failed || v.Reason != ReasonInvalid {
			t.Errorf("%q: %+v", image, v)
		}
	}
}

// Only the registries that the administrator names are spoken to in the clear.
func TestPlainHTTPIsTheAdministratorsChoice(t *testing.T) {
	for registry, want := range map[string]string{"198.18.255.1:5000": "http", "registry.example": "https"} {
		ref, err := New(Options{Insecure: []string{"198.18.255.1:5000"}}).parse(registry + "/app:v1")
		if err != nil {
			t.Fatal(err)
		}
		if got := ref.Context().Scheme(); got != want {
			t.Errorf("%s: %s, want %s", registry, got, want)
		}
	}
}
