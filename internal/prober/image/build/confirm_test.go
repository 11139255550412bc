package build

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// claimed pushes something and has a builder claim it at a registry that may
// not have it all.
func claimed(t *testing.T, what remote.Taggable, method, part string, answer func(http.Handler) http.HandlerFunc) (verdict.Verdict, string) {
	t.Helper()
	inner := quiet()
	digest := strings.Split(push(t, host(t, inner)+"/acme/app", what), "@")[1]
	at := host(t, when(inner, method, part, answer(inner)))
	return Confirm(t.Context(), repository(t, at+"/acme/app"), digest, once), digest
}

func code(n int) func(http.Handler) http.HandlerFunc {
	return func(http.Handler) http.HandlerFunc { return status(n, "") }
}

func TestABuildersClaims(t *testing.T) {
	image := baseImage(t, "amd64")
	m, err := image.Manifest()
	fine(t, err)
	self, err := image.Digest()
	fine(t, err)
	index := manyPlatforms(t, types.OCIImageIndex)
	listing, err := index.IndexManifest()
	fine(t, err)
	config, layer, arm, attestation := m.Config.Digest.String(), m.Layers[0].Digest.String(), listing.Manifests[3].Digest.String(), listing.Manifests[1].Digest.String()
	artifact := mutate.ConfigMediaType(image, "application/vnd.acme+json")
	foreign, err := mutate.Append(image, mutate.Addendum{Layer: static.NewLayer([]byte("x"), types.DockerForeignLayer)})
	fine(t, err)
	attested := mutate.AppendManifests(empty.Index, listed(image, "unknown", "unknown"))
	longer := func(http.Handler) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9999") }
	}
	for name, tc := range map[string]struct {
		what         remote.Taggable
		method, part string
		answer       func(http.Handler) http.HandlerFunc
		outcome      v1alpha1.Outcome
		reason       string
		says         string
	}{
		"an image that is there":        {image, "NONE", "", code(200), verdict.Passed, ReasonBuilt, "is there, with all that it names"},
		"an index that is there":        {index, "NONE", "", code(200), verdict.Passed, ReasonBuilt, "is there, with all that it names"},
		"layers kept elsewhere":         {foreign, "HEAD", hashOf([]byte("x")).String(), code(404), verdict.Passed, ReasonBuilt, "is there"},
		"a layer of unknown size":       {image, "HEAD", layer, chunked, verdict.Passed, ReasonBuilt, "is there"},
		"nothing is there":              {image, "GET", self.String(), code(404), verdict.Failed, ReasonDigestNotFound, "has no " + self.String() + ", which the build says it pushed: let it push to the repository"},
		"its content differs":           {image, "GET", self.String(), changed, verdict.Failed, ReasonDigestMismatch, "do not trust it"},
		"its settings are missing":      {image, "GET", config, code(404), verdict.Failed, ReasonDigestNotFound, "but not " + config},
		"its settings differ":           {image, "GET", config, changed, verdict.Failed, ReasonDigestMismatch, "do not trust it"},
		"a layer is missing":            {image, "HEAD", layer, code(404), verdict.Failed, ReasonDigestNotFound, "but not " + layer},
		"a layer is longer":             {image, "HEAD", layer, longer, verdict.Failed, ReasonUnsupported, "has 9999 bytes and should have"},
		"a platform is missing":         {index, "GET", arm, code(404), verdict.Failed, ReasonDigestNotFound, "but not " + arm},
		"a platform differs":            {index, "GET", arm, changed, verdict.Failed, ReasonDigestMismatch, arm},
		"a platform's layer is missing": {index, "HEAD", layer, code(404), verdict.Failed, ReasonDigestNotFound, "but not " + layer},
		"an attestation is missing":     {index, "GET", attestation, code(404), verdict.Failed, ReasonDigestNotFound, "but not " + attestation},
		"no image":                      {artifact, "NONE", "", code(200), verdict.Failed, ReasonUnsupported, "as no image is: let the build push an image"},
		"an index of nothing":           {empty.Index, "NONE", "", code(200), verdict.Failed, ReasonUnsupported, "an index without an image"},
		"attestations alone":            {attested, "NONE", "", code(200), verdict.Failed, ReasonUnsupported, "an index without an image"},
		"it may not be read":            {image, "GET", self.String(), code(403), verdict.Failed, ReasonInputDenied, "(status 403)"},
		"a layer may not be read":       {image, "HEAD", layer, code(403), verdict.Failed, ReasonInputDenied, "(status 403)"},
		"the registry is ill":           {image, "GET", self.String(), code(503), verdict.Unknown, ReasonUnavailable, "(status 503)"},
	} {
		t.Run(name, func(t *testing.T) {
			v, digest := claimed(t, tc.what, tc.method, tc.part, tc.answer)
			if v.Outcome != tc.outcome || v.Reason != tc.reason || !strings.Contains(v.Message, tc.says) || v.Evidence.Value != digest || v.Kind != v1alpha1.SignalArtifact {
				t.Errorf("got %+v %+v", v, v.Evidence)
			}
		})
	}
}

// chunked says that there is a blob and not how long it is.
func chunked(http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
}

func TestClaimsThatAreNoDigests(t *testing.T) {
	to := repository(t, "registry.example/acme/app")
	for name, claim := range map[string]string{
		"nothing": "", "a tag": "v1", "a reference": "registry.example/acme/app@sha256:" + ones, "another algorithm": "sha512:" + ones + ones,
		"too short": "sha256:" + ones[1:], "upper case": "sha256:" + strings.Repeat("A", 64), "words": "sha256:" + strings.Repeat("secret", 100),
	} {
		t.Run(name, func(t *testing.T) {
			v := Confirm(t.Context(), to, claim, once)
			if v.Outcome != verdict.Failed || v.Reason != ReasonDigestInvalid || len(v.Message) > 400 || len(v.Evidence.Value) > 128 {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestAnIndexThatCallsAnImageSomethingElse(t *testing.T) {
	image := listed(baseImage(t, "amd64"), "linux", "amd64")
	image.MediaType = types.DockerManifestSchema2
	index := mutate.AppendManifests(empty.Index, image)
	if v, _ := claimed(t, index, "NONE", "", code(200)); v.Reason != ReasonUnsupported || !strings.Contains(v.Message, "and the index") {
		t.Errorf("got %+v", v)
	}
	at, volumes := host(t, quiet()), t.TempDir()
	job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app", "1"))))
	job.Spec.Base = push(t, at+"/other", index)
	refused(t, job, verdict.Failed, ReasonBase, "and the index")
}

func TestAnImageOfTooManyLayers(t *testing.T) {
	for n, reason := range map[int]string{127: ReasonBuilt, 128: ReasonUnsupported} {
		image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
		image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
		for range n {
			var err error
			image, err = mutate.Append(image, mutate.Addendum{Layer: static.NewLayer([]byte("x"), types.OCILayer)})
			fine(t, err)
		}
		if v, _ := claimed(t, image, "NONE", "", code(200)); v.Reason != reason {
			t.Errorf("%d layers: %+v", n, v)
		}
	}
}
