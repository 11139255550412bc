// Package artifact pins an image: it asks the image's registry, without
// credentials, which digest a reference names. What it answers is a verdict;
// what becomes of the release is not its matter.
package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

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
	ReasonUnavailable = "RegistryUnavailable" // the registry gives no answer
)

const (
	defaultTimeout = 10 * time.Second
	maxManifest    = 4 << 20 // bytes, as registries limit them
)

// Options of New.
type Options struct {
	Insecure  []string          // registries, as host:port, that speak plain http
	Timeout   time.Duration     // of one resolution; absent: 10 s
	Transport http.RoundTripper // absent: the default one
}

// Resolver resolves references.
type Resolver struct{ o Options }

// New is a resolver.
func New(o Options) *Resolver {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	o.Transport = bounded{o.Transport}
	return &Resolver{o}
}

// Resolved is what a reference names.
type Resolved struct {
	Digest    string   // sha256:…
	Platforms []string // of an index, sorted; none of a single manifest
}

// Resolve asks for the digest that the reference names now.
func (r *Resolver) Resolve(ctx context.Context, image string) (Resolved, verdict.Verdict) {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	ref, err := r.parse(image)
	if err != nil {
		return Resolved{}, fail(ReasonInvalid, "artifact.image %q cannot be read: %v", image, err)
	}
	registry := ref.Context().RegistryStr()
	descriptor, err := remote.Get(ref, remote.WithContext(ctx), remote.WithTransport(r.o.Transport), remote.WithRetryBackoff(remote.Backoff{Steps: 1}))
	if err != nil {
		return Resolved{}, explain(image, registry, err)
	}
	sum := sha256.Sum256(descriptor.Manifest)
	if actual := "sha256:" + hex.EncodeToString(sum[:]); actual != descriptor.Digest.String() {
		return Resolved{}, fail(ReasonUnsupported, "Registry %s says that %s is %s, but what it sends is %s: do not trust it", registry, image, descriptor.Digest, actual)
	}
	platforms, err := platformsOf(descriptor)
	if err != nil {
		return Resolved{}, fail(ReasonUnsupported, "%s is not an image that can run: %v", image, err)
	}
	resolved := Resolved{Digest: descriptor.Digest.String(), Platforms: platforms}
	return resolved, verdict.With(verdict.Pass(v1alpha1.SignalArtifact, ReasonResolved, "%s is pinned to %s", image, resolved.Digest),
		verdict.Evidence{Value: resolved.Digest, Query: image, Source: registry, Window: verdict.Clip(strings.Join(platforms, ","), 64)})
}

// parse reads a reference; registries that the administrator has named are
// spoken to in plain http.
func (r *Resolver) parse(image string) (name.Reference, error) {
	ref, err := name.ParseReference(image)
	if err != nil {
		return nil, err
	}
	if slices.Contains(r.o.Insecure, ref.Context().RegistryStr()) {
		return name.ParseReference(image, name.Insecure)
	}
	return ref, nil
}

// platformsOf are the platforms of an index; an index of none is no image.
func platformsOf(d *remote.Descriptor) ([]string, error) {
	switch {
	case d.MediaType.IsImage():
		image, err := d.Image()
		if err != nil {
			return nil, err
		}
		_, err = image.Manifest()
		return nil, err
	case !d.MediaType.IsIndex():
		return nil, fmt.Errorf("its media type is %q", verdict.Clip(string(d.MediaType), 128))
	}
	index, err := v1.ParseIndexManifest(strings.NewReader(string(d.Manifest)))
	if err != nil {
		return nil, err
	}
	var platforms []string
	for _, m := range index.Manifests {
		if m.Platform != nil && m.Platform.OS != "unknown" { // attestations are of an unknown platform
			platforms = append(platforms, m.Platform.String())
		}
	}
	if len(index.Manifests) == 0 {
		return nil, errors.New("it is an index of nothing")
	}
	slices.Sort(platforms)
	return slices.Compact(platforms), nil
}

// explain says what an answer that is no image means.
func explain(image, registry string, err error) verdict.Verdict {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return unavailable(image, registry)
	}
	switch code := answer.StatusCode; {
	case code == http.StatusNotFound:
		return with(registry, fail(ReasonNotFound, "Registry %s has no image %s: push it, or correct artifact.image", registry, image))
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return with(registry, fail(ReasonDenied, "Registry %s does not let the operator read %s (status %d): the operator has no credentials, so the image must be readable without", registry, image, code))
	case code == http.StatusTooManyRequests:
		return with(registry, verdict.Wait(v1alpha1.SignalArtifact, ReasonRateLimited, "Registry %s limits how often it is asked for %s; the operator goes on asking", registry, image))
	case code >= http.StatusInternalServerError:
		return unavailable(image, registry)
	}
	return with(registry, fail(ReasonNotFound, "Registry %s refuses %s (status %d): correct artifact.image", registry, image, answer.StatusCode))
}

func unavailable(image, registry string) verdict.Verdict {
	return with(registry, verdict.Wait(v1alpha1.SignalArtifact, ReasonUnavailable, "Registry %s does not answer for %s; the operator goes on asking", registry, image))
}

func with(registry string, v verdict.Verdict) verdict.Verdict {
	return verdict.With(v, verdict.Evidence{Source: registry})
}

func fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalArtifact, reason, format, args...)
}

// bounded is a transport whose answers end.
type bounded struct{ http.RoundTripper }

// RoundTrip answers with a body of at most maxManifest bytes.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxManifest), response.Body}
	return response, nil
}
