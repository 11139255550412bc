package imageprobe

import (
	"net"
	"net/url"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// hub is what Docker Hub is called in references; its secrets call it
// https://index.docker.io/v1/ since docker login does.
const hub = "docker.io"

// normalized is a key of a secret without scheme and version, as a node takes
// it; a key that is no address is left out.
func normalized(key string) (string, bool) {
	if !strings.HasPrefix(key, "https://") && !strings.HasPrefix(key, "http://") {
		key = "https://" + key
	}
	parsed, err := url.Parse(key)
	if err != nil {
		return "", false
	}
	below := parsed.Path
	if strings.HasPrefix(below, "/v2/") || strings.HasPrefix(below, "/v1/") {
		below = below[len("/v2"):]
	}
	if below == "/" {
		below = ""
	}
	return parsed.Host + below, true
}

// fitting are the entries whose keys match, in the order in which they are
// tried. The key of docker login is for Docker Hub where no other matches.
func (s *Secrets) fitting(target authn.Resource) []entry {
	repository, onHub := target.String(), false
	if target.RegistryStr() == name.DefaultRegistry {
		repository, onHub = hub+strings.TrimPrefix(repository, name.DefaultRegistry), true
	}
	var all, login []entry
	for _, e := range s.entries {
		switch {
		case matches(e.key, repository):
			all = append(all, e)
		case onHub && e.key == name.DefaultRegistry:
			login = append(login, e)
		}
	}
	if len(all) == 0 {
		return login
	}
	return all
}

// matches tells whether a key is for a repository: the same port, each label
// of the host as its glob says, and a path that begins with the key's. The
// beginning may end within a name, as it may for a node.
func matches(key, repository string) bool {
	glob, globErr := url.Parse("https://" + key)
	target, targetErr := url.Parse("https://" + repository)
	if globErr != nil || targetErr != nil {
		return false
	}
	globs, globPort := labels(glob.Host)
	names, port := labels(target.Host)
	if globPort != port || len(globs) != len(names) || !strings.HasPrefix(target.Path, glob.Path) {
		return false
	}
	for i, g := range globs {
		if ok, err := path.Match(g, names[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

// labels are the parts of a host's name, and its port, if any.
func labels(address string) (parts []string, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = address, ""
	}
	return strings.Split(host, "."), port
}
