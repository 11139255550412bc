// Package target is where the requests of a check go, and how: which address is
// dialled, which host is asked for, what every request has beside its own
// headers, and how TLS is verified. That is decided here and nowhere else. It
// uses no proxy, keeps no connection, follows no redirect, leaves an answer as
// it was sent, and has no way to leave a certificate unverified.
package target

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const (
	// patience is how long a connection may take.
	patience = 5 * time.Second
	// maxHeader is how long the head of an answer may be, in bytes.
	maxHeader = 1 << 20
)

// Target is where requests go.
type Target struct {
	URL     string                // such as http://198.19.0.7:80, without a path
	Address string                // host:port that is dialled in place of the URL's own, if any
	Host    string                // that is asked for in place of the URL's own, if any
	Headers []v1alpha1.HTTPHeader // that every request has
	Lead    v1alpha1.HTTPHeader   // that leads every request there, and that every answer has, if any
	TLS     Trust                 // of https
}

// Trust is whose certificate is believed.
type Trust struct {
	ServerName string         // that it must have; empty is the URL's host
	Roots      *x509.CertPool // that may have signed it; nil are those known everywhere
}

// Trusting is a trust in the authorities of a PEM file; without one, in those
// that are known everywhere.
func Trusting(serverName string, authorities []byte) (Trust, error) {
	if len(authorities) == 0 {
		return Trust{ServerName: serverName}, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authorities) {
		return Trust{}, errors.New("ca.crt has no certificate")
	}
	return Trust{ServerName: serverName, Roots: roots}, nil
}

// Config is how TLS is spoken.
func (t Target) Config() *tls.Config {
	name := t.TLS.ServerName
	if at, err := url.Parse(t.URL); err == nil && name == "" {
		name = at.Hostname()
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name, RootCAs: t.TLS.Roots}
}

// Secure reports whether TLS is spoken.
func (t Target) Secure() bool { return strings.HasPrefix(t.URL, "https://") }

// Dialled is the address that is dialled, as host:port.
func (t Target) Dialled() string {
	if t.Address != "" {
		return t.Address
	}
	at, err := url.Parse(t.URL)
	if err != nil {
		return t.URL
	}
	port := at.Port()
	switch {
	case port != "":
	case t.Secure():
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(at.Hostname(), port)
}

// Authority is the host that is asked for.
func (t Target) Authority() string {
	if t.Host != "" {
		return t.Host
	}
	at, err := url.Parse(t.URL)
	if err != nil {
		return ""
	}
	return at.Host
}

// Client is what requests are sent with.
func (t Target) Client() *http.Client {
	return &http.Client{
		Transport:     t.transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (t Target) transport() http.RoundTripper {
	transport := &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return t.dial(ctx) },
		TLSClientConfig:        t.Config(),
		TLSHandshakeTimeout:    patience,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
	if t.Lead.Name == "" {
		return transport
	}
	return led{Target: t, next: transport}
}

// Request is a request to the target. A header of its own stands in place of
// one that every request has.
func (t Target) Request(ctx context.Context, method, path, body string, headers []v1alpha1.HTTPHeader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, method, t.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", err)
	}
	request.Host = t.Authority()
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Host") {
			request.Host = h.Value
			continue
		}
		request.Header.Add(h.Name, h.Value)
	}
	for _, h := range t.Headers {
		if request.Header.Get(h.Name) == "" {
			request.Header.Set(h.Name, h.Value)
		}
	}
	return request, nil
}

// Reach connects to the target, and speaks TLS if that is spoken there.
func (t Target) Reach(ctx context.Context) error {
	conn, err := t.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing was said that could be lost
	if !t.Secure() {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return tls.Client(conn, t.Config()).HandshakeContext(limited)
}

func (t Target) dial(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", t.Dialled())
}
