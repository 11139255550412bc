package artifact

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/signal-delivery/operator/internal/verdict"
)

// explain says what an answer that is no image means.
func (r *Resolver) explain(image, registry string, err error) verdict.Verdict {
	var tooLarge *http.MaxBytesError
	var answer *transport.Error
	switch {
	case errors.As(err, &tooLarge):
		return fail(ReasonUnsupported, "The manifest of %s is larger than %d bytes: name an image, or an index of images, in artifact.image", image, maxManifest)
	case errors.As(err, &answer):
		return explainStatus(image, registry, answer)
	}
	return unavailable(image, registry, r.cause(err))
}

// explainStatus goes by the status, and by the registry's own codes where the
// status could mean anything.
func explainStatus(image, registry string, answer *transport.Error) verdict.Verdict {
	said := func(codes ...transport.ErrorCode) bool {
		return slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool { return slices.Contains(codes, d.Code) })
	}
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fail(ReasonDenied, "Registry %s does not let the operator read %s (status %d): the operator has no credentials, so make the image readable without any, or correct artifact.image, since some registries answer so when there is no such image",
			registry, image, status)
	case status == http.StatusTooManyRequests || said(transport.TooManyRequestsErrorCode):
		return wait(ReasonRateLimited, "Registry %s limits how often it is asked for %s; it is asked again until the deadline", registry, image)
	case status >= http.StatusInternalServerError:
		return unavailable(image, registry, fmt.Sprintf("status %d", status))
	case status == http.StatusNotFound || said(transport.ManifestUnknownErrorCode, transport.NameUnknownErrorCode):
		return fail(ReasonNotFound, "Registry %s has no image %s: push it, or correct artifact.image", registry, image)
	case said(transport.NameInvalidErrorCode, transport.TagInvalidErrorCode, transport.DigestInvalidErrorCode):
		return fail(ReasonInvalid, "Registry %s does not take %s for a reference: correct artifact.image", registry, image)
	}
	return unavailable(image, registry, fmt.Sprintf("status %d, which says neither yes nor no", answer.StatusCode))
}

func unavailable(image, registry, cause string) verdict.Verdict {
	return wait(ReasonUnavailable, "Registry %s gives no answer on %s (%s); it is asked again until the deadline", registry, image, cause)
}

// cause says in stable words why there was no answer: the library's own have
// addresses and ports in them that change each time.
func (r *Resolver) cause(err error) string {
	var unresolved *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.Is(err, errCircles):
		return "it redirects in circles"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it speaks plain http, which the administrator must allow by --insecure-registries"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("none within %s", r.o.Timeout)
	case errors.As(err, &unresolved):
		return "its name has no address"
	case errors.As(err, &untrusted):
		return "its certificate is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection is refused"
	}
	return "the connection breaks off, or what comes is not understood"
}
