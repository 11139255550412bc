package catalogue

import (
	"crypto/x509"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/security/wire"
)

// Users are values of the Authorization header.
type Users struct {
	A, B                   string
	Expired, OtherAudience string // must be refused
}

// Trap is where nobody but a service that can be led astray calls.
type Trap struct {
	URL string
	Hit func(mark string) bool
}

// Site is what is known of a service before it is asked.
type Site struct {
	Spec  v1alpha1.SecuritySpec
	Host  string // by which it is known
	Nonce string // of this run, of letters and digits
	Users Users
	Trap  Trap
	Roots *x509.CertPool // that may have signed its certificate; nil: those known everywhere
	Now   time.Time
}

const (
	headAuth   = "Authorization"
	headLength = "Content-Length"
)

// evil is nobody's origin.
const evil = "https://evil.example"

func (s Site) paths() []string     { return texts(s.Spec.Paths) }
func (s Site) protected() []string { return texts(s.Spec.ProtectedPaths) }
func (s Site) writable() []string  { return texts(s.Spec.WritePaths) }

func (s Site) nowhere() string { return "/signal-probe-" + s.Nonce }

// stranger is a host that nobody has.
func (s Site) stranger() string { return "signal-probe-" + s.Nonce + ".example" }

// plain are the paths that are asked for plainly.
func (s Site) plain() []string {
	all := []string{s.nowhere()}
	for _, path := range slices.Concat(s.paths(), s.protected()) {
		if !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	return all
}

// domain is the name that origins are made to look like.
func (s Site) domain() string {
	for _, origin := range s.Spec.AllowedOrigins {
		if u, err := url.Parse(string(origin)); err == nil && u.Hostname() != "" {
			return u.Hostname()
		}
	}
	host, _, _ := strings.Cut(s.Host, ":")
	return host
}

// allowed reports whether an origin is meant to be let in.
func (s Site) allowed(origin string) bool {
	return slices.Contains(s.Spec.AllowedOrigins, v1alpha1.AllowedOrigin(origin))
}

// public reports whether a path is meant to be seen.
func (s Site) public(path string) bool {
	return slices.Contains(s.Spec.PublicPaths, v1alpha1.ProbedPath(path))
}

// user has credentials, or is nobody.
func (s Site) users() v1alpha1.SecurityUsers {
	if s.Spec.Users == nil {
		return v1alpha1.SecurityUsers{}
	}
	return *s.Spec.Users
}

func texts(paths []v1alpha1.ProbedPath) []string {
	all := make([]string, len(paths))
	for i, path := range paths {
		all[i] = string(path)
	}
	return all
}

// Why a check does not apply.
func needsProtected(s Site) string {
	return unless(len(s.Spec.ProtectedPaths) > 0, "protectedPaths is empty")
}

func needsWritable(s Site) string { return unless(len(s.Spec.WritePaths) > 0, "writePaths is empty") }

func needsLogin(s Site) string { return unless(s.users().LoginPath != "", "users.loginPath is absent") }

func unless(fine bool, why string) string {
	if fine {
		return ""
	}
	return why
}

// each is a probe for each path.
func each(paths []string, probes func(path string) []Probe) []Probe {
	all := make([][]Probe, len(paths))
	for i, path := range paths {
		all[i] = probes(path)
	}
	return slices.Concat(all...)
}

// get is one plain probe of each of the service's paths.
func get(s Site) []Probe {
	return each(s.paths(), func(path string) []Probe { return []Probe{{Where: path, Request: wire.Get(path)}} })
}

// query is a path with the same value in many parameters: one request tries all.
func query(path, value string, names ...string) string {
	return path + "?" + strings.Join(names, "="+value+"&") + "=" + value
}
