package jobs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
)

// What looks like a secret is not repeated of a Job's words. What looks like
// nothing, or like a digest or a signer, is.
func TestSecretsOfEveryClassAreNotRepeated(t *testing.T) {
	repeated := map[string]bool{}
	n := 0
	for _, class := range fake.Classes() {
		for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			s := fake.Mint([]byte(key), "v2", "1", class, "a Job")
			for _, text := range append([]string{s.Text, s.Line()}, s.Also...) {
				for _, words := range []string{"got " + text + " of it", `{"value":"` + text + `"}`, text} {
					n++
					if strings.Contains(Quote(words), s.Body) || strings.Contains(LastLines(words), s.Body) {
						repeated[class.Name] = true
					}
				}
			}
		}
	}
	// 9 digits are as good as any number.
	if diff := cmp.Diff(map[string]bool{"AWSSecretKey": true, "BearerToken": true, "SessionCookie": true, "EMail": true}, repeated); diff != "" {
		t.Error(diff)
	}
	t.Logf("%d classes in %d texts", len(fake.Classes()), n)
}

// What Jobs say of releases is no secret.
func TestWhatIsNoSecretIsRepeated(t *testing.T) {
	for _, text := range []string{
		"v1.0.0-prod-20260118_083135 answered 1764527400123456789 times", "sha256:358ff832add2e573dfcc2c37346f163959a81fb070c8c741b3328f10153052bc",
		"from 2026-11-30 to 2026-12-31T00:00:00Z", "10.0.0.1:8080, fd00::7", "4111111111111112 of 12345678", "GitHubToken sent in Authorization appears base64-encoded in the log",
		"EURUSD AND GBPUSD at 123-456", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "signed by release@example.com",
	} {
		if got := Quote(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
