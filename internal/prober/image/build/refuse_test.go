package build

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// refused runs a task that must not pass and must push nothing.
func refused(t *testing.T, job Task, outcome v1alpha1.Outcome, reason, says string) {
	t.Helper()
	answer := Append(t.Context(), job)
	v := answer.Verdicts[0]
	if v.Outcome != outcome || v.Reason != reason || !strings.Contains(v.Message, says) || answer.Digest != "" || v.Evidence.Value != "" {
		t.Errorf("got %+v", answer)
	}
	if left, err := os.ReadDir(job.Scratch); err == nil && len(left) != 0 {
		t.Errorf("left behind %v", left)
	}
	if tags, err := remote.List(job.Repository, once...); err == nil {
		t.Errorf("there is a repository now, with %v", tags)
	}
}

func TestTarballsThatAreRefused(t *testing.T) {
	good := tarball(t, file("app", strings.Repeat("run me", 1000)))
	packed := zipped(t, good, 6)
	for name, tc := range map[string]struct {
		content []byte
		reason  string
		says    string
	}{
		"an absolute path":    {tarball(t, file("/app", "1")), ReasonLayer, `layers[0] (app.tar of claim files) cannot become a layer, because its entry "/app" has an absolute path: pack it`},
		"a device":            {tarball(t, entry{tar.Header{Name: "d", Typeflag: tar.TypeChar}, ""}), ReasonLayer, `"d" is a device`},
		"nothing":             {nil, ReasonLayer, "no tarball"},
		"text":                {[]byte(strings.Repeat("text", 1000)), ReasonLayer, "no tarball"},
		"compressed text":     {zipped(t, []byte(strings.Repeat("text", 1000)), 6), ReasonLayer, "no tarball"},
		"zstd":                {append([]byte{0x28, 0xb5, 0x2f, 0xfd}, good...), ReasonLayer, "no tarball"},
		"an empty tarball":    {tarball(t), ReasonLayer, "no tarball"},
		"half of one":         {good[:len(good)/2], ReasonLayer, "no tarball"},
		"half, compressed":    {packed[:len(packed)/2], ReasonLayer, "no tarball"},
		"no checksum":         {packed[:len(packed)-8], ReasonLayer, "no tarball"},
		"another checksum":    {append(packed[:len(packed)-8:len(packed)-8], 1, 2, 3, 4, 5, 6, 7, 8), ReasonLayer, "no tarball"},
		"a head without body": {packed[:2], ReasonLayer, "no tarball"},
		"a large file":        {sparse(1<<31 + 1), ReasonTooLarge, "it unpacks to more than 2147483648 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			at, volumes := host(t, quiet()), t.TempDir()
			refused(t, task(t, at, volumes, volume(t, volumes, tc.content)), verdict.Failed, tc.reason, tc.says)
		})
	}
}

// A wrong digest is said, whatever else is wrong.
func TestATarballOfAnotherDigest(t *testing.T) {
	for name, content := range map[string][]byte{"a good one": tarball(t, file("app", "1")), "a bad one": []byte("text"), "what is refused": tarball(t, file("/app", "1"))} {
		t.Run(name, func(t *testing.T) {
			at, volumes := host(t, quiet()), t.TempDir()
			layer := volume(t, volumes, content)
			layer.Volume.SHA256 = ones
			refused(t, task(t, at, volumes, layer), verdict.Failed, ReasonWrongDigest,
				"layers[0] (app.tar of claim files) has the sha256 "+digestOf(content)[7:]+", not "+ones)
		})
	}
}

func TestFilesThatAreNotThere(t *testing.T) {
	at, volumes := host(t, quiet()), t.TempDir()
	layer := volume(t, volumes, tarball(t, file("app", "1")))
	inside := filepath.Join(volumes, "files")
	secret := filepath.Join(t.TempDir(), "secret")
	fine(t, os.WriteFile(secret, tarball(t, file("app", "1")), 0o600))
	fine(t, os.Symlink(secret, filepath.Join(inside, "out")))
	fine(t, os.Symlink("app.tar", filepath.Join(inside, "in")))
	fine(t, os.Mkdir(filepath.Join(inside, "dir"), 0o755))
	fine(t, syscall.Mkfifo(filepath.Join(inside, "pipe"), 0o600))
	for name, tc := range map[string]struct {
		claim, path string
		outcome     v1alpha1.Outcome
		reason      string
		says        string
	}{
		"no such file":          {"files", "none.tar", verdict.Failed, ReasonInputNotFound, "none.tar of claim files) is not there: put"},
		"no such claim":         {"none", "app.tar", verdict.Failed, ReasonInputNotFound, "app.tar of claim none) is not there"},
		"a link that is out":    {"files", "out", verdict.Unknown, ReasonVolume, "leads out of the volume"},
		"a path that is out":    {"files", "../files/app.tar", verdict.Unknown, ReasonVolume, "leads out of the volume"},
		"a claim that is out":   {"../" + filepath.Base(volumes), "files/app.tar", verdict.Unknown, ReasonVolume, "cannot be read"},
		"a directory":           {"files", "dir", verdict.Unknown, ReasonVolume, "it is no file"},
		"a pipe without an end": {"files", "pipe", verdict.Unknown, ReasonVolume, "it is no file"},
	} {
		t.Run(name, func(t *testing.T) {
			job := task(t, at, volumes, v1alpha1.LayerSource{Volume: &v1alpha1.VolumeTarball{Claim: tc.claim, Path: tc.path, SHA256: layer.Volume.SHA256}})
			refused(t, job, tc.outcome, tc.reason, tc.says)
		})
	}
	layer.Volume.Path = "in"
	built(t, task(t, at, volumes, layer)) // a link within is followed
}

// artifact pushes blobs as an OCI artifact.
func artifact(t *testing.T, to string, kind types.MediaType, blobs ...[]byte) v1alpha1.LayerSource {
	t.Helper()
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.acme.files+json")
	for _, b := range blobs {
		var err error
		image, err = mutate.Append(image, mutate.Addendum{Layer: static.NewLayer(b, kind)})
		fine(t, err)
	}
	return v1alpha1.LayerSource{Artifact: push(t, to, image)}
}

func TestEachLayerOfAnArtifactBecomesOne(t *testing.T) {
	at, volumes := host(t, quiet()), t.TempDir()
	first, second := tarball(t, file("a", "1")), zipped(t, tarball(t, file("b", "2"), file("a", "3")), 1)
	for _, kind := range []types.MediaType{types.OCILayer, types.OCIUncompressedLayer, types.DockerLayer, types.DockerUncompressedLayer} {
		_, image := built(t, task(t, at, volumes, artifact(t, at+"/files", kind, first, second), volume(t, volumes, tarball(t, file("c", "4")))))
		if diff := cmp.Diff(map[string]string{"etc/base": "the base", "a": "3", "b": "2", "c": "4"}, extract(t, image)); diff != "" {
			t.Error(diff)
		}
		layers, err := image.Layers()
		if len(layers) != 4 || err != nil {
			t.Errorf("%d layers, %v", len(layers), err)
		}
	}
}

func TestArtifactsThatAreRefused(t *testing.T) {
	good := tarball(t, file("a", "1"))
	for name, tc := range map[string]struct {
		make   func(t *testing.T, at string) string
		reason string
		says   string
	}{
		"text": {func(t *testing.T, at string) string {
			t.Helper()
			return artifact(t, at+"/files", types.OCILayer, []byte("text")).Artifact
		}, ReasonLayer, "no tarball"},
		"foreign types": {func(t *testing.T, at string) string {
			t.Helper()
			return artifact(t, at+"/files", "text/plain", good).Artifact
		}, ReasonLayer, `one of type "text/plain": push a tarball`},
		"zstd": {func(t *testing.T, at string) string {
			t.Helper()
			return artifact(t, at+"/files", types.OCILayerZStd, good).Artifact
		}, ReasonLayer, "zstd"},
		"kept elsewhere": {func(t *testing.T, at string) string {
			t.Helper()
			return artifact(t, at+"/files", types.OCIRestrictedLayer, good).Artifact
		}, ReasonLayer, "nondistributable"},
		"no layers": {func(t *testing.T, at string) string {
			t.Helper()
			return artifact(t, at+"/files", types.OCILayer).Artifact
		}, ReasonLayer, "no artifact with layers"},
		"an index": {func(t *testing.T, at string) string {
			t.Helper()
			return push(t, at+"/files", manyPlatforms(t, types.OCIImageIndex))
		}, ReasonLayer, "no artifact with layers"},
		"nothing there": {func(_ *testing.T, at string) string { return at + "/files@sha256:" + ones }, ReasonInputNotFound, "push it, or correct the digest"},
		"no digest":     {func(_ *testing.T, at string) string { return at + "/files:v1" }, ReasonInvalid, "is no digest"},
	} {
		t.Run(name, func(t *testing.T) {
			at := host(t, quiet())
			refused(t, task(t, at, t.TempDir(), v1alpha1.LayerSource{Artifact: tc.make(t, at)}), verdict.Failed, tc.reason, tc.says)
		})
	}
}

func TestBasesThatAreRefused(t *testing.T) {
	windows := baseImage(t, "amd64")
	config, err := windows.ConfigFile()
	fine(t, err)
	config.OS = "windows"
	windows, err = mutate.ConfigFile(windows, config)
	fine(t, err)
	elsewhere, err := mutate.Append(baseImage(t, "amd64"), mutate.Addendum{Layer: static.NewLayer([]byte("x"), types.OCILayer), URLs: []string{"https://blobs.example/x"}})
	fine(t, err)
	foreign, err := mutate.Append(baseImage(t, "amd64"), mutate.Addendum{Layer: static.NewLayer([]byte("x"), types.DockerForeignLayer)})
	fine(t, err)
	nested := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: manyPlatforms(t, types.OCIImageIndex)})
	others := mutate.AppendManifests(empty.Index, listed(windows, "windows", "amd64"), listed(baseImage(t, ""), "unknown", "unknown"))
	hidden := mutate.AppendManifests(empty.Index, listed(windows, "linux", "amd64"))
	for name, tc := range map[string]struct {
		base remote.Taggable
		says string
	}{
		"an artifact":               {mutate.ConfigMediaType(baseImage(t, "amd64"), "application/vnd.acme+json"), `configured by "application/vnd.acme+json", as no image is`},
		"for Windows":               {windows, `it is for "windows"`},
		"for Windows, unsaid":       {hidden, `it is for "windows"`},
		"layers with addresses":     {elsewhere, "kept elsewhere"},
		"layers that are not given": {foreign, "kept elsewhere"},
		"an index of indexes":       {nested, "media type"},
		"an index of nothing":       {empty.Index, "without an image for Linux"},
		"an index for others":       {others, "without an image for Linux"},
	} {
		t.Run(name, func(t *testing.T) {
			at, volumes := host(t, quiet()), t.TempDir()
			job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app", "1"))))
			job.Spec.Base = push(t, at+"/other", tc.base)
			refused(t, job, verdict.Failed, ReasonBase, tc.says)
		})
	}
}

func TestAnImageHasNoMoreLayersThanCanBeStacked(t *testing.T) {
	at, volumes := host(t, quiet()), t.TempDir()
	var blobs [][]byte
	for i := range 127 {
		blobs = append(blobs, tarball(t, file("app", fmt.Sprint(i))))
	}
	_, image := built(t, task(t, at, volumes, artifact(t, at+"/files", types.OCILayer, blobs[:126]...)))
	if layers, err := image.Layers(); len(layers) != 127 || err != nil {
		t.Errorf("%d layers, %v", len(layers), err)
	}
	job := task(t, at, volumes, artifact(t, at+"/files", types.OCILayer, blobs...))
	job.Repository = repository(t, at+"/acme/other")
	refused(t, job, verdict.Failed, ReasonTooLarge, "would have 128 layers, and may have 127")
}

func TestThereIsNoRoom(t *testing.T) {
	at, volumes := host(t, quiet()), t.TempDir()
	job := task(t, at, volumes, volume(t, volumes, tarball(t, file("app", "1"))))
	job.Scratch = filepath.Join(job.Scratch, "none")
	refused(t, job, verdict.Unknown, ReasonScratch, "give the build more ephemeral storage")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	fine(t, err)
	defer func() { fine(t, full.Close()) }()
	_, err = scratch{full}.Write([]byte("x"))
	if v := explain(err); v.Reason != ReasonScratch || !strings.Contains(v.Message, "(it is full)") {
		t.Errorf("got %+v", v)
	}
}

func TestManifestsThatAreNone(t *testing.T) {
	const right = `{"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:` + ones + `"},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":0,"digest":"sha256:` + ones + `"}]}`
	for name, tc := range map[string]struct{ from, to, says string }{
		"good":               {"", "", ""},
		"a large config":     {`"size":2`, `"size":4194304`, ""},
		"a larger config":    {`"size":2`, `"size":4194305`, "may have 1 to 4194304"},
		"no config":          {`"size":2`, `"size":0`, "has 0 bytes"},
		"a negative layer":   {`"size":0`, `"size":-1`, "which is none"},
		"a layer of text":    {"layer.v1.tar", "text", "which is none"},
		"more behind it":     {"}]}", "}]}{}", "not JSON"},
		"another media type": {`{"config"`, `{"mediaType":"text/plain","config"`, `calls itself "text/plain"`},
		"its own media type": {`{"config"`, `{"mediaType":"application/vnd.oci.image.manifest.v1+json","config"`, ""},
		"too long":           {`{"config"`, strings.Repeat(" ", 4<<20) + `{"config"`, "larger than 4194304 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := manifest{types.OCIManifestSchema1, []byte(strings.Replace(right, tc.from, tc.to, 1))}.image()
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	for n, ok := range map[int]bool{128: true, 129: false} {
		entries := strings.Repeat(`,{"mediaType":"a","size":1,"digest":"sha256:`+ones+`"}`, n)[1:]
		if _, err := (manifest{types.OCIImageIndex, []byte(`{"manifests":[` + entries + `]}`)}).index(); (err == nil) != ok {
			t.Errorf("%d manifests: %v", n, err)
		}
	}
}
