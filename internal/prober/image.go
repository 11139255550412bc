package prober

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/signal-delivery/operator/api/v1alpha1"
	imageprobe "github.com/signal-delivery/operator/internal/prober/image"
	"github.com/signal-delivery/operator/internal/prober/image/build"
	"github.com/signal-delivery/operator/internal/prober/image/signature"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// builderID is who builds by appending, in the provenance of what was built.
const builderID = "https://delivery.signal.dev/builder/append/v1"

// task is what is to be done to an image.
type task struct {
	spec     v1alpha1.ArtifactSpec
	registry imageprobe.Registry
	root     string
	offered  []string // platforms of the nodes
	built    string   // digest that a builder claims to have pushed
	digest   string   // that was released, of reference
	ref      string
	owner    string // namespace/name of the SignalDeployment
}

// task reads what is to be done.
func (p Prober) task() (task, error) {
	t := task{
		root: p.Root, built: p.Env("SIGNAL_BUILT"), digest: p.Env("SIGNAL_DIGEST"), ref: p.Env("SIGNAL_REFERENCE"),
		offered: list(p.Env("SIGNAL_PLATFORMS")), owner: p.Env("SIGNAL_NAMESPACE") + "/" + p.Env("SIGNAL_NAME"),
	}
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_ARTIFACT")), &t.spec); err != nil {
		return task{}, fmt.Errorf("decode SIGNAL_ARTIFACT: %w", err)
	}
	if (t.spec.Image == "") == (t.spec.Build == nil) {
		return task{}, errors.New("SIGNAL_ARTIFACT has neither image nor build, or both")
	}
	t.registry = imageprobe.Registry{Insecure: list(p.Env("SIGNAL_INSECURE_REGISTRIES")), Keychain: imageprobe.Keychain(filepath.Join(p.Root, "pull"))}
	return t, nil
}

// resolve finds the digest: of what is there, or of what it builds. Everything
// that is to be true of it is verified of that digest.
func (t task) resolve(ctx context.Context) verdict.Answer {
	made := t.make(ctx)
	if made.Digest == "" && len(made.Verdicts) > 0 {
		return made
	}
	image := t.spec.Image
	if made.Digest != "" {
		image = t.spec.Repository + "@" + made.Digest
	}
	answer := t.registry.Resolve(ctx, image, t.offered)
	answer.Verdicts = append(made.Verdicts, answer.Verdicts...)
	if answer.Digest == "" {
		return answer
	}
	return t.verify(ctx, image, answer)
}

// make builds the image by appending, or confirms what a builder pushed; of an
// image that is there it says nothing.
func (t task) make(ctx context.Context) verdict.Answer {
	if t.spec.Build == nil {
		return verdict.Answer{}
	}
	repository, err := t.repository()
	if err != nil {
		return no(build.ReasonInvalid, "artifact.repository: %v", err)
	}
	if t.spec.Build.Append == nil {
		v := build.Confirm(ctx, repository, t.built, t.registry.Options(ctx))
		if v.Outcome != verdict.Passed {
			return verdict.Answer{Verdicts: []verdict.Verdict{v}}
		}
		return t.attest(ctx, verdict.Answer{Digest: t.built, Verdicts: []verdict.Verdict{v}}, build.Origin{
			Subject: repository.Digest(t.built), BuildType: build.BuildTypeJob, Parameters: t.spec.Build.Job, Builder: t.spec.Build.Job.Image,
		})
	}
	appending := build.Task{
		Spec: *t.spec.Build.Append, Repository: repository, Volumes: filepath.Join(t.root, "volumes"), Builder: builderID,
		Options: t.registry.Options(ctx), Parse: t.registry.Parse,
	}
	answer := build.Append(ctx, appending)
	if answer.Digest == "" {
		return answer
	}
	return t.attest(ctx, answer, appending.Origin(answer.Digest))
}

// attest attaches where the image comes from.
func (t task) attest(ctx context.Context, answer verdict.Answer, origin build.Origin) verdict.Answer {
	statement, err := build.Provenance(origin)
	if err != nil {
		return no(build.ReasonUnsupported, "Write the provenance of %s: %v", origin.Subject, err)
	}
	_, v := t.registry.Attach(ctx, origin.Subject, build.MediaTypeProof, build.MediaTypeProof, statement, map[string]string{"in-toto.io/predicate-type": build.PredicateType})
	answer.Verdicts = append(answer.Verdicts, v)
	if v.Outcome != verdict.Passed {
		answer.Digest = ""
	}
	return answer
}

// verify holds the digest against every signature and attestation.
func (t task) verify(ctx context.Context, image string, answer verdict.Answer) verdict.Answer {
	subject, err := t.subject(image, answer.Digest)
	if err != nil {
		return no(imageprobe.ReasonInvalid, "artifact.image: %v", err)
	}
	found := signature.Verify(ctx, subject, t.spec, signature.Files(filepath.Join(t.root, "trust")), t.registry.Options(ctx))
	answer.Verdicts = append(answer.Verdicts, found.Verdicts...)
	if verdict.All(verdict.Verdict{}, answer.Verdicts...).Outcome != verdict.Passed {
		answer.Digest = "" // an answer that is cut may lose a verdict, but never gains a digest
		return answer
	}
	answer.Artifact.Signer, answer.Artifact.Builder = verdict.Clip(found.Signer, 512), verdict.Clip(found.Builder, 256)
	if made := t.spec.Build; made != nil && found.Builder == "" {
		answer.Artifact.Builder = builderID
		if made.Job != nil {
			answer.Artifact.Builder = verdict.Clip(made.Job.Image, 256)
		}
	}
	return answer
}

// seal looks at the registry once the release is over, and attaches its
// manifest.
func (t task) seal(ctx context.Context) verdict.Answer {
	var answer verdict.Answer
	answer.Verdicts = append(answer.Verdicts, t.registry.Recheck(ctx, t.ref, t.digest))
	if !t.spec.Attach {
		return answer
	}
	subject, err := t.subject(t.ref, t.digest)
	if err != nil {
		return no(imageprobe.ReasonInvalid, "artifact.image: %v", err)
	}
	manifest, err := os.ReadFile(filepath.Join(t.root, "manifest", release.ManifestKey))
	if err != nil {
		return no("ManifestMissing", "The release manifest of %s is not there to be attached: its ConfigMap is gone", t.owner)
	}
	_, v := t.registry.Attach(ctx, subject, release.ManifestType, release.ManifestType, manifest, nil)
	answer.Verdicts = append(answer.Verdicts, v)
	return answer
}

func (t task) repository() (name.Repository, error) {
	host, _, _ := strings.Cut(t.spec.Repository, "/")
	if slices.Contains(t.registry.Insecure, host) {
		return name.NewRepository(t.spec.Repository, name.Insecure)
	}
	return name.NewRepository(t.spec.Repository)
}

// subject is the digest in its repository.
func (t task) subject(image, digest string) (name.Digest, error) {
	ref, err := t.registry.Parse(image)
	if err != nil {
		return name.Digest{}, err
	}
	return ref.Context().Digest(digest), nil
}

// no is an answer that fails for one reason.
func no(reason, format string, args ...any) verdict.Answer {
	return verdict.Answer{Verdicts: []verdict.Verdict{verdict.Fail(v1alpha1.SignalArtifact, reason, format, args...)}}
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
