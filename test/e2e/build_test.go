package e2e

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

// files is an OCI artifact of one tarball.
func files(t *testing.T, name, content string) v1.Image {
	t.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(text.Bytes(), "application/vnd.oci.image.layer.v1.tar"))
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// What is built by appending runs, says where it comes from, and has the same
// digest each time, whenever its files were written.
func TestAppendBuilds(t *testing.T) {
	namespace := space(t, "e2e-append")
	_, base := pull(t, shared.Registry+"/acme/signal-service:v1.1.0")
	repository := shared.Registry + "/acme/appended"
	var digests []string
	for _, name := range []string{"first", "second"} {
		layer := push(t, shared.Registry+"/acme/files:"+name, files(t, "etc/motd", "hello"))
		sd := cluster.Plain(namespace, name, "")
		sd.Spec.Version = "v1.1.0-hello"
		sd.Spec.Artifact = v1alpha1.ArtifactSpec{Repository: repository, Build: &v1alpha1.BuildSpec{Append: &v1alpha1.AppendBuild{
			Base: shared.Registry + "/acme/signal-service@" + base, Layers: []v1alpha1.LayerSource{{Artifact: shared.Registry + "/acme/files@" + layer}},
		}}}
		create(t, sd)
		until(t, sd, ended)
		if sd.Status.Phase != v1alpha1.PhaseSucceeded {
			t.Fatalf("%s, %s: %s", sd.Status.Phase, sd.Status.Reason, sd.Status.Rollout.Message)
		}
		proven(t, sd)
		digests = append(digests, sd.Status.Candidate.Digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("the same files gave %v", digests)
	}
	if text := string(referrer(t, repository, digests[0], "application/vnd.in-toto+json")); !strings.Contains(text, strings.TrimPrefix(base, "sha256:")) || !strings.Contains(text, "https://slsa.dev/provenance/v1") {
		t.Errorf("the provenance does not name the base:\n%s", text)
	}
}

// A builder of one's own is believed only as far as the registry bears it out.
func TestJobBuilds(t *testing.T) {
	namespace := space(t, "e2e-build")
	builder, err := shared.PushBuilder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	source := shared.Registry + "/acme/signal-service:v1.0.0"
	_, want := pull(t, source)
	all := map[string]*v1alpha1.SignalDeployment{}
	for name, tc := range map[string]struct {
		variable, value string
	}{
		"honest": {}, "lying": {"LIE", "sha256:" + strings.Repeat("0", 64)}, "failing": {"FAIL", "no disk; password=hunter2"},
	} {
		sd := cluster.Plain(namespace, name, "")
		sd.Spec.Version = "built"
		env := []v1alpha1.CheckEnv{{Name: "SOURCE", Value: source}}
		if tc.variable != "" {
			env = append(env, v1alpha1.CheckEnv{Name: tc.variable, Value: tc.value})
		}
		sd.Spec.Artifact = v1alpha1.ArtifactSpec{Repository: shared.Registry + "/acme/" + name, Build: &v1alpha1.BuildSpec{Job: &v1alpha1.JobBuild{Image: builder, Env: env}}}
		create(t, sd)
		all[name] = sd
	}
	for name, want := range map[string]struct {
		phase  v1alpha1.Phase
		reason string
		says   string
		digest string
	}{
		"honest":  {v1alpha1.PhaseSucceeded, "Promoted", "", want},
		"lying":   {v1alpha1.PhaseFailed, "DigestNotFound", "sha256:000000", ""},
		"failing": {v1alpha1.PhaseFailed, "BuildFailed", "password=[redacted]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			sd := all[name]
			until(t, sd, ended)
			if sd.Status.Phase != want.phase || sd.Status.Reason != want.reason || !strings.Contains(sd.Status.Rollout.Message, want.says) || sd.Status.Candidate.Digest != want.digest {
				t.Errorf("%s of %s, %s: %s", sd.Status.Phase, sd.Status.Candidate.Digest, sd.Status.Reason, sd.Status.Rollout.Message)
			}
		})
	}
}
