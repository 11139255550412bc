package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/signal-delivery/operator/hack/cluster/layout"
)

// answers asks an address that needs no credentials.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error { return get(ctx, plain, url) }
}

// plain goes straight to an address: a proxy from the environment would not
// know the cluster's.
var plain = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second}

// answersTLS is answers for a server that signed its own certificate.
func answersTLS(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // its health is all we ask
		defer transport.CloseIdleConnections()
		return get(ctx, &http.Client{Transport: transport, Timeout: 2 * time.Second}, url)
	}
}

// listens asks whether a unix socket takes connections.
func listens(socket string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// admits asks the API server as the administrator.
func admits(l layout.Layout) func(context.Context) error {
	return func(ctx context.Context) error {
		client, err := administrator(l)
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		return get(ctx, client, layout.APIServer+"/readyz")
	}
}

// nodeReady asks the API server whether the node is.
func nodeReady(l layout.Layout) func(context.Context) error {
	return func(ctx context.Context) error {
		client, err := administrator(l)
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		body, err := read(ctx, client, layout.APIServer+"/api/v1/nodes/"+layout.NodeName)
		if err != nil {
			return err
		}
		if !strings.Contains(body, `"reason":"KubeletReady"`) {
			return fmt.Errorf("node %s is not Ready yet", layout.NodeName)
		}
		return nil
	}
}

func administrator(l layout.Layout) (*http.Client, error) {
	pair, err := tls.LoadX509KeyPair(l.PKI("admin.crt"), l.PKI("admin.key"))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(l.PKI("ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
	}}
	return &http.Client{Transport: transport, Timeout: 3 * time.Second}, nil
}

func get(ctx context.Context, client *http.Client, url string) error {
	_, err := read(ctx, client, url)
	return err
}

func read(ctx context.Context, client *http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return string(body), nil
}
