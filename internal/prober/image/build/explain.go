package build

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

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// told is an error that is a verdict already.
type told struct{ verdict.Verdict }

// Error is the verdict's message.
func (t told) Error() string { return t.Message }

func refuse(reason, format string, args ...any) error {
	return told{verdict.Fail(v1alpha1.SignalArtifact, reason, format, args...)}
}

func hold(reason, format string, args ...any) error {
	return told{verdict.Wait(v1alpha1.SignalArtifact, reason, format, args...)}
}

func noRoom(err error) error {
	why := "it cannot be written"
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		why = "it is full"
	}
	return hold(ReasonScratch, "There is no room for the layers in the build's scratch directory (%s): give the build more ephemeral storage", why)
}

// explain is the verdict that an error amounts to.
func explain(err error) verdict.Verdict {
	if t, ok := errors.AsType[told](err); ok {
		return t.Verdict
	}
	return verdict.Wait(v1alpha1.SignalArtifact, ReasonUnavailable, "The build cannot begin: %s", verdict.Clip(err.Error(), 256))
}

// pulling says what it means that ref could not be read.
func (r registry) pulling(ref name.Reference, err error) error {
	host := ref.Context().RegistryStr()
	status, said := answered(err)
	switch {
	case isTold(err):
		return err
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return refuse(ReasonInputDenied, "Registry %s does not let the build read %s (status %d): let the credentials in the template's imagePullSecrets read it, or correct the reference, since some registries answer so when there is nothing",
			host, ref, status)
	case missing(status, said):
		return r.missing(ref)
	}
	return unavailable(host, ref.String(), status, err)
}

// pushing says what it means that nothing could be pushed.
func pushing(to name.Repository, err error) error {
	status, said := answered(err)
	switch {
	case isTold(err): // the base could not be read
		return err
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusMethodNotAllowed:
		return refuse(ReasonPushDenied, "Registry %s does not let the build push to %s (status %d): let the credentials in the template's imagePullSecrets push there, or correct artifact.repository",
			to.RegistryStr(), to, status)
	case slices.Contains(said, transport.NameUnknownErrorCode) || status == http.StatusNotFound && len(said) == 0: // an upload that it forgot is 404, too
		return refuse(ReasonRepositoryNotFound, "Registry %s has no repository %s and makes none: create it, or correct artifact.repository", to.RegistryStr(), to)
	}
	return unavailable(to.RegistryStr(), to.String(), status, err)
}

func isTold(err error) bool {
	_, ok := errors.AsType[told](err)
	return ok
}

// answered is the status that a registry answered with, and the codes of its
// own; 0 when it gave no answer.
func answered(err error) (int, []transport.ErrorCode) {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return 0, nil
	}
	var codes []transport.ErrorCode
	for _, d := range answer.Errors {
		codes = append(codes, d.Code)
	}
	return answer.StatusCode, codes
}

func missing(status int, said []transport.ErrorCode) bool {
	if status == http.StatusNotFound {
		return true
	}
	return status >= http.StatusBadRequest && status < http.StatusInternalServerError && status != http.StatusTooManyRequests &&
		slices.ContainsFunc([]transport.ErrorCode{transport.ManifestUnknownErrorCode, transport.BlobUnknownErrorCode, transport.NameUnknownErrorCode},
			func(c transport.ErrorCode) bool { return slices.Contains(said, c) })
}

func unavailable(host, what string, status int, err error) error {
	why := cause(err)
	switch {
	case status == http.StatusTooManyRequests:
		why = "it limits how often it is asked"
	case status >= http.StatusInternalServerError:
		why = fmt.Sprintf("status %d", status)
	case status != 0:
		why = fmt.Sprintf("status %d, which says neither yes nor no", status)
	}
	return hold(ReasonUnavailable, "Registry %s gives no answer on %s (%s); it is asked again until the deadline", host, what, why)
}

// cause says in stable words why there was no answer: the library's own have
// addresses and ports in them that change each time.
func cause(err error) string {
	var unresolved *net.DNSError
	var untrusted *tls.CertificateVerificationError
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "the build was stopped"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it speaks plain http, which the administrator must allow"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "the time was up"
	case errors.As(err, &unresolved):
		return "its name has no address"
	case errors.As(err, &untrusted):
		return "its certificate is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection is refused"
	}
	return "the connection breaks off, or what comes is not understood"
}
