package prober

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/security"
	"github.com/signal-delivery/operator/internal/verdict"
)

// security sends the security checks to a candidate. A Job that cannot tell
// may try again; one that found something need not.
func (p Prober) security(ctx context.Context) (verdict.Answer, int, error) {
	var spec v1alpha1.SecuritySpec
	if err := json.Unmarshal([]byte(p.Env("SIGNAL_SECURITY")), &spec); err != nil {
		return verdict.Answer{}, Misused, fmt.Errorf("decode SIGNAL_SECURITY: %w", err)
	}
	s := security.Security{
		Clock: p.Clock, Host: p.Env("SIGNAL_HOST"), Release: p.Env("SIGNAL_RELEASE_ID"), PodIP: p.Env("SIGNAL_POD_IP"),
		Canary: security.Side{Address: p.Env("SIGNAL_TARGET"), TLS: p.Env("SIGNAL_TARGET_TLS")},
		Stable: security.Side{Address: p.Env("SIGNAL_STABLE"), TLS: p.Env("SIGNAL_STABLE_TLS")},
	}
	s.Secure, s.Before = p.Env("SIGNAL_ENTRY_TLS") != "", before(p.Env("SIGNAL_KNOWN"))
	if s.Canary.Address == "" || s.Host == "" || len(spec.Paths) == 0 {
		return verdict.Answer{}, Misused, errors.New("SIGNAL_TARGET or SIGNAL_HOST is empty, or SIGNAL_SECURITY has no paths")
	}
	if err := p.credentials(&s, spec); err != nil {
		return verdict.Answer{}, Misused, err
	}
	answer := verdict.Answer{Verdicts: s.Run(ctx, spec)}
	if answer.Verdicts[len(answer.Verdicts)-1].Outcome == verdict.Unknown { // the last decides
		return answer, Failed, nil
	}
	return answer, Decided, nil
}

// before are the checks that found something before the candidate served all;
// nil when it does not yet.
func before(text string) *security.Before {
	switch text {
	case "":
		return nil
	case "all":
		return &security.Before{Any: true}
	}
	var b security.Before
	for field := range strings.SplitSeq(text, ",") {
		if id, err := strconv.ParseInt(strings.TrimSpace(field), 10, 32); err == nil {
			b.Found = append(b.Found, int32(id))
		}
	}
	return &b
}

// credentials are what the Job has mounted: users, and the authorities that may
// have signed the service's certificate.
func (p Prober) credentials(s *security.Security, spec v1alpha1.SecuritySpec) error {
	for name, into := range map[string]*string{
		"userA": &s.Users.A, "userB": &s.Users.B, "expired": &s.Users.Expired, "otherAudience": &s.Users.OtherAudience,
	} {
		text, err := read(filepath.Join(p.Root, "users", name))
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if *into = strings.TrimSpace(string(text)); strings.ContainsAny(*into, "\r\n") {
			return fmt.Errorf("read %s: it is more than one line", name)
		}
	}
	if spec.Users != nil && (s.Users.A == "" || s.Users.B == "") { // a check that is left out must not look like one that passed
		return fmt.Errorf("Secret %q of spec.checks.security.users needs the keys userA and userB", spec.Users.SecretName) //nolint:staticcheck // a kind has a capital
	}
	if spec.TLS == nil || spec.TLS.CAConfigMapName == "" {
		return nil
	}
	text, err := read(filepath.Join(p.Root, "authority", "ca.crt"))
	if err != nil {
		return fmt.Errorf("read ca.crt: %w", err)
	}
	if s.Roots = x509.NewCertPool(); !s.Roots.AppendCertsFromPEM(text) {
		return errors.New("ca.crt of spec.checks.security.tls.caConfigMapName has no certificate")
	}
	return nil
}
