package prober

import (
	"encoding/json"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// pushed is a registry with an image by digest, as a builder leaves it.
func pushed(t *testing.T) (host, digest string) {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host = strings.TrimPrefix(server.URL, "http://")
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file.OS, file.Architecture = "linux", "amd64"
	if image, err = mutate.ConfigFile(image, file); err != nil {
		t.Fatal(err)
	}
	hash, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(host + "/acme/app@" + hash.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	return host, hash.String()
}

// referrers are the contents of what is attached to a digest, by type.
func referrers(t *testing.T, host, digest string) map[string][]string {
	t.Helper()
	subject, err := name.NewDigest(host + "/acme/app@" + digest)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Referrers(subject, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, d := range manifest.Manifests {
		image, err := remote.Image(subject.Context().Digest(d.Digest.String()), remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil || len(layers) != 1 {
			t.Fatalf("%d layers, %v", len(layers), err)
		}
		out[d.ArtifactType] = append(out[d.ArtifactType], contentOf(t, layers[0]))
	}
	return out
}

func contentOf(t *testing.T, layer v1.Layer) string {
	t.Helper()
	content, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run runs the prober with an environment.
func run(t *testing.T, root, command string, env map[string]string) verdict.Answer {
	t.Helper()
	job := Prober{Root: root, Clock: clock.RealClock{}, Env: func(key string) string { return env[key] }}
	answer, code, err := job.Run(t.Context(), []string{"image", command})
	if err != nil || code != Decided {
		t.Fatalf("code %d, %v, %+v", code, err, answer)
	}
	return answer
}

func encoded(t *testing.T, spec v1alpha1.ArtifactSpec) string {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a builder pushed is confirmed, and says from then on where it comes
// from; what it only claims to have pushed is nothing, and has no provenance.
func TestWhatABuilderPushedHasItsProvenance(t *testing.T) {
	host, digest := pushed(t)
	spec := v1alpha1.ArtifactSpec{Repository: host + "/acme/app", Build: &v1alpha1.BuildSpec{
		Job: &v1alpha1.JobBuild{Image: "registry.example/builder@sha256:1", Args: []string{"--target", "prod"}},
	}}
	env := map[string]string{"SIGNAL_ARTIFACT": encoded(t, spec), "SIGNAL_INSECURE_REGISTRIES": host, "SIGNAL_BUILT": "sha256:" + strings.Repeat("0", 64)}
	if answer := run(t, t.TempDir(), "resolve", env); answer.Digest != "" || answer.Verdicts[0].Outcome != verdict.Failed || answer.Verdicts[0].Reason != "DigestNotFound" {
		t.Errorf("a lie: %+v", answer)
	}
	if got := referrers(t, host, digest); len(got) != 0 {
		t.Errorf("attached of a lie: %v", got)
	}

	env["SIGNAL_BUILT"] = digest
	for range 2 { // another pod of the Job attaches nothing twice
		answer := run(t, t.TempDir(), "resolve", env)
		if answer.Digest != digest || answer.Artifact == nil || answer.Artifact.Builder != "registry.example/builder@sha256:1" {
			t.Fatalf("%+v", answer)
		}
	}
	proofs := referrers(t, host, digest)["application/vnd.in-toto+json"]
	if len(proofs) != 1 {
		t.Fatalf("%d proofs", len(proofs))
	}
	var statement struct {
		PredicateType string
		Subject       []struct{ Digest map[string]string }
		Predicate     struct {
			BuildDefinition struct {
				BuildType          string
				ExternalParameters struct{ Args []string }
			}
			RunDetails struct{ Builder struct{ ID string } }
		}
	}
	if err := json.Unmarshal([]byte(proofs[0]), &statement); err != nil {
		t.Fatal(err)
	}
	got := []string{
		statement.PredicateType, statement.Subject[0].Digest["sha256"], statement.Predicate.BuildDefinition.BuildType,
		strings.Join(statement.Predicate.BuildDefinition.ExternalParameters.Args, " "), statement.Predicate.RunDetails.Builder.ID,
	}
	want := []string{
		"https://slsa.dev/provenance/v1", strings.TrimPrefix(digest, "sha256:"), "https://delivery.signal.dev/build/job/v1",
		"--target prod", "registry.example/builder@sha256:1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("provenance (-want +got):\n%s\n%s", diff, proofs[0])
	}
}

// The last look at the registry attaches the manifest where that is asked for,
// byte for byte as the cluster keeps it, and says so when it is not there.
func TestSeal(t *testing.T) {
	const manifest = `{"type":"application/vnd.signal.dev.release.v1+json"}`
	for title, tc := range map[string]struct {
		attach, kept bool
		reason       string // of the last verdict, when it failed
		attached     []string
	}{
		"nothing to attach":       {kept: true},
		"a manifest":              {attach: true, kept: true, attached: []string{manifest}},
		"one that is gone by now": {attach: true, reason: "ManifestMissing"},
	} {
		t.Run(title, func(t *testing.T) {
			host, digest := pushed(t)
			ref, root := host+"/acme/app@"+digest, t.TempDir()
			if tc.kept {
				if err := os.MkdirAll(filepath.Join(root, "manifest"), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(root, "manifest", release.ManifestKey), []byte(manifest), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			answer := run(t, root, "seal", map[string]string{
				"SIGNAL_ARTIFACT":            encoded(t, v1alpha1.ArtifactSpec{Image: ref, Attach: tc.attach}),
				"SIGNAL_INSECURE_REGISTRIES": host, "SIGNAL_DIGEST": digest, "SIGNAL_REFERENCE": ref,
			})
			last := answer.Verdicts[len(answer.Verdicts)-1]
			if failed := last.Outcome == verdict.Failed; failed != (tc.reason != "") || failed && last.Reason != tc.reason {
				t.Errorf("%+v", answer.Verdicts)
			}
			if diff := cmp.Diff(tc.attached, referrers(t, host, digest)[release.ManifestType]); diff != "" {
				t.Error(diff)
			}
		})
	}
}
