package imageprobe

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
)

func TestKeysMatchAsOnANode(t *testing.T) {
	for situation, tc := range map[string]struct {
		key, image string
		want       bool
	}{
		"the host":                          {"registry.example", "registry.example/acme/app", true},
		"another host":                      {"registry.example", "registry.test/acme/app", false},
		"a part of the host":                {"example", "registry.example/acme/app", false},
		"more than the host":                {"a.registry.example", "registry.example/acme/app", false},
		"a URL":                             {"https://registry.example", "registry.example/acme/app", true},
		"a URL of plain http":               {"http://registry.example/", "registry.example/acme/app", true},
		"the first version":                 {"https://registry.example/v1/", "registry.example/acme/app", true},
		"the second version":                {"registry.example/v2/", "registry.example/acme/app", true},
		"a version and a path":              {"registry.example/v2/acme", "registry.example/acme/app", true},
		"a version without end is a path":   {"registry.example/v1", "registry.example/acme/app", false},
		"the third version is a path":       {"registry.example/v3/", "registry.example/acme/app", false},
		"a path":                            {"registry.example/acme", "registry.example/acme/app", true},
		"a whole path":                      {"registry.example/acme/app", "registry.example/acme/app", true},
		"a path within a name":              {"registry.example/ac", "registry.example/acme/app", true},
		"another path":                      {"registry.example/evil", "registry.example/acme/app", false},
		"a longer path":                     {"registry.example/acme/app/b", "registry.example/acme/app", false},
		"the port":                          {"registry.example:5000", "registry.example:5000/app", true},
		"another port":                      {"registry.example:5000", "registry.example:5001/app", false},
		"a port too many":                   {"registry.example:5000", "registry.example/app", false},
		"a port too few":                    {"registry.example", "registry.example:5000/app", false},
		"a glob":                            {"*.registry.example", "eu.registry.example/app", true},
		"a glob of a part":                  {"eu*.registry.example", "eu-1.registry.example/app", true},
		"a question mark is no glob":        {"eu-?.registry.example", "eu-1.registry.example/app", false},
		"a glob in the middle":              {"registry.*.example", "registry.eu.example/app", true},
		"a glob is one label":               {"*.example", "eu.registry.example/app", false},
		"a glob is not none":                {"*.registry.example", "registry.example/app", false},
		"a glob with a port":                {"*.example:5000", "registry.example:5000/app", true},
		"a glob with a path":                {"*.example/acme", "registry.example/acme/app", true},
		"a glob in a path is none":          {"registry.example/*", "registry.example/acme/app", false},
		"a glob that is none":               {"[.example", "registry.example/app", false},
		"Docker Hub, as docker login says":  {"https://index.docker.io/v1/", "nginx", true},
		"Docker Hub, in short":              {"docker.io", "nginx", true},
		"Docker Hub, the old name":          {"index.docker.io", "docker.io/library/nginx", true},
		"Docker Hub, a path":                {"docker.io/acme", "acme/app", true},
		"Docker Hub, another path":          {"docker.io/acme", "nginx", false},
		"Docker Hub, a path of login":       {"index.docker.io/v1/acme", "acme/app", false},
		"Docker Hub, for another registry":  {"https://index.docker.io/v1/", "registry.example/nginx", false},
		"another registry, for Docker Hub":  {"registry.example", "nginx", false},
		"no address":                        {"https://%zz", "nginx", false},
		"an address, for what it is called": {"127.0.0.1:5000", "127.0.0.1:5000/app", true},
	} {
		t.Run(situation, func(t *testing.T) {
			of, err := name.NewRepository(tc.image)
			if err != nil {
				t.Fatal(err)
			}
			s := Keychain(mounted(t, secrets{"pull": auths(tc.key, "user", "pass")}))
			if got := len(s.fitting(of)) == 1; got != tc.want {
				t.Errorf("matches: %t", got)
			}
		})
	}
}

func TestTheOrderInWhichSecretsAreTried(t *testing.T) {
	for situation, tc := range map[string]struct {
		image   string
		secrets secrets
		want    []string
	}{
		"the longer path first": {
			"registry.example/acme/app",
			secrets{"a": auths("registry.example", "1", "p"), "b": auths("registry.example/acme", "2", "p"), "c": auths("registry.example/acme/app", "3", "p")},
			[]string{"3", "2", "1"},
		},
		"a glob last": {"registry.example/app", secrets{"a": auths("*.example", "1", "p"), "b": auths("registry.example", "2", "p")}, []string{"2", "1"}},
		"by name of the secret": {
			"registry.example/app",
			secrets{"b": auths("registry.example", "2", "p"), "a": auths("registry.example", "1", "p"), "c": auths("https://registry.example/v1/", "3", "p")},
			[]string{"1", "2", "3"},
		},
		"docker login only where no other is": {"nginx", secrets{"a": auths("https://index.docker.io/v1/", "1", "p"), "b": auths("docker.io", "2", "p")}, []string{"2"}},
		"none":                                {"nginx", secrets{"a": auths("registry.example", "1", "p")}, nil},
	} {
		t.Run(situation, func(t *testing.T) {
			of, err := name.NewRepository(tc.image)
			if err != nil {
				t.Fatal(err)
			}
			s := Keychain(mounted(t, tc.secrets))
			var got []string
			for _, e := range s.fitting(of) {
				got = append(got, e.auth.Username)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			first, err := s.Resolve(of)
			if err != nil {
				t.Fatal(err)
			}
			with, err := first.Authorization()
			if err != nil || with.Username != slices.Concat(tc.want, []string{""})[0] {
				t.Errorf("the keychain answers with %q: %v", with.Username, err)
			}
		})
	}
}
