package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	goodImage = `{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}`
	elsewhere = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
)

// manifests answers requests for manifests; the registry itself is well.
func manifests(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			answer(w, r)
		}
	})
}

func status(code int, body string) http.Handler {
	return manifests(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	})
}

func manifest(mediaType, body, digest string) http.Handler {
	return manifests(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		if digest != "" {
			w.Header().Set("Docker-Content-Digest", digest)
		}
		_, _ = io.WriteString(w, body)
	})
}

func coded(code string) string { return fmt.Sprintf(`{"errors":[{"code":%q}]}`, code) }

func TestAnswersThatAreNoImage(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.Handler
		outcome v1alpha1.Outcome
		reason  string
		says    string
	}{
		"no such tag":         {quiet(), verdict.Failed, ReasonNotFound, "push it"},
		"not found, unsaid":   {status(404, ""), verdict.Failed, ReasonNotFound, "push it"},
		"no registry at all":  {http.NotFoundHandler(), verdict.Failed, ReasonNotFound, "push it"},
		"unknown manifest":    {status(400, coded("MANIFEST_UNKNOWN")), verdict.Failed, ReasonNotFound, "push it"},
		"unknown repository":  {status(400, coded("NAME_UNKNOWN")), verdict.Failed, ReasonNotFound, "push it"},
		"invalid name":        {status(400, coded("NAME_INVALID")), verdict.Failed, ReasonInvalid, "correct artifact.image"},
		"unauthorized":        {status(401, ""), verdict.Failed, ReasonDenied, "status 401"},
		"forbidden":           {status(403, ""), verdict.Failed, ReasonDenied, "status 403"},
		"too many requests":   {status(429, ""), verdict.Unknown, ReasonRateLimited, "limits how often"},
		"limited in the body": {status(400, coded("TOOMANYREQUESTS")), verdict.Unknown, ReasonRateLimited, "limits how often"},
		"bad request":         {status(400, ""), verdict.Unknown, ReasonUnavailable, "status 400, which says neither"},
		"server error":        {status(500, coded("MANIFEST_UNKNOWN")), verdict.Unknown, ReasonUnavailable, "status 500"},
		"unavailable":         {status(503, ""), verdict.Unknown, ReasonUnavailable, "status 503"},
		"ill from the start": {
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }),
			verdict.Unknown, ReasonUnavailable, "status 502",
		},

		"a web page":                  {manifest("text/html", "<html>", ""), verdict.Failed, ReasonUnsupported, `media type is "text/html"`},
		"garbage":                     {manifest(imageType, "garbage", ""), verdict.Failed, ReasonUnsupported, "not JSON of a manifest"},
		"an image of nothing":         {manifest(imageType, "{}", ""), verdict.Failed, ReasonUnsupported, "no configuration"},
		"a garbage index":             {manifest(indexType, "garbage", ""), verdict.Failed, ReasonUnsupported, "not JSON of an index"},
		"an empty index":              {manifest(indexType, `{"manifests":[]}`, ""), verdict.Failed, ReasonUnsupported, "index of nothing"},
		"an image that says index":    {manifest(imageType, strings.Replace(goodImage, "{", `{"mediaType":"`+indexType+`",`, 1), ""), verdict.Failed, ReasonUnsupported, "calls itself"},
		"an index that says image":    {manifest(indexType, `{"mediaType":"`+imageType+`","manifests":[{"size":1,"digest":"`+elsewhere+`"}]}`, ""), verdict.Failed, ReasonUnsupported, "calls itself"},
		"another digest than is said": {manifest(imageType, goodImage, elsewhere), verdict.Failed, ReasonUnsupported, "do not trust it"},
	} {
		t.Run(name, func(t *testing.T) {
			h := host(t, tc.handler)
			ref := h + "/acme/app:v1"
			got, v := resolve(t, ref)
			if v.Outcome != tc.outcome || v.Reason != tc.reason || v.Kind != v1alpha1.SignalArtifact || got.Digest != "" {
				t.Errorf("got %+v %+v", got, v)
			}
			if !strings.Contains(v.Message, ref) || !strings.Contains(v.Message, tc.says) {
				t.Errorf("the message names not the image or not %q: %s", tc.says, v.Message)
			}
			if v.Evidence.Query != ref || v.Evidence.Source != h || v.Evidence.Value != "" {
				t.Errorf("evidence %+v", v.Evidence)
			}
		})
	}
}

// What is refused above is not refused for another cause.
func TestTheGoodManifestOfTheseTestsIsGood(t *testing.T) {
	sum := sha256.Sum256([]byte(goodImage))
	right := "sha256:" + hex.EncodeToString(sum[:])
	for name, handler := range map[string]http.Handler{
		"digest unsaid":            manifest(imageType, goodImage, ""),
		"digest said":              manifest(imageType, goodImage, right),
		"another algorithm":        manifest(imageType, goodImage, "sha512:00"),
		"media type with charset":  manifest(imageType+"; charset=utf-8", goodImage, ""),
		"media type inside as out": manifest(imageType, strings.Replace(goodImage, "{", `{"mediaType":"`+imageType+`",`, 1), ""),
	} {
		t.Run(name, func(t *testing.T) {
			if got, v := resolve(t, host(t, handler)+"/acme/app:v1"); v.Outcome != verdict.Passed || got.MediaType != imageType {
				t.Errorf("got %+v %+v", got, v)
			}
		})
	}
}

func TestADigestThatIsAnsweredWithSomethingElse(t *testing.T) {
	ref := host(t, manifest(imageType, goodImage, "")) + "/acme/app@" + elsewhere
	got, v := resolve(t, ref)
	if v.Outcome != verdict.Failed || v.Reason != ReasonUnsupported || got.Digest != "" || !strings.Contains(v.Message, elsewhere) {
		t.Errorf("got %+v %+v", got, v)
	}
}
