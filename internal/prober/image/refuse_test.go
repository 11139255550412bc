package imageprobe

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// manifests answers requests for manifests and blobs; the registry itself is well.
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

func coded(code string) string { return fmt.Sprintf(`{"errors":[{"code":%q}]}`, code) }

func TestAnswersThatAreNoImage(t *testing.T) {
	for situation, tc := range map[string]struct {
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
		"unauthorized":        {status(401, ""), verdict.Failed, ReasonDenied, "(status 401): the Job has no pull secret; put a secret that may read it into spec.template.spec.imagePullSecrets"},
		"forbidden":           {status(403, coded("NAME_UNKNOWN")), verdict.Failed, ReasonDenied, "(status 403)"},
		"too many requests":   {status(429, coded("NAME_UNKNOWN")), verdict.Unknown, ReasonRateLimited, "limits how often"},
		"limited in the body": {status(400, coded("TOOMANYREQUESTS")), verdict.Unknown, ReasonRateLimited, "limits how often"},
		"bad request":         {status(400, ""), verdict.Unknown, ReasonUnavailable, "status 400, which says neither"},
		"server error":        {status(500, coded("MANIFEST_UNKNOWN")), verdict.Unknown, ReasonUnavailable, "(status 500)"},
		"odd server error":    {status(500, coded("NAME_INVALID")), verdict.Unknown, ReasonUnavailable, "(status 500)"},
		"unavailable":         {status(503, ""), verdict.Unknown, ReasonUnavailable, "(status 503)"},
		"ill from the start": {
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }),
			verdict.Unknown, ReasonUnavailable, "status 502",
		},
		"words in the error": {status(401, `{"errors":[{"code":"DENIED","message":"hunter2"}]}`), verdict.Failed, ReasonDenied, "status 401"},
	} {
		t.Run(situation, func(t *testing.T) {
			h := host(t, tc.handler)
			ref := h + "/acme/app:v1"
			_, v := resolve(t, ref)
			if v.Outcome != tc.outcome || v.Reason != tc.reason || v.Kind != v1alpha1.SignalArtifact {
				t.Errorf("got %+v", v)
			}
			if !strings.Contains(v.Message, ref) || !strings.Contains(v.Message, tc.says) || strings.Contains(v.Message, "hunter2") {
				t.Errorf("the message names not the image or not %q: %s", tc.says, v.Message)
			}
			if v.Evidence.Query != ref || v.Evidence.Source != h || v.Evidence.Value != "" {
				t.Errorf("evidence %+v", v.Evidence)
			}
		})
	}
}

func TestManifestsThatAreRefused(t *testing.T) {
	s := shelf{}
	good := s.image(t, object{"os": "linux", "architecture": "amd64"}, 5)
	entry := s.listed(t, "linux/amd64", 1)
	part := func(fields object) object { return with(good["config"].(object), fields) }
	layer := func(fields object) []object { return []object{with(good["layers"].([]object)[0], fields)} }
	many := func(n int, one object) (all []object) {
		for range n {
			all = append(all, one)
		}
		return all
	}
	for situation, tc := range map[string]struct {
		kind string
		body any // as it is when it is a string
		says string
	}{
		"a web page":          {"text/html", "<html>", `media type is "text/html"`},
		"no media type":       {"", good, "media type is"},
		"the first schema":    {"application/vnd.docker.distribution.manifest.v1+json", good, "media type is"},
		"garbage":             {imageType, "garbage", "its manifest is not JSON of a manifest"},
		"half of it":          {imageType, encoded(t, good)[:99], "its manifest is not JSON of a manifest"},
		"something after it":  {imageType, encoded(t, good) + "{}", "its manifest is not JSON of a manifest"},
		"an image of nothing": {imageType, "{}", "names no configuration"},
		"another digest":      {imageType, with(good, object{"config": part(object{"digest": "sha512:" + strings.Repeat("a", 128)})}), "no sha256 digest"},
		"a digest that is no path": {
			imageType, with(good, object{"config": part(object{"digest": "sha256:../../../v2/"})}), "not JSON of a manifest",
		},
		"a chart": {imageType, with(good, object{"config": part(object{"mediaType": "application/vnd.cncf.helm.config.v1+json"})}), "as no image is"},
		"a configuration that has less than nothing": {imageType, with(good, object{"config": part(object{"size": -1})}), "claims to have -1 bytes"},
		"a huge configuration":                       {imageType, with(good, object{"config": part(object{"size": 1<<20 + 1})}), "claims to have 1048577 bytes, and may have 0 to 1048576"},
		"a layer of less than nothing":               {imageType, with(good, object{"layers": layer(object{"size": -1})}), "claims to have -1 bytes"},
		"a layer that no node can hold":              {imageType, with(good, object{"layers": layer(object{"size": int64(1)<<40 + 1})}), "claims to have 1099511627777 bytes"},
		"a layer without name":                       {imageType, with(good, object{"layers": layer(object{"digest": nil})}), "no sha256 digest"},
		"more layers than fit":                       {imageType, with(good, object{"layers": many(513, layer(nil)[0])}), "it has 513 layers, and may have 512"},
		"an image that says index":                   {imageType, with(good, object{"mediaType": indexType}), "calls itself"},
		"both at once, as image":                     {imageType, with(good, object{"manifests": []object{entry}}), "a manifest and an index in one"},
		"both at once, as index":                     {indexType, with(index(entry), object{"config": good["config"]}), "an index and a manifest in one"},
		"an index with layers":                       {indexType, with(index(entry), object{"layers": []object{}}), "an index and a manifest in one"},
		"an index of old layers":                     {indexType, with(index(entry), object{"fsLayers": []object{}}), "an index and a manifest in one"},
		"a garbage index":                            {indexType, "garbage", "its index is not JSON of an index"},
		"an empty index":                             {indexType, index(), "index of nothing"},
		"an index that says image":                   {indexType, with(index(entry), object{"mediaType": imageType}), "calls itself"},
		"an index in an index":                       {indexType, index(entry, with(s.put(indexType, "{}"), object{"platform": object{"os": "linux"}})), "lists an index"},
		"an index of attestations":                   {indexType, index(with(entry, object{"platform": object{"os": "unknown", "architecture": "unknown"}})), "lists no image"},
		"an index of artifacts":                      {indexType, index(with(entry, object{"artifactType": "application/example"})), "lists no image"},
		"an index of layers":                         {indexType, index(with(entry, object{"mediaType": layerType})), "lists no image"},
		"an entry of less than nothing":              {indexType, index(with(entry, object{"size": -1})), "claims to have -1 bytes"},
		"a huge entry":                               {indexType, index(with(entry, object{"size": 4<<20 + 1})), "claims to have 4194305 bytes"},
		"thousands of entries":                       {indexType, index(many(129, entry)...), "lists 129 manifests, and may list 128"},
		"two images for one platform":                {indexType, index(entry, s.listed(t, "linux/amd64", 2)), "two images for linux/amd64, which nothing tells apart"},
		"an entry of another size":                   {indexType, index(with(entry, object{"size": 7})), "bytes and its index says 7"},
		"an entry of another type": {
			indexType, index(with(entry, object{"mediaType": "application/vnd.docker.distribution.manifest.v2+json"})), `the index "application/vnd.docker`,
		},
		"an entry that is an index":  {indexType, index(with(s.put(indexType, encoded(t, index(entry))), object{"mediaType": imageType})), `the registry calls`},
		"an entry that is garbage":   {indexType, index(s.put(imageType, "rubbish")), "not JSON of a manifest"},
		"a configuration of garbage": {imageType, with(good, object{"config": s.put(configType, "garbage")}), "its configuration is not JSON of one"},
		"a configuration of a list":  {imageType, with(good, object{"config": s.put(configType, "[]")}), "its configuration is not JSON of one"},
	} {
		t.Run(situation, func(t *testing.T) {
			body, ok := tc.body.(string)
			if !ok {
				body = encoded(t, tc.body)
			}
			s["v1"] = item{kind: tc.kind, body: body}
			ref := host(t, s) + "/acme/app:v1"
			_, v := resolve(t, ref)
			if v.Outcome != verdict.Failed || v.Reason != ReasonUnsupported || !strings.HasPrefix(v.Message, ref+" cannot run, because ") || !strings.Contains(v.Message, tc.says) {
				t.Errorf("got %+v, want it to say %q", v, tc.says)
			}
		})
	}
}

// What is refused above is not refused for another cause.
func TestTheGoodManifestsOfTheseTestsAreGood(t *testing.T) {
	s := shelf{}
	good := s.image(t, object{"os": "linux", "architecture": "amd64"}, 0, 1<<40)
	body := encoded(t, good)
	full := []object{}
	for i := range 128 {
		full = append(full, s.listed(t, fmt.Sprint("linux/a", i)))
	}
	for situation, it := range map[string]item{
		"digest unsaid":           {imageType, body, ""},
		"digest said":             {imageType, body, digestOf([]byte(body))},
		"another algorithm":       {imageType, body, "sha512:00"},
		"media type with charset": {imageType + "; charset=utf-8", body, ""},
		"media type unsaid":       {imageType, encoded(t, with(good, object{"mediaType": nil})), ""},
		"an index":                {indexType, encoded(t, index(s.listed(t, "linux/amd64"))), ""},
		"as many as may be":       {indexType, encoded(t, index(full...)), ""},
	} {
		t.Run(situation, func(t *testing.T) {
			s["v1"] = it
			if got, v := resolve(t, host(t, s)+"/acme/app:v1"); v.Outcome != verdict.Passed || got.Artifact.MediaType != strings.Split(it.kind, ";")[0] {
				t.Errorf("got %+v %+v", got, v)
			}
		})
	}
}
