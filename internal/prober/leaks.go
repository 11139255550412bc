package prober

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/leaks"
	"github.com/signal-delivery/operator/internal/prober/leaks/sink"
	"github.com/signal-delivery/operator/internal/verdict"
)

// leaks sends fake secrets to a candidate and looks for them. A Job that
// cannot tell may try again, with others.
func (p Prober) leaks(ctx context.Context) (verdict.Answer, int, error) {
	var spec v1alpha1.LeaksSpec
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_LEAKS")), &spec); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_LEAKS: %w", err)
	}
	l := leaks.Leaks{
		Clock: p.Clock, Key: make([]byte, 32), Address: p.Env("SIGNAL_TARGET"), Host: p.Env("SIGNAL_HOST"),
		Release: p.Env("SIGNAL_RELEASE_ID"), Attempt: p.Env("SIGNAL_ATTEMPT"), Name: p.Env("SIGNAL_NAME"),
		Selector: p.Env("SIGNAL_SELECTOR"), Pod: p.Env("SIGNAL_POD_NAME"),
		Metrics: leaks.Metrics{Scheme: p.Env("SIGNAL_METRICS_SCHEME"), Path: p.Env("SIGNAL_METRICS_PATH"), Port: p.Env("SIGNAL_METRICS_PORT")},
	}
	rand.Read(l.Key) // it stays in this process
	if l.Address == "" || l.Host == "" || l.Selector == "" || len(spec.Paths) == 0 {
		return verdict.Answer{}, Misused, errors.New("SIGNAL_TARGET, SIGNAL_HOST or SIGNAL_SELECTOR is empty, or SIGNAL_LEAKS has no paths")
	}
	var err error
	if l.API, err = p.api(); err != nil {
		return verdict.Answer{}, Misused, err
	}
	answer := verdict.Answer{Verdicts: l.Run(ctx, spec)}
	if answer.Verdicts[len(answer.Verdicts)-1].Outcome == verdict.Unknown { // the last decides
		return answer, Failed, nil
	}
	return answer, Decided, nil
}

// api is Kubernetes' API, as far as the token goes that the Job has mounted.
func (p Prober) api() (sink.API, error) {
	authority, err := os.ReadFile(filepath.Join(p.Root, "api", "ca.crt"))
	if err != nil {
		return sink.API{}, fmt.Errorf("read the API's authority: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return sink.API{}, errors.New("ca.crt of the API has no certificate")
	}
	return sink.API{
		Client: &http.Client{
			Timeout:       time.Minute,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{Proxy: nil, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
		},
		URL: "https://" + net.JoinHostPort(p.Env("KUBERNETES_SERVICE_HOST"), p.Env("KUBERNETES_SERVICE_PORT")),
		Token: func() (string, error) {
			token, err := os.ReadFile(filepath.Join(p.Root, "api", "token"))
			return strings.TrimSpace(string(token)), err
		},
		Namespace: p.Env("SIGNAL_NAMESPACE"),
	}, nil
}
