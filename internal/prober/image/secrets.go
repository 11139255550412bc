package imageprobe

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	corev1 "k8s.io/api/core/v1"
)

// Secrets are the pull secrets that a Job has mounted, as a keychain. A secret
// that cannot be used is no failure before access is denied. They may be used
// from several goroutines.
type Secrets struct {
	names   []string // of those that can be used
	broken  []string // why the others cannot
	entries []entry  // in the order in which they are tried

	mu sync.Mutex
	in map[string]entry // by repository: which was let in
}

// entry is what one secret has for one key.
type entry struct {
	key, secret string
	auth        authn.AuthConfig
}

// Keychain reads the secrets from dir/<name>/.dockerconfigjson or .dockercfg,
// where Kubernetes mounts them. The key of a secret is matched as a node does
// it: a host as in registry.example:5000, whose labels may be globs, before a
// path that the repository begins with. When several match, the key that is
// last in the alphabet comes first, which is the longer of two paths of a host
// and a name before a glob; then the secret that is first in the alphabet, for
// here is not known in which order the template names them. Resolve, Recheck
// and Attach try all that match; as a keychain, Secrets answers with the one
// that was let in last, or the first.
func Keychain(dir string) *Secrets {
	s := &Secrets{in: map[string]entry{}}
	folders, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		s.broken = append(s.broken, "the pull secrets cannot be read from where they are mounted")
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		auths, problem := readSecret(filepath.Join(dir, folder.Name()))
		if problem != "" {
			s.broken = append(s.broken, fmt.Sprintf("pull secret %q %s", folder.Name(), problem))
			continue
		}
		s.names = append(s.names, folder.Name())
		for key, auth := range auths {
			if key, ok := normalized(key); ok {
				s.entries = append(s.entries, entry{key, folder.Name(), auth})
			}
		}
	}
	slices.SortStableFunc(s.entries, func(a, b entry) int {
		if a.key != b.key {
			return strings.Compare(b.key, a.key)
		}
		return strings.Compare(a.secret, b.secret)
	})
	return s
}

// readSecret reads one secret, or says why it cannot be used, in words that
// hold nothing of it.
func readSecret(dir string) (auths map[string]authn.AuthConfig, problem string) {
	var config struct {
		Auths map[string]authn.AuthConfig `json:"auths"`
	}
	text, err := os.ReadFile(filepath.Join(dir, corev1.DockerConfigJsonKey)) //nolint:gosec // the Job's own mounts
	into := any(&config)
	if os.IsNotExist(err) {
		text, err = os.ReadFile(filepath.Join(dir, corev1.DockerConfigKey)) //nolint:gosec // the Job's own mounts
		into = &config.Auths
	}
	switch {
	case os.IsNotExist(err) && isEmpty(dir):
		return nil, "does not exist, or is empty"
	case os.IsNotExist(err):
		return nil, fmt.Sprintf("has no key %s: it is not of type %s", corev1.DockerConfigJsonKey, corev1.SecretTypeDockerConfigJson)
	case err != nil:
		return nil, "cannot be read"
	case len(strings.TrimSpace(string(text))) == 0:
		return nil, "is empty"
	case json.Unmarshal(text, into) != nil:
		return nil, "is not a configuration of docker in JSON"
	case len(config.Auths) == 0:
		return nil, "names no registry"
	}
	return config.Auths, ""
}

// isEmpty tells a mount without files. Kubernetes keeps files of its own there,
// whose names begin with two dots.
func isEmpty(dir string) bool {
	files, err := os.ReadDir(dir)
	return err == nil && !slices.ContainsFunc(files, func(f os.DirEntry) bool { return !strings.HasPrefix(f.Name(), "..") })
}

// Resolve answers with the credentials for a repository, or with none.
func (s *Secrets) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return s.credentials(target)[0].auth, nil
}

// credentials are what to try, in order; at least one, be it none.
func (s *Secrets) credentials(target authn.Resource) []credential {
	s.mu.Lock()
	last, known := s.in[target.String()]
	s.mu.Unlock()
	var all []credential
	for _, e := range s.fitting(target) {
		if e.auth == (authn.AuthConfig{}) {
			continue
		}
		c := credential{authn.FromConfig(e.auth), func() { s.remember(target, e) }}
		if known && e == last {
			all = slices.Insert(all, 0, c)
			continue
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return []credential{{authn.Anonymous, func() {}}}
	}
	return all
}

// remember that a secret was let in, so that others who use the keychain, and
// have one try, use it.
func (s *Secrets) remember(target authn.Resource, e entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in[target.String()] = e
}

// account says which secrets were of use for a repository, and why others were
// not.
func (s *Secrets) account(target authn.Resource) string {
	var tried, bare, parts []string
	for _, e := range s.fitting(target) {
		if e.auth == (authn.AuthConfig{}) {
			bare = append(bare, e.secret)
			continue
		}
		tried = append(tried, e.secret)
	}
	if len(tried) > 0 {
		parts = append(parts, "it was asked with pull secret "+quoted(tried, ", then "))
	}
	if len(bare) > 0 {
		parts = append(parts, fmt.Sprintf("pull secret %s names it without credentials, which a helper of docker may keep elsewhere", quoted(bare, ", ")))
	}
	if len(s.names) > 0 && len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("pull secret %s is not for it", quoted(s.names, ", ")))
	}
	parts = append(parts, s.broken...)
	if len(parts) == 0 {
		return "the Job has no pull secret"
	}
	return strings.Join(parts, "; ")
}

// quoted names each secret once.
func quoted(names []string, separator string) string {
	var all []string
	for _, n := range names {
		if q := strconv.Quote(n); !slices.Contains(all, q) {
			all = append(all, q)
		}
	}
	return strings.Join(all, separator)
}
