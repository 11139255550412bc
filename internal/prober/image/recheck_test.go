package imageprobe

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestRecheck(t *testing.T) {
	body := func(architecture string) string {
		return encoded(t, shelf{}.image(t, object{"architecture": architecture}))
	}
	image, other := item{imageType, body("amd64"), ""}, item{imageType, body("arm64"), ""}
	released, moved := digestOf([]byte(image.body)), digestOf([]byte(other.body))
	for situation, tc := range map[string]struct {
		shelf   shelf
		ref     string
		outcome v1alpha1.Outcome
		reason  string
		says    string // of %i, the image
		now     string
	}{
		"the same": {
			shelf{"v1": image, released: image}, ":v1", verdict.Passed, ReasonResolved, "%i still is " + released, released,
		},
		"the tag has moved": {
			shelf{"v1": other, released: image}, ":v1", verdict.Passed, ReasonTagMoved, "%i now names " + moved + "; the release runs " + released + ", which is still there", moved,
		},
		"the tag is gone": {
			shelf{released: image}, ":v1", verdict.Passed, ReasonTagMoved, "%i names nothing any more; the release runs " + released + ", which is still there", "",
		},
		"the tag has moved and the digest is gone": {
			shelf{"v1": other}, ":v1", verdict.Failed, ReasonNotFound, "no longer has " + released + ", which %i was released as", moved,
		},
		"all is gone": {
			shelf{}, ":v1", verdict.Failed, ReasonNotFound, "no longer has " + released + ", which %i was released as", "",
		},
		"by digest, there": {
			shelf{released: image}, "@" + released, verdict.Passed, ReasonResolved, "%i is still there", released,
		},
		"by digest, gone": {
			shelf{"v1": image}, "@" + released, verdict.Failed, ReasonNotFound, "no longer has " + released, "",
		},
		"something else under the digest": {
			shelf{released: other}, ":v1", verdict.Failed, ReasonUnsupported, "do not trust it", "",
		},
		"something else than the header says": {
			shelf{"v1": {imageType, image.body, moved}, released: image}, ":v1", verdict.Failed, ReasonUnsupported, "do not trust it", "",
		},
	} {
		t.Run(situation, func(t *testing.T) {
			h := host(t, tc.shelf)
			ref := h + "/acme/app" + tc.ref
			v := Registry{Insecure: []string{h}}.Recheck(t.Context(), ref, released)
			if v.Outcome != tc.outcome || v.Reason != tc.reason || !strings.Contains(v.Message, strings.ReplaceAll(tc.says, "%i", ref)) {
				t.Errorf("got %+v", v)
			}
			if diff := cmp.Diff(&verdict.Evidence{Query: ref, Source: h, Value: tc.now, Threshold: released}, v.Evidence); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRecheckOfARegistryThatDoesNotAnswer(t *testing.T) {
	for situation, tc := range map[string]struct {
		host    string
		outcome v1alpha1.Outcome
		reason  string
	}{
		"down":    {closed(t), verdict.Unknown, ReasonUnavailable},
		"ill":     {host(t, status(500, "")), verdict.Unknown, ReasonUnavailable},
		"limited": {host(t, status(429, "")), verdict.Unknown, ReasonRateLimited},
		"denied":  {host(t, status(403, "")), verdict.Failed, ReasonDenied},
		"ill halfway": {host(t, manifests(func(w http.ResponseWriter, r *http.Request) {
			code := http.StatusNotFound // the tag
			if strings.Contains(r.URL.Path, "sha256:") {
				code = http.StatusServiceUnavailable
			}
			w.WriteHeader(code)
		})), verdict.Unknown, ReasonUnavailable},
	} {
		t.Run(situation, func(t *testing.T) {
			v := Registry{Insecure: []string{tc.host}}.Recheck(t.Context(), tc.host+"/acme/app:v1", elsewhere)
			if v.Outcome != tc.outcome || v.Reason != tc.reason || v.Evidence.Threshold != elsewhere {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestRecheckHasThePullSecrets(t *testing.T) {
	s := good(t)
	released := digestOf([]byte(s["v1"].body))
	h := host(t, basic(s, "bot:right"))
	r := Registry{Insecure: []string{h}, Keychain: Keychain(mounted(t, secrets{"a": auths(h, "bot", "wrong"), "b": auths(h, "bot", "right")}))}
	if v := r.Recheck(t.Context(), h+"/acme/app:v1", released); v.Reason != ReasonResolved {
		t.Errorf("got %+v", v)
	}
}

func TestRecheckOfWhatCannotBeRead(t *testing.T) {
	for situation, tc := range map[string]struct{ image, digest string }{
		"the image":         {"a b", elsewhere},
		"the digest":        {"registry.example/app:v1", "sha256:123"},
		"another algorithm": {"registry.example/app:v1", "sha512:" + strings.Repeat("a", 128)},
		"no digest":         {"registry.example/app:v1", ""},
	} {
		t.Run(situation, func(t *testing.T) {
			if v := (Registry{}).Recheck(t.Context(), tc.image, tc.digest); v.Outcome != verdict.Failed || v.Reason != ReasonInvalid || !strings.Contains(v.Message, tc.image) {
				t.Errorf("got %+v", v)
			}
		})
	}
}
