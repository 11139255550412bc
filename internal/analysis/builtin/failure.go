package builtin

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// Reasons of scrapes that fail, as the metric of failures has them.
const (
	ReasonConnection  = "connection"   // refused, reset, no route, no TLS
	ReasonTimeout     = "timeout"      // no whole answer in time
	ReasonStatus      = "status"       // another status than 200
	ReasonRedirect    = "redirect"     // to another address
	ReasonEncoding    = "encoding"     // neither plain nor gzip
	ReasonBodySize    = "body_size"    // more bytes than a scrape may have
	ReasonContentType = "content_type" // no exposition format, or none given
	ReasonMalformed   = "malformed"    // not in the format that it says
	ReasonSampleLimit = "sample_limit" // more samples than a scrape may have
	ReasonLabelLimit  = "label_limit"  // more labels, or longer ones, than a series may have
	ReasonBucketLimit = "bucket_limit" // a native histogram with more buckets than one may have
	ReasonStoreLimit  = "store_limit"  // more than is kept of one release
)

var reasons = []string{
	ReasonConnection, ReasonTimeout, ReasonStatus, ReasonRedirect, ReasonEncoding, ReasonBodySize, ReasonContentType,
	ReasonMalformed, ReasonSampleLimit, ReasonLabelLimit, ReasonBucketLimit, ReasonStoreLimit,
}

// failure is why a scrape is of no use. Its words follow the target's name and
// are the same from scrape to scrape; none of them are the target's.
type failure struct {
	reason, words string
	err           error
}

func fail(reason string, err error, format string, args ...any) *failure {
	return &failure{reason: reason, words: fmt.Sprintf(format, args...), err: err}
}

// Error is the words and the cause.
func (f *failure) Error() string {
	if f.err == nil {
		return f.words
	}
	return f.words + ": " + f.err.Error()
}

// Unwrap is the cause.
func (f *failure) Unwrap() error { return f.err }

// cause is the failure as an error, nil when there is none.
func (f *failure) cause() error {
	if f == nil {
		return nil
	}
	return f
}

var errRedirect = errors.New("the answer redirects to another address")

// unanswered explains a request that got no answer, or not all of one.
func unanswered(err error, timeout time.Duration) *failure {
	switch {
	case errors.Is(err, errRedirect):
		return fail(ReasonRedirect, err, "redirects to another address, or too often")
	case errors.Is(err, context.DeadlineExceeded):
		return fail(ReasonTimeout, err, "does not answer within %s", timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(ReasonConnection, err, "refuses connections")
	}
	return fail(ReasonConnection, err, "cannot be reached")
}

// broken explains a body that cannot be read to its end.
func broken(ctx context.Context, err error, timeout time.Duration) *failure {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case ctx.Err() != nil:
		return unanswered(ctx.Err(), timeout)
	case corrupt, errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return fail(ReasonEncoding, err, "answers with what is not gzip, though it says so")
	}
	return fail(ReasonConnection, err, "breaks off its answer")
}

func status(code int) *failure {
	text := strconv.Itoa(code)
	if known := http.StatusText(code); known != "" {
		text += " " + known
	}
	return fail(ReasonStatus, nil, "answers with %s", text)
}
