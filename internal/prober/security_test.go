package prober

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/weak"
)

// secure runs `prober security` against a service, with a clock that goes by
// itself; users are the keys of the Secret.
func secure(t *testing.T, address string, users map[string]string, change ...func(*v1alpha1.SecuritySpec)) (verdict.Answer, int, error) {
	t.Helper()
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "users"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range users {
		if err := os.WriteFile(filepath.Join(root, "users", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := json.Marshal(weak.Spec(append([]func(*v1alpha1.SecuritySpec){func(s *v1alpha1.SecuritySpec) { s.Disable = []int32{56} }}, change...)...))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SIGNAL_TARGET": address, "SIGNAL_HOST": "app.prod.svc", "SIGNAL_RELEASE_ID": "v2", "SIGNAL_TIMEOUT": "1m", "SIGNAL_POD_IP": "127.0.0.1", "SIGNAL_SECURITY": string(spec),
	}
	job := Prober{Root: root, Clock: hasty{now: &atomic.Int64{}}, Env: func(key string) string { return env[key] }}
	return job.Run(t.Context(), []string{"security"})
}

var both = map[string]string{"userA": weak.UserA + "\n", "userB": weak.UserB}

func TestSecurityIsCheckedOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		address string
		code    int
		outcome v1alpha1.Outcome
	}{
		"held":      {weak.Serve(t, weak.Flaw{}), Decided, verdict.Passed},
		"weak":      {weak.Serve(t, weak.Flaws()["49 another's"]), Decided, verdict.Failed},
		"no answer": {"127.0.0.1:1", Failed, verdict.Unknown}, // another pod may get one
	} {
		t.Run(name, func(t *testing.T) {
			answer, code, err := secure(t, tc.address, both)
			if err != nil || code != tc.code {
				t.Fatalf("code %d, %v", code, err)
			}
			read, ok := verdict.Read(string(answer.Encode()))
			if v := read.Verdicts[len(read.Verdicts)-1]; !ok || v.Outcome != tc.outcome || v.Kind != v1alpha1.SignalSecurity {
				t.Errorf("%+v", read)
			}
		})
	}
}

// What the Secret or the ConfigMap lacks must not look like a check that held.
func TestSecurityWithoutWhatItNeeds(t *testing.T) {
	hardened := weak.Serve(t, weak.Flaw{})
	for name, tc := range map[string]struct {
		address string
		users   map[string]string
		change  func(*v1alpha1.SecuritySpec)
		want    string
	}{
		"no address":      {"", both, func(*v1alpha1.SecuritySpec) {}, "SIGNAL_TARGET or SIGNAL_HOST is empty"},
		"no paths":        {hardened, both, func(s *v1alpha1.SecuritySpec) { s.Paths = nil }, "has no paths"},
		"no userB":        {hardened, map[string]string{"userA": weak.UserA}, func(*v1alpha1.SecuritySpec) {}, `Secret "probe-users" of spec.checks.security.users needs the keys userA and userB`},
		"a user of lines": {hardened, map[string]string{"userA": "a\nb", "userB": "b"}, func(*v1alpha1.SecuritySpec) {}, "read userA: it is more than one line"},
		"no authority":    {hardened, both, func(s *v1alpha1.SecuritySpec) { s.TLS = &v1alpha1.SecurityTLS{CAConfigMapName: "ca"} }, "has no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, code, err := secure(t, tc.address, tc.users, tc.change)
			if code != Misused || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("code %d, %v", code, err)
			}
		})
	}
}
