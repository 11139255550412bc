package target

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// Connected reports whether a connection to the candidate was made before
// something went wrong.
func Connected(err error) bool {
	var dialing *net.OpError
	return !errors.Is(err, errElsewhere) && (!errors.As(err, &dialing) || dialing.Op != "dial")
}

// Cause says why there was no answer, in words of its own: the library's quote
// what was sent and what came.
func Cause(err error) string {
	if said := distrust(err); said != "" {
		return said
	}
	var network net.Error
	switch {
	case errors.Is(err, errElsewhere):
		return "another release answered, or nothing that the route to this one leads to: the answer does not have the header that this route writes into each"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "the time was up"
	case errors.Is(err, context.Canceled):
		return "the check was stopped"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was closed before the answer was whole"
	}
	return "the request cannot be sent, or the answer is not HTTP"
}

// distrust says why TLS was not spoken, or "" when that is not the cause.
func distrust(err error) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     *net.OpError
		verifying *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &authority):
		return "its certificate is signed by an authority that is not trusted: name it by tls.caConfigMapName"
	case errors.As(err, &name):
		return "its certificate is for another name than tls.serverName"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired, or is not valid yet"
	case errors.As(err, &invalid), errors.As(err, &verifying):
		return "its certificate is not valid"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS"
	case errors.As(err, &alert) && alert.Op == "remote error": // as crypto/tls calls an alert
		return "it broke off the TLS handshake"
	}
	return ""
}
