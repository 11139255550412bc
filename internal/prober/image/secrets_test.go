package imageprobe

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// secrets are files by name of the secret; one without is not there.
type secrets map[string]map[string]string

// mounted writes secrets as the kubelet mounts them: what is in a folder are
// links to a folder of its own.
func mounted(t *testing.T, all secrets) string {
	t.Helper()
	dir := t.TempDir()
	for secret, files := range all {
		in := filepath.Join(dir, secret)
		if err := os.MkdirAll(filepath.Join(in, "..2026_01_18"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("..2026_01_18", filepath.Join(in, "..data")); err != nil {
			t.Fatal(err)
		}
		for file, content := range files {
			if err := os.WriteFile(filepath.Join(in, "..data", file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join("..data", file), filepath.Join(in, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func auths(key, user, password string) map[string]string {
	return map[string]string{".dockerconfigjson": `{"auths":{"` + key + `":{"username":"` + user + `","password":"` + password + `"}}}`}
}

func TestASecretIsRead(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("user:pass:word"))
	for situation, tc := range map[string]struct {
		files map[string]string
		want  authn.AuthConfig
	}{
		"user and password":     {auths("registry.example", "user", "pass"), authn.AuthConfig{Username: "user", Password: "pass", Auth: base64.StdEncoding.EncodeToString([]byte("user:pass"))}},
		"auth":                  {map[string]string{".dockerconfigjson": `{"auths":{"registry.example":{"auth":"` + encoded + `"}}}`}, authn.AuthConfig{Username: "user", Password: "pass:word", Auth: encoded}},
		"a token":               {map[string]string{".dockerconfigjson": `{"auths":{"registry.example":{"registrytoken":"t"}}}`}, authn.AuthConfig{RegistryToken: "t"}},
		"the old file":          {map[string]string{".dockercfg": `{"registry.example":{"auth":"` + encoded + `"}}`}, authn.AuthConfig{Username: "user", Password: "pass:word", Auth: encoded}},
		"the new file counts":   {map[string]string{".dockercfg": `{}`, ".dockerconfigjson": `{"auths":{"registry.example":{"registrytoken":"t"}}}`}, authn.AuthConfig{RegistryToken: "t"}},
		"something else inside": {map[string]string{".dockerconfigjson": `{"HttpHeaders":{"a":"b"},"auths":{"registry.example":{"email":"e","registrytoken":"t"}}}`}, authn.AuthConfig{RegistryToken: "t"}},
	} {
		t.Run(situation, func(t *testing.T) {
			s := Keychain(mounted(t, secrets{"pull": tc.files}))
			if diff := cmp.Diff([]entry{{"registry.example", "pull", tc.want}}, s.entries, cmp.AllowUnexported(entry{})); diff != "" || len(s.broken) != 0 {
				t.Error(s.broken, diff)
			}
		})
	}
}

func TestASecretThatCannotBeUsedIsNamed(t *testing.T) {
	of, err := name.NewRepository("registry.example/acme/app")
	if err != nil {
		t.Fatal(err)
	}
	file := func(content string) map[string]string { return map[string]string{".dockerconfigjson": content} }
	for situation, tc := range map[string]struct {
		secrets secrets
		want    string
	}{
		"none":            {secrets{}, "the Job has no pull secret"},
		"not there":       {secrets{"pull": nil}, `pull secret "pull" does not exist, or is empty`},
		"of another type": {secrets{"pull": {"password": "hunter2"}}, `pull secret "pull" has no key .dockerconfigjson: it is not of type kubernetes.io/dockerconfigjson`},
		"empty":           {secrets{"pull": file(" \n")}, `pull secret "pull" is empty`},
		"no JSON":         {secrets{"pull": file("hunter2")}, `pull secret "pull" is not a configuration of docker in JSON`},
		"no base64":       {secrets{"pull": file(`{"auths":{"registry.example":{"auth":"hunter2!"}}}`)}, `pull secret "pull" is not a configuration of docker in JSON`},
		"old and no JSON": {secrets{"pull": {".dockercfg": "hunter2"}}, `pull secret "pull" is not a configuration of docker in JSON`},
		"no registry":     {secrets{"pull": file(`{"credsStore":"desktop"}`)}, `pull secret "pull" names no registry`},
		"no credentials":  {secrets{"pull": file(`{"auths":{"registry.example":{}},"credsStore":"desktop"}`)}, `pull secret "pull" names it without credentials, which a helper of docker may keep elsewhere`},
		"for another":     {secrets{"pull": auths("registry.test", "user", "hunter2"), "too": auths("registry.example:5000", "user", "hunter2")}, `pull secret "pull", "too" is not for it`},
		"tried":           {secrets{"a": auths("registry.example", "user", "hunter2"), "z": auths("registry.example/acme", "user", "hunter2"), "other": auths("registry.test", "user", "hunter2")}, `it was asked with pull secret "z", then "a"`},
		"tried twice":     {secrets{"a": file(`{"auths":{"registry.example":{"auth":"dTpw"},"https://registry.example":{"auth":"dTpw"}}}`)}, `it was asked with pull secret "a"`},
		"tried, and others broken": {
			secrets{"a": auths("registry.example", "user", "hunter2"), "b": nil, "c": file("hunter2")},
			`it was asked with pull secret "a"; pull secret "b" does not exist, or is empty; pull secret "c" is not a configuration of docker in JSON`,
		},
	} {
		t.Run(situation, func(t *testing.T) {
			if got := Keychain(mounted(t, tc.secrets)).account(of); got != tc.want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestASecretWithoutCredentialsIsPassedOver(t *testing.T) {
	of, err := name.NewRepository("registry.example/acme/app")
	if err != nil {
		t.Fatal(err)
	}
	bare := map[string]string{".dockerconfigjson": `{"auths":{"registry.example":{}}}`}
	s := Keychain(mounted(t, secrets{"a": bare, "b": auths("registry.example", "bot", "right")}))
	auth, err := s.Resolve(of)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := auth.Authorization(); err != nil || got.Username != "bot" || len(s.credentials(of)) != 1 {
		t.Errorf("got %+v: %v", got, err)
	}
}

func TestNothingIsMounted(t *testing.T) {
	of, err := name.NewRepository("registry.example/acme/app")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		filepath.Join(t.TempDir(), "absent"): "the Job has no pull secret",
		filepath.Dir(file):                   "the Job has no pull secret",
		file:                                 "the pull secrets cannot be read from where they are mounted",
	} {
		s := Keychain(dir)
		if auth, err := s.Resolve(of); auth != authn.Anonymous || err != nil || s.account(of) != want {
			t.Errorf("%s: %v %v %s", dir, auth, err, s.account(of))
		}
	}
}

func TestManySecretsAreNotAllNamed(t *testing.T) {
	all := secrets{}
	for range 20 {
		all[strings.Repeat("a", 100+len(all))] = nil
	}
	h := host(t, status(401, ""))
	r := Registry{Insecure: []string{h}, Keychain: Keychain(mounted(t, all))}
	if v := r.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0]; v.Reason != ReasonDenied || len(v.Message) > 1024 || !strings.Contains(v.Message, "spec.template.spec.imagePullSecrets") {
		t.Errorf("%d bytes: %s", len(v.Message), v.Message)
	}
}
