package openloop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/signal-delivery/operator/internal/loadtest"
)

// Kinds of errors. Answers of 400 and above are of their status's kind.
const (
	kindTimeout = "timeout" // no whole answer in time
	kindRefused = "refused" // no connection
	kindReset   = "reset"   // a connection that ended before the answer did
	kindTLS     = "tls"     // no agreement on encryption
	kindUnsent  = "unsent"  // too many before it were not answered
)

// headerSequence is vegeta's; it tells requests apart and is not sent.
const headerSequence = "X-Vegeta-Seq"

// wire sends requests and notes why they failed, which vegeta tells in words
// alone.
type wire struct {
	next    *http.Transport
	timeout time.Duration // that an answer may take

	mu    sync.Mutex
	kinds map[string]string // by sequence
}

// RoundTrip sends a request.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	sequence := r.Header.Get(headerSequence)
	ctx, cancel := context.WithTimeout(r.Context(), w.timeout)
	r = r.Clone(ctx)
	r.Header.Del(headerSequence)
	response, err := w.next.RoundTrip(r)
	if err != nil {
		cancel()
		w.note(sequence, err)
		return nil, err
	}
	response.Body = &body{ReadCloser: response.Body, failed: func(err error) { w.note(sequence, err) }, done: cancel}
	return response, nil
}

func (w *wire) note(sequence string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kinds[sequence] = kindOf(err)
}

// kind is why the request failed, or "". It is asked once.
func (w *wire) kind(sequence string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	kind := w.kinds[sequence]
	delete(w.kinds, sequence)
	return kind
}

// body is the body of an answer; that it breaks off is noted.
type body struct {
	io.ReadCloser
	failed func(error)
	done   func()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed(err)
	}
	return n, err
}

func (b *body) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// kindOf is what kind of error it is.
func kindOf(err error) string {
	var (
		record    tls.RecordHeaderError
		alert     tls.AlertError
		unknown   x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		timed     net.Error
		operation *net.OpError
	)
	switch {
	case errors.As(err, &record), errors.As(err, &alert), errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &verify):
		return kindTLS
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &timed) && timed.Timeout():
		return kindTimeout
	case errors.As(err, &operation) && operation.Op == "dial":
		return kindRefused
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		return kindReset
	}
	return loadtest.Other
}
