package prometheus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	prometheusv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxWords bounds the server's words, in bytes.
const maxWords = 400

var errNoResult = errors.New("success without a result")

// ofNoUse says why a value is none; a server that says success and no more
// leaves it nil.
func ofNoUse(value model.Value) error {
	if value == nil {
		return &analysis.UnavailableError{How: notPrometheus, Err: errNoResult}
	}
	return fmt.Errorf("%w: it answers with a %s", analysis.ErrType, value.Type())
}

func histogramError() error {
	return fmt.Errorf("%w: it answers with a histogram; take a quantile or a count of it", analysis.ErrType)
}

// explain tells a query that is refused from a server that gives no answer.
func (s *Source) explain(err error) error {
	if answer, ok := errors.AsType[*prometheusv1.Error](err); ok {
		if answer.Type == prometheusv1.ErrBadData || answer.Type == prometheusv1.ErrExec {
			return fmt.Errorf("%w: %s", analysis.ErrRejected, verdict.Clip(answer.Msg, maxWords))
		}
		if strings.Contains(answer.Msg, `unexpected value type "string"`) { // the client decodes none
			return fmt.Errorf("%w: it answers with a string", analysis.ErrType)
		}
		return &analysis.UnavailableError{How: how(answer), Err: err}
	}
	e := &analysis.UnavailableError{How: "cannot be reached", Err: err}
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case large(err):
		e.How = fmt.Sprintf("answers with more than %d MiB", maxAnswer>>20)
	case distrusted:
		e.How = "has a certificate that is not trusted"
	case errors.Is(err, context.DeadlineExceeded):
		e.How = fmt.Sprintf("does not answer within %s", s.timeout)
	}
	return e
}

// large reports whether an answer was longer than it may be.
func large(err error) bool {
	_, is := errors.AsType[*http.MaxBytesError](err)
	return is
}

const notPrometheus = "answers, but not as Prometheus does"

// how says in which way an answer is of no use. Of a body that is no JSON, the
// decoder's words differ with each body, so that they are left out.
func how(answer *prometheusv1.Error) string {
	switch {
	case answer.Type == prometheusv1.ErrServer, answer.Type == prometheusv1.ErrClient, strings.HasPrefix(answer.Msg, "bad response code"):
		return "answers with " + verdict.Clip(answer.Msg, maxWords)
	case answer.Type == prometheusv1.ErrBadResponse:
		return notPrometheus
	}
	return "answers with error " + verdict.Clip(string(answer.Type), maxWords)
}

// bounded is a transport whose answers end, with an error when they are too
// long: half an answer must not pass for a whole one.
type bounded struct{ http.RoundTripper }

// RoundTrip answers with a body of at most maxAnswer bytes.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	next := b.RoundTripper
	if next == nil {
		next = http.DefaultTransport
	}
	response, err := next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxAnswer)
	return response, nil
}
