package signature

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func answered(err error) *transport.Error {
	var answer *transport.Error
	errors.As(err, &answer)
	return answer
}

// missing tells whether the registry says that there is no such thing.
func missing(err error) bool {
	answer := answered(err)
	if answer == nil || denied(err) || answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= http.StatusInternalServerError {
		return false
	}
	return answer.StatusCode == http.StatusNotFound || slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool {
		return d.Code == transport.ManifestUnknownErrorCode || d.Code == transport.NameUnknownErrorCode || d.Code == transport.BlobUnknownErrorCode
	})
}

// denied tells whether the registry does not let the Job look.
func denied(err error) bool {
	answer := answered(err)
	return answer != nil && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden)
}

// cause says in stable words why there was no answer: the library's own have
// addresses in them that change each time, and what a registry sent.
func cause(err error) string {
	var network net.Error
	answer := answered(err)
	switch {
	case answer != nil:
		return fmt.Sprintf("status %d", answer.StatusCode)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "the Job was stopped"
	}
	return "the connection breaks off, or what comes is not understood"
}

// explained says what the verifier does not believe, in words of ours where the
// step is known, and with its own as far as they can be read.
func explained(err error) string {
	for _, step := range []struct{ begins, says string }{
		{"failed to verify log inclusion: ", "no transparency log of the trust root proves that it was logged"},
		{"failed to verify timestamps: ", "nothing that the trust root knows says when it was signed"},
		{"failed to verify leaf certificate: ", "its certificate is of no authority of the trust root, or was not valid when it signed"},
		{"failed to verify signed certificate timestamp: ", "its certificate is in no certificate log of the trust root"},
		{"failed to verify signature: ", "what it signs is not this digest, or was changed"},
	} {
		if rest, ok := strings.CutPrefix(err.Error(), step.begins); ok {
			detail, _, _ := strings.Cut(rest, ": [") // a dump of bytes
			return fmt.Sprintf("%s (%s)", step.says, shown(detail))
		}
	}
	return shown(err.Error())
}
