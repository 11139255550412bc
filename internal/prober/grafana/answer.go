package grafana

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"unicode"

	"github.com/signal-delivery/operator/internal/verdict"
)

// refused is what an answer other than 200 means, and what to do about it.
func (t Task) refused(method, path string, status int, text []byte) error {
	what, says := method+" "+route(path), t.quote(text)
	switch {
	case status == http.StatusUnauthorized:
		return no(ReasonUnauthorized, "Grafana does not know the token (401 to %s): put the token of a service account of this Grafana, not expired, into Secret %q", what, t.Spec.API.TokenSecret.Name)
	case status == http.StatusForbidden:
		return no(ReasonForbidden, "The token may not do this (403 to %s): give its service account the role Editor, or dashboards:read, dashboards:write, dashboards:create, folders:read and folders:create%s", what, says)
	case status == http.StatusNotFound:
		return no(ReasonNotFound, "Grafana knows nothing of it (404 to %s)%s", what, says)
	case status == http.StatusPreconditionFailed:
		return no(ReasonConflict, "Another dashboard or folder is in the way (412 to %s)%s: rename or remove it in Grafana", what, says)
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return later(ReasonSilent, "Grafana is not well (%d to %s)%s", status, what, says)
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return no(ReasonRedirected, "%s was answered with a redirect (%d), which is not followed with the token: set dashboard.api.url to where it leads, often https instead of http", what, status)
	case status < http.StatusBadRequest:
		return no(ReasonNotGrafana, "%s was answered with %d, as Grafana does not: is dashboard.api.url the address of Grafana?", what, status)
	}
	return no(ReasonRefused, "Grafana refuses it (%d to %s)%s", status, what, says)
}

// quote is Grafana's own message, on one line and without the token.
func (t Task) quote(text []byte) string {
	var said struct{ Message string }
	if json.Unmarshal(text, &said) != nil || said.Message == "" {
		return ""
	}
	message := said.Message
	if t.Token != "" {
		message = strings.ReplaceAll(message, t.Token, "[redacted]")
	}
	message = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, message)
	return ": it says " + verdict.Clip(strings.TrimSpace(message), maxQuote)
}

// cause says why there was no answer, in words of its own: the library's quote
// what was sent.
func cause(err error) string {
	var network net.Error
	var resolving *net.DNSError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		return "its certificate is not trusted"
	case errors.As(err, &resolving) && resolving.IsNotFound:
		return "the name of its host is not known"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "the time was up"
	case errors.Is(err, context.Canceled):
		return "the Job was stopped"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection was closed before the answer was whole"
	}
	return "it cannot be reached, or does not speak HTTP"
}
