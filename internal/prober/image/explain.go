package imageprobe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/signal-delivery/operator/internal/verdict"
)

// pushing is an error of something that was to be pushed.
type pushing struct{ error }

// Unwrap is what happened.
func (p pushing) Unwrap() error { return p.error }

// answered is what a registry answered with, or nil when it gave no answer.
func answered(err error) *transport.Error {
	var answer *transport.Error
	errors.As(err, &answer)
	return answer
}

// denied tells whether another credential may be let in.
func denied(err error) bool {
	answer := answered(err)
	return answer != nil && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden)
}

// missing tells whether the registry says that there is no such thing.
func missing(err error) bool {
	var push pushing
	answer := answered(err)
	if answer == nil || errors.As(err, &push) || denied(err) || limited(answer) || answer.StatusCode >= http.StatusInternalServerError {
		return false
	}
	return answer.StatusCode == http.StatusNotFound || said(answer, transport.ManifestUnknownErrorCode, transport.NameUnknownErrorCode)
}

func limited(answer *transport.Error) bool {
	return answer.StatusCode == http.StatusTooManyRequests || said(answer, transport.TooManyRequestsErrorCode)
}

// said tells whether one of the codes is among the registry's own, which count
// where the status could mean anything.
func said(answer *transport.Error, codes ...transport.ErrorCode) bool {
	return slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool { return slices.Contains(codes, d.Code) })
}

// explain says what it means that something is not known of an image, or was
// not done to it.
func (r Registry) explain(image string, of name.Repository, err error) verdict.Verdict {
	if v, ok := isTold(err); ok {
		return v
	}
	var tooLarge *http.MaxBytesError
	var push pushing
	answer := answered(err)
	switch {
	case errors.As(err, &tooLarge):
		return fail(ReasonUnsupported, "A manifest of %s is larger than %d bytes: name an image, or an index of images, in artifact.image", image, maxManifest)
	case answer == nil:
		return unavailable(image, of, r.cause(of, err))
	case errors.As(err, &push):
		return r.explainPush(image, of, answer)
	}
	return r.explainStatus(image, of, answer)
}

func (r Registry) explainStatus(image string, of name.Repository, answer *transport.Error) verdict.Verdict {
	switch host := of.RegistryStr(); {
	case denied(answer):
		return fail(ReasonDenied, "Registry %s does not let the Job read %s (status %d): %s; put a secret that may read it into spec.template.spec.imagePullSecrets, or correct artifact.image, since some registries answer so when there is no such image",
			host, image, answer.StatusCode, r.tried(of))
	case limited(answer):
		return wait(ReasonRateLimited, "Registry %s limits how often it is asked for %s; it is asked again until the deadline", host, image)
	case missing(answer):
		return fail(ReasonNotFound, "Registry %s has no image %s: push it, or correct artifact.image", host, image)
	case answer.StatusCode < http.StatusInternalServerError && said(answer, transport.NameInvalidErrorCode, transport.TagInvalidErrorCode, transport.DigestInvalidErrorCode):
		return fail(ReasonInvalid, "Registry %s does not take %s for a reference: correct artifact.image", host, image)
	}
	return undecided(image, of, answer)
}

func (r Registry) explainPush(image string, of name.Repository, answer *transport.Error) verdict.Verdict {
	switch host := of.RegistryStr(); {
	case limited(answer):
		return wait(ReasonRateLimited, "Registry %s limits how often something is pushed to %s; it is tried again until the deadline", host, image)
	case denied(answer) || answer.StatusCode == http.StatusMethodNotAllowed:
		return fail(ReasonPushDenied, "Registry %s does not let the Job attach anything to %s (status %d): %s; put a secret that may push there into spec.template.spec.imagePullSecrets, or remove artifact.attach",
			host, image, answer.StatusCode, r.tried(of))
	case answer.StatusCode < http.StatusInternalServerError && said(answer, transport.ManifestInvalidErrorCode, transport.UnsupportedErrorCode):
		return fail(ReasonPushDenied, "Registry %s takes no attachments to %s (status %d): use a registry that takes OCI artifacts, or remove artifact.attach", host, image, answer.StatusCode)
	}
	return undecided(image, of, answer)
}

// tried says which pull secrets were of use.
func (r Registry) tried(of name.Repository) string {
	if secrets, ok := r.Keychain.(*Secrets); ok {
		return verdict.Clip(secrets.account(of), maxListed)
	}
	return "the Job has no pull secret"
}

func undecided(image string, of name.Repository, answer *transport.Error) verdict.Verdict {
	if answer.StatusCode >= http.StatusInternalServerError {
		return unavailable(image, of, fmt.Sprintf("status %d", answer.StatusCode))
	}
	return unavailable(image, of, fmt.Sprintf("status %d, which says neither yes nor no", answer.StatusCode))
}

func unavailable(image string, of name.Repository, cause string) verdict.Verdict {
	return wait(ReasonUnavailable, "Registry %s gives no answer on %s (%s); it is asked again until the deadline", of.RegistryStr(), image, cause)
}

// cause says in stable words why there was no answer: the library's own have
// addresses and ports in them that change each time, and what a registry sent.
func (r Registry) cause(of name.Repository, err error) string {
	var unresolved *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.Is(err, errCircles):
		return "it redirects in circles"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("none within %s", r.timeout())
	case errors.Is(err, context.Canceled):
		return "the Job was stopped"
	case errors.As(err, &unresolved):
		return "its name has no address"
	case errors.As(err, &untrusted):
		return "its certificate is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection is refused"
	case errors.Is(err, http.ErrSchemeMismatch) && !slices.Contains(r.Insecure, of.RegistryStr()): // else it was tried first, and no more
		return "it speaks plain http, which the administrator must allow by --insecure-registries"
	case errors.Is(err, errPlain):
		return "it leads to plain http, which the administrator must allow by --insecure-registries"
	}
	return "the connection breaks off, or what comes is not understood"
}
