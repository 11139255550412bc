// Package artifact pins an image: it asks the image's registry, without
// credentials, which digest a reference names now. It believes no registry
// that contradicts itself, and speaks plain http only where the administrator
// has said so. What becomes of the release is not its matter.
package artifact

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on artifacts.
const (
	ReasonResolved    = "Resolved"            // the reference names this digest
	ReasonInvalid     = "InvalidReference"    // the reference cannot be read
	ReasonNotFound    = "ImageNotFound"       // the registry has no such image
	ReasonDenied      = "AccessDenied"        // the registry does not let the operator read it
	ReasonUnsupported = "UnsupportedManifest" // what it names is no image, or not what its digest says
	ReasonRateLimited = "RateLimited"         // the registry asks to come back later
	ReasonUnavailable = "RegistryUnavailable" // the registry gives no answer, or none that decides
)

const (
	defaultTimeout = 10 * time.Second
	maxManifest    = 4 << 20 // bytes, as registries limit them
	maxRequests    = 20      // of one resolution: a ping, a token, a manifest and redirects of each
	maxListed      = 512     // bytes of a message that platforms may take
)

// Options of New.
type Options struct {
	Insecure  []string          // registries, as host or host:port, that speak plain http
	Timeout   time.Duration     // of one resolution; absent: 10 s
	Transport http.RoundTripper // absent: the default one
}

// Resolver resolves references. It may be used from several goroutines.
type Resolver struct{ o Options }

// New is a resolver.
func New(o Options) *Resolver {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	return &Resolver{o}
}

// Resolved is what a reference names.
type Resolved struct {
	Digest    string   // sha256:…
	MediaType string   // of the manifest or the index
	Platforms []string // of an index, sorted; none of a single manifest
}

// Resolve asks for the digest that the reference names now. What it resolved is
// empty unless the verdict has passed.
func (r *Resolver) Resolve(ctx context.Context, image string) (Resolved, verdict.Verdict) {
	ref, err := r.parse(image)
	if err != nil {
		return Resolved{}, verdict.With(fail(ReasonInvalid,
			"%q is not an image reference: write artifact.image as registry.example/team/app:v1.0.0 or registry.example/team/app@sha256:…", image),
			verdict.Evidence{Query: image})
	}
	resolved, v := r.ask(ctx, image, ref)
	evidence := verdict.Evidence{Query: image, Source: ref.Context().RegistryStr(), Value: resolved.Digest}
	return resolved, verdict.With(v, evidence)
}

// ask gets the manifest and holds it against everything that is said about it.
func (r *Resolver) ask(ctx context.Context, image string, ref name.Reference) (Resolved, verdict.Verdict) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	line := &guard{next: r.o.Transport, plain: r.o.Insecure}
	got, err := remote.Get(opaque{ref}, remote.WithContext(ctx), remote.WithTransport(line),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes())
	if err != nil {
		return Resolved{}, r.explain(image, ref.Context().RegistryStr(), err)
	}
	digest, mediaType := digestOf(got.Manifest), plainType(string(got.MediaType))
	if said := contradiction(digest, line.said(), ref); said != "" {
		return Resolved{}, fail(ReasonUnsupported, "Registry %s says that %s is %s, but what it sends is %s: do not trust it; mend the registry, or name the image elsewhere",
			ref.Context().RegistryStr(), image, said, digest)
	}
	platforms, err := platformsOf(mediaType, got.Manifest)
	if err != nil {
		return Resolved{}, fail(ReasonUnsupported, "%s cannot run, because %v: name an image, or an index of images, in artifact.image", image, err)
	}
	resolved := Resolved{Digest: digest, MediaType: mediaType, Platforms: platforms}
	if len(platforms) == 0 {
		return resolved, verdict.Pass(v1alpha1.SignalArtifact, ReasonResolved, "%s is %s", image, digest)
	}
	return resolved, verdict.Pass(v1alpha1.SignalArtifact, ReasonResolved, "%s is %s, for %s", image, digest, verdict.Clip(strings.Join(platforms, ", "), maxListed))
}

// parse reads a reference; registries that the administrator has named are
// spoken to in plain http.
func (r *Resolver) parse(image string) (name.Reference, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, err
	}
	if pinned, ok := ref.(name.Digest); ok && !strings.HasPrefix(pinned.DigestStr(), "sha256:") {
		return nil, errors.New("only sha256 digests are understood")
	}
	if slices.Contains(r.o.Insecure, ref.Context().RegistryStr()) {
		return name.ParseReference(image, name.Insecure)
	}
	return ref, nil
}

// opaque hides from the library that a reference is a digest: that the content
// has it is for us to say, in words of our own.
type opaque struct{ name.Reference }

// contradiction is the digest that the content should have had, by the
// registry's header or by the reference; "" when it is right.
func contradiction(digest, header string, ref name.Reference) string {
	if pinned, ok := ref.(name.Digest); ok && pinned.DigestStr() != digest {
		return pinned.DigestStr()
	}
	if strings.HasPrefix(header, "sha256:") && header != digest {
		return verdict.Clip(header, 80)
	}
	return ""
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalArtifact, reason, format, args...)
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalArtifact, reason, format, args...)
}
