package e2e

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	k8stypes "k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/test/cluster"
	"github.com/signal-delivery/operator/test/signing"
)

func reference(t *testing.T, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(text, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// pull gets an image from the cluster's registry.
func pull(t *testing.T, ref string) (v1.Image, string) {
	t.Helper()
	image, err := remote.Image(reference(t, ref), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return image, digest.String()
}

func push(t *testing.T, ref string, image v1.Image) string {
	t.Helper()
	if err := remote.Write(reference(t, ref), image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// relabeled is the sample service with another digest.
func relabeled(t *testing.T, version, label string) v1.Image {
	t.Helper()
	image, _ := pull(t, shared.Registry+"/acme/signal-service:"+version)
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.Config.Labels = map[string]string{"org.opencontainers.image.revision": label, "org.opencontainers.image.source": "https://git.example/acme/app"}
	if image, err = mutate.ConfigFile(image, file); err != nil {
		t.Fatal(err)
	}
	return image
}

func phase(p v1alpha1.Phase) func(*v1alpha1.SignalDeployment) bool {
	return func(sd *v1alpha1.SignalDeployment) bool { return sd.Status.Phase == p }
}

// A tag that moves, and an image that is deleted, while a release is under way
// change nothing of what runs, and are told.
func TestTheRegistryChangesUnderWay(t *testing.T) {
	namespace := space(t, "e2e-moving")
	for title, change := range map[string]struct {
		do   func(t *testing.T, ref, digest string)
		told string
	}{
		"the-tag-moves": {func(t *testing.T, ref, _ string) {
			t.Helper()
			push(t, ref, relabeled(t, "v1.1.0", "moved"))
		}, "TagMoved"},
		"it-is-deleted": {func(t *testing.T, ref, digest string) {
			t.Helper()
			if err := remote.Delete(reference(t, strings.Split(ref, ":v")[0]+"@"+digest), remote.WithContext(t.Context())); err != nil {
				t.Fatal(err)
			}
		}, "ImageNotFound"},
	} {
		t.Run(title, func(t *testing.T) {
			ref := shared.Registry + "/acme/" + title + ":v1"
			digest := push(t, ref, relabeled(t, "v1.0.0", title))
			sd := cluster.Plain(namespace, title, ref)
			sd.Spec.Strategy.VerifySeconds = new(int32(6))
			create(t, sd)
			until(t, sd, phase(v1alpha1.PhaseVerifying))
			change.do(t, ref, digest)
			until(t, sd, ended)
			if sd.Status.Phase != v1alpha1.PhaseSucceeded || sd.Status.Candidate.Digest != digest || sd.Status.Candidate.Artifact.Revision != title {
				t.Errorf("%s with %+v", sd.Status.Phase, sd.Status.Candidate)
			}
			if text := reportOf(t, sd); !strings.Contains(text, "**"+change.told+"**") {
				t.Errorf("the report does not tell:\n%s", text)
			}
			proven(t, sd)
		})
	}
}

// proven requires that the pods run the digest, and that the operator says so.
func proven(t *testing.T, sd *v1alpha1.SignalDeployment) {
	t.Helper()
	out, err := shared.Kubectl(t.Context(), "-n", sd.Namespace, "get", "pods", "-l", "delivery.signal.dev/name="+sd.Name, "-o", "jsonpath={.items[*].status.containerStatuses[*].imageID}")
	if err != nil || !strings.Contains(out, sd.Status.Candidate.Digest) {
		t.Errorf("the pods run %s: %v", out, err)
	}
	for _, v := range sd.Status.Rollout.Verdicts {
		if v.Reason == "DigestProven" && v.Evidence.Value == sd.Status.Candidate.Digest {
			return
		}
	}
	t.Error("no verdict says that the digest was proven")
}

// Only what the right key signed is released.
func TestSignatures(t *testing.T) {
	namespace := space(t, "e2e-signatures")
	ours, theirs := signing.New(t), signing.New(t)
	for title, tc := range map[string]struct {
		by     *signing.Key
		reason string
	}{
		"signed":            {&ours, ""},
		"unsigned":          {nil, "SignatureMissing"},
		"signed-by-another": {&theirs, "SignerMismatch"},
	} {
		t.Run(title, func(t *testing.T) {
			repository := shared.Registry + "/acme/" + title
			digest := push(t, repository+":v1", relabeled(t, "v1.0.0", title))
			if tc.by != nil {
				tc.by.Sign(t, repository, digest)
			}
			sd := cluster.Plain(namespace, title, repository+":v1")
			sd.Spec.Artifact.Signatures = []v1alpha1.SignaturePolicy{{Name: "ours", Signer: v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{{PEM: ours.Public}}}}}
			create(t, sd)
			until(t, sd, ended)
			if tc.reason != "" {
				if sd.Status.Phase != v1alpha1.PhaseFailed || sd.Status.Reason != tc.reason {
					t.Errorf("%s, %s: %s", sd.Status.Phase, sd.Status.Reason, sd.Status.Rollout.Message)
				}
				return
			}
			if sd.Status.Phase != v1alpha1.PhaseSucceeded || sd.Status.Candidate.Artifact.Signer == "" {
				t.Fatalf("%s, %s: %s", sd.Status.Phase, sd.Status.Reason, sd.Status.Rollout.Message)
			}
			out, err := shared.Kubectl(t.Context(), "-n", namespace, "get", "sigdep", title, "-o", "wide")
			for _, column := range []string{sd.Status.Candidate.ID, digest, sd.Status.Candidate.Artifact.Signer} {
				if err != nil || !strings.Contains(out, column) {
					t.Errorf("%s is not shown: %v\n%s", column, err, out)
				}
			}
			proven(t, sd)
		})
	}
}

// The manifest says in the registry what was deployed, and is the same that
// the cluster keeps.
func TestTheManifestIsAttached(t *testing.T) {
	namespace := space(t, "e2e-attach")
	repository := shared.Registry + "/acme/attached"
	digest := push(t, repository+":v1", relabeled(t, "v1.0.0", "attached"))
	sd := cluster.Plain(namespace, "attached", repository+":v1")
	sd.Spec.Artifact.Attach = true
	create(t, sd)
	until(t, sd, phase(v1alpha1.PhaseSucceeded))
	cm := &corev1.ConfigMap{}
	if err := shared.Get(t.Context(), k8stypes.NamespacedName{Namespace: namespace, Name: release.ManifestName(sd.Name, *sd.Status.Candidate)}, cm); err != nil {
		t.Fatal(err)
	}
	if got := referrer(t, repository, digest, release.ManifestType); !bytes.Equal(got, []byte(cm.Data[release.ManifestKey])) {
		t.Errorf("attached is\n%s\nkept is\n%s", got, cm.Data[release.ManifestKey])
	}
}

// referrer is the content of the one referrer of a type.
func referrer(t *testing.T, repository, digest, kind string) []byte {
	t.Helper()
	subject, err := name.NewDigest(repository+"@"+digest, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Referrers(subject, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	all, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all.Manifests {
		if d.ArtifactType != kind {
			continue
		}
		image, err := remote.Image(reference(t, repository+"@"+d.Digest.String()), remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		layers, err := image.Layers()
		if err != nil || len(layers) != 1 {
			t.Fatalf("%d layers, %v", len(layers), err)
		}
		content, err := layers[0].Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if _, err := text.ReadFrom(content); err != nil {
			t.Fatal(err)
		}
		return text.Bytes()
	}
	t.Fatalf("no referrer of type %s among %+v", kind, all.Manifests)
	return nil
}
