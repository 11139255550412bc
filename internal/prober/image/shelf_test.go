package imageprobe

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	gcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	imageType  = "application/vnd.oci.image.manifest.v1+json"
	indexType  = "application/vnd.oci.image.index.v1+json"
	configType = "application/vnd.oci.image.config.v1+json"
	layerType  = "application/vnd.oci.image.layer.v1.tar+gzip"
	elsewhere  = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
)

// object is JSON to be.
type object = map[string]any

func encoded(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// quiet is a registry that does not log.
func quiet(o ...gcr.Option) http.Handler {
	return gcr.New(append(o, gcr.Logger(log.New(io.Discard, "", 0)))...)
}

// host starts a registry and returns its host:port.
func host(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// resolve asks with an administrator who knows the registry.
func resolve(t *testing.T, image string, offered ...string) (verdict.Answer, verdict.Verdict) {
	t.Helper()
	known, _, _ := strings.Cut(image, "/")
	answer := Registry{Insecure: []string{known}}.Resolve(t.Context(), image, offered)
	if len(answer.Verdicts) != 1 {
		t.Fatalf("got %d verdicts: %+v", len(answer.Verdicts), answer)
	}
	if passed := answer.Verdicts[0].Outcome == verdict.Passed; passed != (answer.Digest != "") || passed != (answer.Artifact != nil) {
		t.Fatalf("the answer contradicts itself: %+v", answer)
	}
	return answer, answer.Verdicts[0]
}

// shelf is a registry that serves what is put on it, however odd.
type shelf map[string]item

// item is served under its name: a tag or a digest.
type item struct{ kind, body, digest string }

func (s shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	it, ok := s[parts[len(parts)-1]]
	switch {
	case r.URL.Path == "/v2/":
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", it.kind)
		if it.digest != "" {
			w.Header().Set("Docker-Content-Digest", it.digest)
		}
		_, _ = io.WriteString(w, it.body)
	}
}

// put puts content on the shelf under its digest and describes it.
func (s shelf) put(kind, body string) object {
	digest := digestOf([]byte(body))
	s[digest] = item{kind: kind, body: body}
	return object{"mediaType": kind, "size": len(body), "digest": digest}
}

func (s shelf) tag(t *testing.T, kind string, content object) string {
	t.Helper()
	body := encoded(t, content)
	s["v1"] = item{kind: kind, body: body}
	return digestOf([]byte(body))
}

// image puts an image's configuration on the shelf and answers with its manifest.
func (s shelf) image(t *testing.T, config object, layers ...int64) object {
	t.Helper()
	all := []object{}
	for i, size := range layers {
		all = append(all, object{"mediaType": layerType, "size": size, "digest": fmt.Sprintf("sha256:%064d", i)})
	}
	return object{"schemaVersion": 2, "mediaType": imageType, "config": s.put(configType, encoded(t, config)), "layers": all}
}

// listed puts an image for a platform on the shelf and answers with its entry
// of an index.
func (s shelf) listed(t *testing.T, platform string, layers ...int64) object {
	t.Helper()
	system, architecture, _ := strings.Cut(platform, "/")
	architecture, variant, _ := strings.Cut(architecture, "/")
	p := object{"os": system, "architecture": architecture, "variant": variant}
	return with(s.put(imageType, encoded(t, s.image(t, p, layers...))), object{"platform": p})
}

func index(entries ...object) object {
	return object{"schemaVersion": 2, "mediaType": indexType, "manifests": entries}
}

// with is an object with some fields changed; nil removes one.
func with(o, fields object) object {
	o = maps.Clone(o)
	maps.Copy(o, fields)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}

// configOf is the digest of the configuration of an image on the shelf.
func (s shelf) configOf(t *testing.T, listed object) string {
	t.Helper()
	var m struct{ Config struct{ Digest string } }
	if err := json.Unmarshal([]byte(s[digest(listed)].body), &m); err != nil {
		t.Fatal(err)
	}
	return m.Config.Digest
}

func digest(listed object) string { return fmt.Sprint(listed["digest"]) }

// reordered is JSON with its names sorted.
func reordered(t *testing.T, text string) string {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return encoded(t, o)
}
