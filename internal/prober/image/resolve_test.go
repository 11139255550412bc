package imageprobe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// push pushes an image of random bytes, as go-containerregistry makes them, for
// no platform.
func push(t *testing.T, ref string, o ...remote.Option) (digest, config string) {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, o...); err != nil {
		t.Fatal(err)
	}
	sum, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	of, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	return sum.String(), of.String()
}

func resolved(image, source, digest, suffix string) verdict.Verdict {
	return verdict.With(verdict.Pass(v1alpha1.SignalArtifact, ReasonResolved, "%s is %s%s", image, digest, suffix),
		verdict.Evidence{Value: digest, Query: image, Source: source})
}

func TestAnImageIsPinned(t *testing.T) {
	h := host(t, quiet())
	before, configBefore := push(t, h+"/acme/app:v1")
	now, configNow := push(t, h+"/acme/app:v1")
	for situation, tc := range map[string]struct{ ref, want, config string }{
		"by tag":                            {h + "/acme/app:v1", now, configNow},
		"by a digest that had the tag once": {h + "/acme/app@" + before, before, configBefore},
		"by both, where the digest counts":  {h + "/acme/app:v1@" + before, before, configBefore},
	} {
		t.Run(situation, func(t *testing.T) {
			got, v := resolve(t, tc.ref, "linux/amd64")
			if diff := cmp.Diff(resolved(tc.ref, h, tc.want, ""), v); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{tc.want, tc.config}, got.Artifact.Accepted); diff != "" || got.Digest != tc.want {
				t.Error(got.Digest, diff)
			}
		})
	}
}

func TestATagThatMovesIsResolvedAnew(t *testing.T) {
	ref := host(t, quiet()) + "/acme/app:v1"
	for range 2 {
		want, _ := push(t, ref)
		if got, _ := resolve(t, ref); got.Digest != want {
			t.Errorf("got %s, want %s", got.Digest, want)
		}
	}
}

func TestASingleImageIsForThePlatformOfItsConfiguration(t *testing.T) {
	s := shelf{}
	m := s.image(t, object{"os": "linux", "architecture": "arm64", "variant": "v8"}, 100, 23)
	want := s.tag(t, imageType, m)
	h := host(t, s)
	got, v := resolve(t, h+"/acme/app:v1", "linux/arm64", "linux/amd64")
	if diff := cmp.Diff(resolved(h+"/acme/app:v1", h, want, ", for linux/arm64/v8"), v); diff != "" {
		t.Error(diff)
	}
	config := s.put(configType, encoded(t, object{"os": "linux", "architecture": "arm64", "variant": "v8"}))
	if diff := cmp.Diff(&v1alpha1.ArtifactRecord{
		MediaType: imageType, Platforms: []string{"linux/arm64/v8"}, Accepted: []string{want, digest(config)},
		SizeBytes: 123 + int64(len(s[digest(config)].body)),
	}, got.Artifact); diff != "" {
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
			if ref, err := (Registry{}).Parse(image); err == nil || !strings.Contains(err.Error(), image) {
				t.Errorf("parsed %v: %v", ref, err)
			}
			_, v := resolve(t, image)
			if v.Outcome != verdict.Failed || v.Reason != ReasonInvalid || !strings.Contains(v.Message, image) || v.Evidence.Query != image {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestParseSpeaksPlainHTTPWhereTheAdministratorSaysSo(t *testing.T) {
	r := Registry{Insecure: []string{"a.example", "registry.example:5000"}}
	for image, scheme := range map[string]string{
		"registry.example:5000/app:v1":           "http",
		"registry.example:5000/app@" + elsewhere: "http",
		"registry.example/app:v1":                "https",
		"registry.example:5001/app:v1":           "https",
	} {
		ref, err := r.Parse(image)
		if err != nil || ref.Context().Scheme() != scheme {
			t.Errorf("%s: %v %v, want %s", image, ref, err, scheme)
		}
	}
}
