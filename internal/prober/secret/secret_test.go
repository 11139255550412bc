package secret

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// mount is a Secret as kubelet mounts it: files that nobody may read, behind
// links.
func mount(t *testing.T, keys ...string) string {
	t.Helper()
	directory := t.TempDir()
	data := filepath.Join(directory, "..2030_01_01")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..2030_01_01", filepath.Join(directory, "..data")); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if err := os.WriteFile(filepath.Join(data, key), []byte("hunter2"), 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join("..data", key), filepath.Join(directory, key)); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func TestLook(t *testing.T) {
	there := verdict.Pass(v1alpha1.SignalGate, "SecretThere", "it exists, and has what was asked for")
	for name, tc := range map[string]struct {
		has, keys []string
		want      verdict.Verdict
	}{
		"no Secret":                    {nil, nil, verdict.Wait(v1alpha1.SignalGate, "SecretMissing", "it does not exist, or is empty")},
		"any key":                      {[]string{"a"}, nil, there},
		"the key":                      {[]string{"tls.crt", "tls.key"}, []string{"tls.key"}, there},
		"all keys":                     {[]string{"tls.crt", "tls.key"}, []string{"tls.key", "tls.crt"}, there},
		"one key of two":               {[]string{"tls.crt"}, []string{"tls.key", "tls.crt"}, verdict.Wait(v1alpha1.SignalGate, "SecretMissing", "it does not exist, or has no key tls.key")},
		"no Secret with the keys":      {nil, []string{"b", "a"}, verdict.Wait(v1alpha1.SignalGate, "SecretMissing", "it does not exist, or has no key b, a")},
		"a key that begins with a dot": {[]string{".dockerconfigjson"}, nil, there},
		"nothing outside":              {nil, []string{"../secret.go"}, verdict.Wait(v1alpha1.SignalGate, "SecretMissing", "it does not exist, or has no key ../secret.go")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Look(mount(t, tc.has...), tc.keys)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Error(err, diff)
			}
		})
	}
}

func TestADirectoryThatIsNotThere(t *testing.T) {
	if v, err := Look(filepath.Join(t.TempDir(), "absent"), nil); err == nil {
		t.Errorf("says %+v", v)
	}
}
