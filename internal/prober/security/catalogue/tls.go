package catalogue

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

const day = 24 * time.Hour

// tlsChecks look at TLS, where the service ends it, and at how it sends people
// there.
func tlsChecks() []Check {
	return []Check{
		{
			ID: 54, Group: TLS, Name: "TLS is old, weak, or of someone else", Standard: "ASVS 12.1.1, 12.1.2, WSTG-CRYP-01", Advice: "speak TLS 1.2 or later with modern suites, and renew the certificate in time",
			Needs:  func(s Site) string { return unless(s.Spec.TLS != nil, "tls is absent") },
			Probes: shakes, Judge: shaken,
		},
		{
			ID: 55, Group: TLS, Name: "an API redirects from http to https", Standard: "ASVS 4.1.2", Advice: "refuse http where programs call, so that they find out; add pages for people to browserPaths",
			Probes: func(s Site) []Probe {
				return each(s.paths(), func(path string) []Probe {
					return []Probe{{Where: path, Request: wire.Get(path, wire.Header{Name: "Accept", Value: "application/json"})}}
				})
			},
			Judge: func(x *Exam, p Probe, a wire.Answer) Say {
				page := slices.Contains(texts(x.Spec.BrowserPaths), p.Where)
				if !page && a.Redirects() && strings.HasPrefix(strings.ToLower(a.Get("Location")), "https://") {
					return found("%s redirects programs from http to https", p.Where)
				}
				return Say{}
			},
		},
	}
}

// shakes offer what must be refused, and at last what must be accepted.
func shakes(s Site) []Probe {
	if s.Spec.TLS == nil {
		return nil
	}
	name := s.Spec.TLS.ServerName
	var weak []uint16
	for _, suite := range tls.InsecureCipherSuites() {
		weak = append(weak, suite.ID)
	}
	return []Probe{
		{Where: "old", Shake: &tls.Config{ServerName: name, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, InsecureSkipVerify: true}},                      //nolint:gosec // that it is refused is what is asked
		{Where: "weak", Shake: &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: weak, InsecureSkipVerify: true}}, //nolint:gosec // that it is refused is what is asked
		{Where: "good", Shake: &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12, RootCAs: s.Roots, Time: func() time.Time { return s.Now }}},
	}
}

func shaken(x *Exam, p Probe, a wire.Answer) Say {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case p.Where == "old" && a.Shake != nil:
		return found("TLS below 1.2 is spoken")
	case p.Where == "weak" && a.Shake != nil:
		return found("weak suites of TLS 1.2 are accepted")
	case p.Where != "good":
		return Say{}
	case errors.As(a.Fault, &name):
		return found("the certificate is not for %s", x.Spec.TLS.ServerName)
	case errors.As(a.Fault, &unknown):
		return found("the certificate is of an unknown authority")
	case errors.As(a.Fault, &invalid):
		return found("the certificate is not valid, or no longer")
	case a.Shake == nil:
		return open("no TLS could be spoken at port %s", x.Spec.TLS.Port)
	case a.Shake.PeerCertificates[0].NotAfter.Before(x.Now.Add(time.Duration(x.Spec.TLS.MinDays) * day)):
		return found("the certificate expires within %d days", x.Spec.TLS.MinDays)
	}
	return Say{}
}
