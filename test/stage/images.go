package stage

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Push makes an image with this tag that the registry has not had before, and
// returns its reference and its digest.
func (s *Stage) Push(t testing.TB, tag string) (ref, digest string) {
	t.Helper()
	ref = s.Registry + "/acme/app:" + tag
	return ref, s.write(t, ref, fresh(t))
}

// PushAlias makes an image with this version's tag, and beside it the same
// image under another digest, which it returns.
func (y *Story) PushAlias(t testing.TB, version string) string {
	t.Helper()
	image := fresh(t)
	y.write(t, y.Registry+"/acme/app:"+y.tag(version), image)
	other, ok := mutate.Annotations(image, map[string]string{"alias": "true"}).(v1.Image)
	if !ok {
		t.Fatal("an annotated image is none")
	}
	return y.write(t, y.Registry+"/acme/app:alias-"+y.tag(version), other)
}

// Digest is what the registry has for a version.
func (y *Story) Digest(version string) string {
	y.Helper()
	head, err := remote.Head(reference(y.TB, y.Registry+"/acme/app:"+y.tag(version)), remote.WithContext(y.Context()))
	if err != nil {
		y.Fatal(err)
	}
	return head.Digest.String()
}

// fresh is an image that nobody has seen before.
func fresh(t testing.TB) v1.Image {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", "amd64"
	if image, err = mutate.ConfigFile(image, file); err != nil {
		t.Fatal(err)
	}
	return image
}

func reference(t testing.TB, ref string) name.Reference {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// write pushes an image and returns its digest.
func (s *Stage) write(t testing.TB, ref string, image v1.Image) string {
	t.Helper()
	if err := remote.Write(reference(t, ref), image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	hash, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return hash.String()
}
