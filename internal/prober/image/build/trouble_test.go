package build

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// when answers requests of that method to paths with that part in them.
func when(next http.Handler, method, part string, answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == method && strings.Contains(r.URL.Path, part) {
			answer(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// changed is what the registry has, with its last byte changed.
func changed(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		next.ServeHTTP(recorded, r)
		body := recorded.Body.Bytes()
		body[len(body)-1] ^= 1
		maps.Copy(w.Header(), recorded.Header())
		_, _ = w.Write(body)
	}
}

// cut breaks the connection off in the middle.
func cut(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		next.ServeHTTP(recorded, r)
		w.Header().Set("Content-Type", recorded.Header().Get("Content-Type"))
		w.Header().Set("Content-Length", fmt.Sprint(recorded.Body.Len()))
		_, _ = w.Write(recorded.Body.Bytes()[:recorded.Body.Len()/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// parts is a task whose inputs are in a registry, and the parts of paths at
// which its base, the base's configuration and layer, and its artifact are.
func parts(t *testing.T, inner http.Handler) (job Task, base, config, layer, files string) {
	t.Helper()
	at := host(t, inner)
	job = task(t, at, t.TempDir(), artifact(t, at+"/files", types.OCILayer, zipped(t, tarball(t, file("app", strings.Repeat("run me", 100))), 0)))
	image, err := remote.Image(repository(t, at+"/base").Digest(strings.Split(job.Spec.Base, "@")[1]), once...)
	fine(t, err)
	m, err := image.Manifest()
	fine(t, err)
	packed, err := remote.Image(repository(t, at+"/files").Digest(strings.Split(job.Spec.Layers[0].Artifact, "@")[1]), once...)
	fine(t, err)
	of, err := packed.Manifest()
	fine(t, err)
	return job, strings.Split(job.Spec.Base, "@")[1], m.Config.Digest.String(), m.Layers[0].Digest.String(), of.Layers[0].Digest.String()
}

// from is the task with its inputs at another address.
func from(job Task, at string) Task {
	was := job.Repository.RegistryStr()
	job.Spec.Base = strings.Replace(job.Spec.Base, was, at, 1)
	job.Spec.Layers = []v1alpha1.LayerSource{{Artifact: strings.Replace(job.Spec.Layers[0].Artifact, was, at, 1)}}
	return job
}

func TestInputsThatCannotBeRead(t *testing.T) {
	inner := quiet()
	job, base, config, layer, files := parts(t, inner)
	for name, tc := range map[string]struct {
		part    string
		answer  http.HandlerFunc
		outcome v1alpha1.Outcome
		reason  string
		says    string
	}{
		"the base: unauthorized":           {base, status(401, ""), verdict.Failed, ReasonInputDenied, "imagePullSecrets"},
		"the base: forbidden":              {base, status(403, ""), verdict.Failed, ReasonInputDenied, "(status 403)"},
		"the base: not found":              {base, status(404, ""), verdict.Failed, ReasonInputNotFound, "push it"},
		"the base: unknown":                {base, status(400, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`), verdict.Failed, ReasonInputNotFound, "push it"},
		"the base: limited":                {base, status(429, `{"errors":[{"code":"NAME_UNKNOWN"}]}`), verdict.Unknown, ReasonUnavailable, "limits how often"},
		"the base: ill":                    {base, status(500, `{"errors":[{"code":"NAME_UNKNOWN"}]}`), verdict.Unknown, ReasonUnavailable, "(status 500)"},
		"the base: neither":                {base, status(400, ""), verdict.Unknown, ReasonUnavailable, "status 400, which says neither"},
		"the base: something else":         {base, changed(inner), verdict.Failed, ReasonDigestMismatch, "do not trust it"},
		"the base: half of it":             {base, cut(inner), verdict.Unknown, ReasonUnavailable, "breaks off"},
		"its settings: forbidden":          {config, status(403, ""), verdict.Failed, ReasonInputDenied, "(status 403)"},
		"its settings: something else":     {config, changed(inner), verdict.Failed, ReasonDigestMismatch, "do not trust it"},
		"its settings: half of it":         {config, cut(inner), verdict.Unknown, ReasonUnavailable, "breaks off"},
		"its layer: forbidden":             {layer, status(403, ""), verdict.Failed, ReasonInputDenied, "/base@"},
		"its layer: not found":             {layer, status(404, ""), verdict.Failed, ReasonInputNotFound, "/base@"},
		"its layer: half of it":            {layer, cut(inner), verdict.Unknown, ReasonUnavailable, "/base@"},
		"an artifact: forbidden":           {files, status(403, ""), verdict.Failed, ReasonInputDenied, "/files@"},
		"an artifact: not found":           {files, status(404, ""), verdict.Failed, ReasonInputNotFound, "/files@"},
		"an artifact: something else":      {files, changed(inner), verdict.Failed, ReasonWrongDigest, "has the sha256"},
		"an artifact: half of it":          {files, cut(inner), verdict.Unknown, ReasonUnavailable, "/files@"},
		"an artifact: the registry is ill": {files, status(503, ""), verdict.Unknown, ReasonUnavailable, "(status 503)"},
	} {
		t.Run(name, func(t *testing.T) {
			moved := from(job, host(t, when(inner, http.MethodGet, tc.part, tc.answer)))
			moved.Repository = repository(t, host(t, quiet())+"/acme/app")
			refused(t, moved, tc.outcome, tc.reason, tc.says)
		})
	}
}

func TestARepositoryThatCannotBePushedTo(t *testing.T) {
	const manifests, blobs = "/acme/app/manifests/", "/acme/app/blobs/uploads"
	for name, tc := range map[string]struct {
		method, part string
		answer       http.HandlerFunc
		outcome      v1alpha1.Outcome
		reason       string
		says         string
	}{
		"unauthorized":         {http.MethodPost, blobs, status(401, ""), verdict.Failed, ReasonPushDenied, "let the credentials in the template's imagePullSecrets push there, or correct artifact.repository"},
		"forbidden":            {http.MethodPost, blobs, status(403, `{"errors":[{"code":"DENIED"}]}`), verdict.Failed, ReasonPushDenied, "(status 403)"},
		"a mirror":             {http.MethodPost, blobs, status(405, ""), verdict.Failed, ReasonPushDenied, "(status 405)"},
		"manifests: forbidden": {http.MethodPut, manifests, status(403, ""), verdict.Failed, ReasonPushDenied, "(status 403)"},
		"no such repository":   {http.MethodPost, blobs, status(404, `{"errors":[{"code":"NAME_UNKNOWN"}]}`), verdict.Failed, ReasonRepositoryNotFound, "create it"},
		"not found":            {http.MethodPost, blobs, status(404, ""), verdict.Failed, ReasonRepositoryNotFound, "create it"},
		"a forgotten upload":   {http.MethodPut, blobs, status(404, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}`), verdict.Unknown, ReasonUnavailable, "status 404, which says neither"},
		"limited":              {http.MethodPost, blobs, status(429, ""), verdict.Unknown, ReasonUnavailable, "limits how often"},
		"ill":                  {http.MethodPut, manifests, status(502, ""), verdict.Unknown, ReasonUnavailable, "(status 502)"},
		"too large":            {http.MethodPatch, blobs, status(413, ""), verdict.Unknown, ReasonUnavailable, "status 413"},
		"it forgets":           {http.MethodPut, manifests, status(201, ""), verdict.Failed, ReasonDigestNotFound, "which the build says it pushed"},
	} {
		t.Run(name, func(t *testing.T) {
			job, _, _, _, _ := parts(t, quiet())
			job.Repository = repository(t, host(t, when(quiet(), tc.method, tc.part, tc.answer))+"/acme/app")
			refused(t, job, tc.outcome, tc.reason, tc.says)
		})
	}
}

// That the index is seen means that everything in it is.
func TestWhatIsPushedLastNamesTheRest(t *testing.T) {
	var order []string
	inner := quiet()
	watching := host(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			order = append(order, strings.Split(r.URL.Path, "/")[4])
		}
		inner.ServeHTTP(w, r)
	}))
	job, _, _, _, _ := parts(t, quiet())
	job.Spec.Base = push(t, job.Repository.RegistryStr()+"/base", manyPlatforms(t, types.OCIImageIndex))
	job.Repository = repository(t, watching+"/acme/app")
	if v := Append(t.Context(), job).Verdicts[0]; v.Outcome != verdict.Passed {
		t.Fatalf("got %+v", v)
	}
	// base's layer, the new one, a configuration, its manifest; then another
	// configuration and its manifest; the index.
	if got := strings.Join(order, " "); got != "uploads uploads uploads manifests uploads manifests manifests" && got != "blobs blobs blobs manifests blobs manifests manifests" {
		t.Errorf("pushed %s", got)
	}
	before := len(order)
	Append(t.Context(), job)
	for _, what := range order[before:] {
		if what != "manifests" {
			t.Errorf("pushed %s again", what)
		}
	}
}

func TestARegistryThatDoesNotListen(t *testing.T) {
	server := httptest.NewServer(quiet())
	at := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	job, _, _, _, _ := parts(t, quiet())
	refused(t, from(job, at), verdict.Unknown, ReasonUnavailable, "Registry "+at+" gives no answer on "+at+"/base@")
	job.Repository = repository(t, at+"/acme/app")
	refused(t, job, verdict.Unknown, ReasonUnavailable, "Registry "+at+" gives no answer on "+at+"/acme/app (the connection is refused)")
}

func TestABuildThatIsStopped(t *testing.T) {
	job, _, _, _, _ := parts(t, quiet())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if v := Append(ctx, job).Verdicts[0]; v.Outcome != verdict.Unknown || !strings.Contains(v.Message, "the build was stopped") {
		t.Errorf("got %+v", v)
	}
	volumes := t.TempDir()
	job.Volumes, job.Spec.Layers = volumes, []v1alpha1.LayerSource{volume(t, volumes, tarball(t, file("app", "1")))}
	sources, err := job.sources(t.Context(), registry{})
	fine(t, err)
	_, err = sources[0].press(t.TempDir()+"/0", ctx.Err, allowed)
	if v := explain(err); v.Outcome != verdict.Unknown || !strings.Contains(v.Message, "(the build was stopped)") {
		t.Errorf("got %+v", v)
	}
}

func TestPackedBytesAreBoundedToo(t *testing.T) {
	content := zipped(t, tarball(t, file("app", "1")), 0)
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(content))), nil }
	s := source{name: "layers[0]", sha256: digestOf(content)[7:], size: int64(len(content)), open: open}
	for more, ok := range map[int64]bool{0: true, -1: false} {
		_, err := s.press(fmt.Sprintf("%s/%d", t.TempDir(), more), t.Context().Err, limits{s.size + more, 1})
		if (err == nil) != ok || err != nil && explain(err).Reason != ReasonTooLarge {
			t.Errorf("%+d: %v", more, err)
		}
	}
	s.size = -1
	if _, err := s.press(t.TempDir()+"/0", t.Context().Err, allowed); err == nil || explain(err).Reason != ReasonTooLarge {
		t.Errorf("got %v", err)
	}
}

func TestOptionsThatContradictEachOther(t *testing.T) {
	job, _, _, _, _ := parts(t, quiet())
	job.Options = []remote.Option{remote.WithJobs(0)}
	refused(t, job, verdict.Unknown, ReasonUnavailable, "The build cannot begin: read the options")
}

// A full disk is not the tarball's fault.
func TestWhatDecidesOfALayer(t *testing.T) {
	s := source{name: "layers[0]", sha256: ones, size: 1, trouble: func(err error) error { return err }}
	for situation, tc := range map[string]struct {
		err    error
		reason string
	}{
		"no room":       {noRoom(io.ErrShortWrite), ReasonScratch},
		"not a tarball": {io.ErrUnexpectedEOF, ReasonWrongDigest},
		"too large":     {tooLarge(1), ReasonWrongDigest},
	} {
		t.Run(situation, func(t *testing.T) {
			seen := &watched{in: strings.NewReader("x"), stopped: t.Context().Err, sum: sha256.New()}
			if v := explain(s.judge(seen, tc.err)); v.Reason != tc.reason {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// Layers are fetched from the artifact's own repository, and of no manifest
// that calls itself something else.
func TestArtifactsThatAreNone(t *testing.T) {
	for situation, tc := range map[string]struct{ kind, urls, says string }{
		"a web page":          {"text/html", "", "no artifact with layers"},
		"a layer's addresses": {string(types.OCIManifestSchema1), `,"urls":["http://169.254.169.254/"]`, "it has one of type"},
	} {
		t.Run(situation, func(t *testing.T) {
			job, _, _, _, _ := parts(t, quiet())
			raw := `{"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":1,"digest":"sha256:` + ones + `"` + tc.urls + `}]}`
			at := host(t, when(quiet(), http.MethodGet, "/manifests/", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tc.kind)
				_, _ = io.WriteString(w, raw)
			}))
			job.Spec.Layers = []v1alpha1.LayerSource{{Artifact: at + "/files@" + digestOf([]byte(raw))}}
			refused(t, job, verdict.Failed, ReasonLayer, tc.says)
		})
	}
}
