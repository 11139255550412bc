package builtin

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// accept is what Prometheus sends when it scrapes native histograms.
const accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," +
	"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," +
	"application/openmetrics-text;version=0.0.1;q=0.5," +
	"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4," +
	"text/plain;version=0.0.4;q=0.3,*/*;q=0.2"

const (
	smallBody    = 256 << 10 // bytes that any scrape may hold
	largeAtOnce  = 4         // scrapes that may hold more at the same time
	maxRedirects = 3
)

// fetcher asks targets for expositions. It holds few large answers at a time,
// follows no redirect to another address, uses no proxy and sends nothing that
// could tell who asks.
type fetcher struct {
	client *http.Client
	limit  int64 // bytes of one exposition, unpacked
	large  chan struct{}
	bodies sync.Pool
	gzips  sync.Pool
}

func newFetcher(limit int64) *fetcher {
	return newFetcherThrough(limit, (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext)
}

// dial connects to an address.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

func newFetcherThrough(limit int64, connect dial) *fetcher {
	return &fetcher{
		limit: limit, large: make(chan struct{}, largeAtOnce),
		bodies: sync.Pool{New: func() any { return &bytes.Buffer{} }},
		gzips:  sync.Pool{New: func() any { return &gzip.Reader{} }},
		client: &http.Client{CheckRedirect: stay, Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            connect,
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // no certificate names a pod's address, and nothing secret is sent
			TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
			DisableCompression:     true, // it is unpacked here, under a limit
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        2 * time.Minute, // more than the longest interval
			MaxResponseHeaderBytes: 64 << 10,
		}},
	}
}

// stay follows redirects at the same address only.
func stay(request *http.Request, before []*http.Request) error {
	if first := before[0].URL; request.URL.Host != first.Host || request.URL.Scheme != first.Scheme || len(before) > maxRedirects {
		return errRedirect
	}
	return nil
}

// exposition is an answer; whoever has it must give it back.
type exposition struct {
	body        *bytes.Buffer
	contentType string
	large       bool // whether it counts among the large ones
}

// free gives an answer back. What has grown large is left to the collector.
func (f *fetcher) free(e *exposition) {
	if e.large {
		<-f.large
		return
	}
	f.bodies.Put(e.body)
}

// fetch asks the target. The timeout is only told: the context keeps it.
func (f *fetcher) fetch(ctx context.Context, place string, timeout time.Duration) (*exposition, *failure) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, place, http.NoBody)
	if err != nil {
		return nil, fail(ReasonConnection, err, "has no valid address")
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("Accept-Encoding", "gzip")
	request.Header.Set("User-Agent", "signal-operator")
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64))
	response, err := f.client.Do(request)
	if err != nil {
		return nil, unanswered(err, timeout)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, status(response.StatusCode)
	}
	return f.read(ctx, response, timeout)
}

// read takes in the body, unpacked.
func (f *fetcher) read(ctx context.Context, response *http.Response, timeout time.Duration) (*exposition, *failure) {
	var body io.Reader = response.Body
	switch response.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip":
		unpacked := f.gzips.Get().(*gzip.Reader)
		defer f.gzips.Put(unpacked)
		if err := unpacked.Reset(response.Body); err != nil {
			return nil, broken(ctx, err, timeout)
		}
		body = unpacked
	default:
		return nil, fail(ReasonEncoding, nil, "answers in an encoding that is not gzip")
	}
	e := &exposition{body: f.bodies.Get().(*bytes.Buffer), contentType: response.Header.Get("Content-Type")}
	e.body.Reset()
	if failed := f.fill(ctx, e, body, timeout); failed != nil {
		f.free(e)
		return nil, failed
	}
	return e, nil
}

// fill reads to the end, or to the limit. More than a small body waits until
// few others are as large.
func (f *fetcher) fill(ctx context.Context, e *exposition, body io.Reader, timeout time.Duration) *failure {
	small := min(smallBody, f.limit)
	if _, err := e.body.ReadFrom(io.LimitReader(body, small+1)); err != nil {
		return broken(ctx, err, timeout)
	}
	if int64(e.body.Len()) <= small {
		return nil
	}
	select {
	case f.large <- struct{}{}:
		e.large = true
	case <-ctx.Done():
		return unanswered(ctx.Err(), timeout)
	}
	if _, err := e.body.ReadFrom(io.LimitReader(body, f.limit-small)); err != nil {
		return broken(ctx, err, timeout)
	}
	if int64(e.body.Len()) > f.limit {
		return fail(ReasonBodySize, nil, "answers with more than %d KiB", f.limit>>10)
	}
	return nil
}
