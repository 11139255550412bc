// Package imageprobe is what a Job learns from an image's registry: which
// digest a reference names now, what that digest is and which platforms it is
// for, and, once a release is over, whether that is still so. It can attach a
// manifest to a digest. It has the pull secrets that the Job has mounted, and
// repeats nothing of what they hold; it believes no registry that contradicts
// itself, speaks plain http only where the administrator has said so, and pulls
// no layer.
package imageprobe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on images.
const (
	ReasonResolved        = "Resolved"            // the reference names this digest
	ReasonInvalid         = "InvalidReference"    // the reference cannot be read
	ReasonNotFound        = "ImageNotFound"       // the registry has no such image, or not all of it
	ReasonDenied          = "AccessDenied"        // the registry does not let the Job read it
	ReasonUnsupported     = "UnsupportedManifest" // what it names is no image, or not what its digest says
	ReasonPlatformMissing = "PlatformMissing"     // it is for none of the platforms that the nodes offer
	ReasonRateLimited     = "RateLimited"         // the registry asks to come back later
	ReasonUnavailable     = "RegistryUnavailable" // the registry gives no answer, or none that decides
	ReasonTagMoved        = "TagMoved"            // the tag names another digest than the one released, or none
	ReasonAttached        = "ManifestAttached"    // the manifest is beside the image
	ReasonPushDenied      = "PushDenied"          // the registry does not let the Job push
)

const (
	defaultTimeout = 10 * time.Second
	maxListed      = 512 // bytes of a message that a list may take
)

// Registry is how registries are spoken to. The zero value has no credentials
// and speaks https alone.
type Registry struct {
	Insecure  []string          // registries, as host or host:port, that speak plain http
	Keychain  authn.Keychain    // absent: no credentials
	Timeout   time.Duration     // of one resolution, check or attachment; absent: 10 s
	Transport http.RoundTripper // absent: the default one
}

// Parse reads a reference. Registries that the administrator has named are
// spoken to in plain http. Of digests it takes sha256 alone.
func (r Registry) Parse(image string) (name.Reference, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, fmt.Errorf("read reference %q: it is not registry/repository:tag or registry/repository@sha256:…", verdict.Clip(image, maxListed))
	}
	if pinned, ok := ref.(name.Digest); ok && !strings.HasPrefix(pinned.DigestStr(), "sha256:") {
		return nil, fmt.Errorf("read reference %q: only sha256 digests are understood", verdict.Clip(image, maxListed))
	}
	if slices.Contains(r.Insecure, ref.Context().RegistryStr()) {
		return name.ParseReference(image, name.Insecure)
	}
	return ref, nil
}

// Options are for others who speak to registries with the same credentials and
// under the same guard; what they read of a blob they bound themselves. Where
// several secrets fit a repository, the one that was let in last is used, or
// the first. The context bounds all requests; nothing is tried again.
func (r Registry) Options(ctx context.Context) []remote.Option {
	options := r.options(ctx, &guard{next: r.transport(), plain: r.Insecure, limit: maxRequests})
	if r.Keychain != nil {
		options = append(options, remote.WithAuthFromKeychain(r.Keychain))
	}
	return options
}

func (r Registry) options(ctx context.Context, g *guard) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx), remote.WithTransport(g),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes(),
	}
}

func (r Registry) transport() http.RoundTripper {
	if r.Transport == nil {
		return http.DefaultTransport
	}
	return r.Transport
}

func (r Registry) timeout() time.Duration { return cmp.Or(r.Timeout, defaultTimeout) }

// session speaks to one registry, of one image, with one credential.
type session struct {
	image   string // in messages
	guard   *guard
	options []remote.Option
	puller  *remote.Puller
}

// each does it with each credential that fits, until one is let in: some
// registries deny what they hide, and others say that it is not there. A node
// does the same, and like a node asks without a credential only where none fits.
func (r Registry) each(ctx context.Context, image string, of name.Repository, do func(context.Context, session) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout())
	defer cancel()
	credentials, err := r.credentials(ctx, of)
	if err != nil {
		return err
	}
	var no error
	for _, c := range credentials {
		s, err := r.session(ctx, image, c.auth)
		if err == nil {
			err = do(ctx, s)
		}
		switch {
		case err == nil:
			c.remember()
			return nil
		case missing(err):
			no = err
		case !denied(err):
			return err
		case no == nil:
			no = err
		}
	}
	return no
}

func (r Registry) session(ctx context.Context, image string, auth authn.Authenticator) (session, error) {
	g := &guard{next: r.transport(), plain: r.Insecure, limit: maxLooks}
	options := append(r.options(ctx, g), remote.WithAuth(auth))
	puller, err := remote.NewPuller(options...)
	return session{image, g, options, puller}, err
}

// credential is one way to be let in.
type credential struct {
	auth     authn.Authenticator
	remember func() // that it was let in
}

func (r Registry) credentials(ctx context.Context, of name.Repository) ([]credential, error) {
	if secrets, ok := r.Keychain.(*Secrets); ok {
		return secrets.credentials(of), nil
	}
	auth := authn.Anonymous
	if r.Keychain != nil {
		resolved, err := authn.Resolve(ctx, r.Keychain, of)
		if err != nil {
			return nil, fmt.Errorf("find credentials for %s: %w", of, err)
		}
		auth = resolved
	}
	return []credential{{auth, func() {}}}, nil
}

// told is an error of which the verdict is known already.
type told struct{ v verdict.Verdict }

// Error is what the verdict says.
func (t told) Error() string { return t.v.Message }

func refuse(reason, format string, args ...any) error {
	return told{fail(reason, format, args...)}
}

func isTold(err error) (verdict.Verdict, bool) {
	var t told
	return t.v, errors.As(err, &t)
}

func pass(reason, format string, args ...any) verdict.Verdict {
	return verdict.Pass(v1alpha1.SignalArtifact, reason, format, args...)
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalArtifact, reason, format, args...)
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalArtifact, reason, format, args...)
}
