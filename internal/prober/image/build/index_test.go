package build

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/internal/verdict"
)

func parseAs(other string) func(string) (name.Reference, error) {
	return func(string) (name.Reference, error) { return name.ParseReference(other) }
}

func hashAll(t *testing.T, content io.ReadCloser) string {
	t.Helper()
	text, err := io.ReadAll(content)
	fine(t, err)
	fine(t, content.Close())
	return digestOf(text)
}

func listed(image v1.Image, os, architecture string) mutate.IndexAddendum {
	return mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: os, Architecture: architecture}, Annotations: map[string]string{"of": architecture},
	}}
}

// manyPlatforms is an index as builders push them: images, attestations of
// them, and images for another system.
func manyPlatforms(t *testing.T, kind types.MediaType) v1.ImageIndex {
	t.Helper()
	attestation, err := random.Image(64, 1)
	fine(t, err)
	windows, err := random.Image(64, 1)
	fine(t, err)
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, kind),
		listed(baseImage(t, "amd64"), "linux", "amd64"), listed(attestation, "unknown", "unknown"),
		listed(windows, "windows", "amd64"), listed(baseImage(t, "arm64"), "linux", "arm64"))
	return mutate.Annotations(index, map[string]string{"made": "for all"}).(v1.ImageIndex)
}

func TestAnIndexGivesAnIndex(t *testing.T) {
	for _, kind := range []types.MediaType{types.OCIImageIndex, types.DockerManifestList} {
		t.Run(string(kind), func(t *testing.T) {
			at, volumes := host(t, quiet()), t.TempDir()
			job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app", "run me"))))
			job.Spec.Base = push(t, at+"/base", manyPlatforms(t, kind))
			answer := Append(t.Context(), job)
			wantSaid := ", for linux/amd64, linux/arm64, but not for windows/amd64, whose layers are made otherwise"
			if !strings.HasSuffix(answer.Verdicts[0].Message, wantSaid) {
				t.Fatalf("got %+v", answer)
			}
			index, err := remote.Index(job.Repository.Digest(answer.Digest), once...)
			fine(t, err)
			m, err := index.IndexManifest()
			fine(t, err)
			if m.MediaType != kind || m.Annotations["made"] != "for all" {
				t.Errorf("got %+v", m)
			}
			var of []string
			for _, d := range m.Manifests {
				of = append(of, d.Platform.String()+" "+d.Annotations["of"])
				image, err := index.Image(d.Digest)
				fine(t, err)
				if diff := cmp.Diff(map[string]string{"etc/base": "the base", "app": "run me"}, extract(t, image)); diff != "" {
					t.Error(diff)
				}
			}
			if diff := cmp.Diff([]string{"linux/amd64 amd64", "linux/arm64 arm64"}, of); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBothFamiliesOfMediaTypesAreKept(t *testing.T) {
	for situation, family := range map[string][]types.MediaType{
		"OCI":    {types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer},
		"docker": {types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer},
	} {
		t.Run(situation, func(t *testing.T) {
			at, volumes := host(t, quiet()), t.TempDir()
			job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app", "run me"))))
			job.Spec.Base = push(t, at+"/base", baseImage(t, "amd64", family...))
			_, image := built(t, job)
			m, err := image.Manifest()
			fine(t, err)
			got := []types.MediaType{m.MediaType, m.Config.MediaType, m.Layers[1].MediaType}
			if diff := cmp.Diff(family, got); diff != "" || m.Layers[0].MediaType != family[2] {
				t.Error(diff)
			}
		})
	}
}

// What a base is about, the image made of it is not.
func TestASubjectIsNotKept(t *testing.T) {
	at, volumes := host(t, quiet()), t.TempDir()
	other := v1.Descriptor{MediaType: types.OCIManifestSchema1, Size: 1, Digest: hashOf([]byte("x"))}
	for situation, base := range map[string]remote.Taggable{
		"an image": mutate.Subject(baseImage(t, "amd64"), other),
		"an index": mutate.Subject(manyPlatforms(t, types.OCIImageIndex), other),
	} {
		t.Run(situation, func(t *testing.T) {
			job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app", "run me"))))
			job.Spec.Base = push(t, at+"/base", base)
			answer := Append(t.Context(), job)
			got, err := remote.Get(job.Repository.Digest(answer.Digest), once...)
			fine(t, err)
			if strings.Contains(string(got.Manifest), "subject") {
				t.Errorf("got %s", got.Manifest)
			}
		})
	}
}

func TestAPlatformOfTheBaseThatIsMissing(t *testing.T) {
	inner, volumes := quiet(), t.TempDir()
	at := host(t, inner)
	index := manyPlatforms(t, types.OCIImageIndex)
	m, err := index.IndexManifest()
	fine(t, err)
	arm := m.Manifests[3].Digest.String()
	job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app", "1"))))
	job.Spec.Base = strings.Replace(push(t, at+"/base", index), at, host(t, when(inner, "GET", arm, status(404, ""))), 1)
	refused(t, job, verdict.Failed, ReasonInputNotFound, "/base@"+arm)
}
