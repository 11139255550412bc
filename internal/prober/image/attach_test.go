package imageprobe

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	gcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	releaseType = "application/vnd.example.release.v1+json"
	bodyType    = "application/vnd.example.body+json"
)

func subject(t *testing.T, repository, digest string) name.Digest {
	t.Helper()
	ref, err := name.NewDigest(repository+"@"+digest, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// referrers lists what refers to the subject.
func referrers(t *testing.T, of name.Digest) []v1.Descriptor {
	t.Helper()
	list, err := remote.Referrers(of)
	if err != nil {
		t.Fatal(err)
	}
	read, err := list.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return read.Manifests
}

func TestAttach(t *testing.T) {
	for situation, tc := range map[string]struct {
		lists bool
		as    string
	}{
		"a registry that lists referrers": {true, "application/vnd.oci.empty.v1+json"}, // so does that of the library, whatever the manifest says
		"a registry that does not":        {false, releaseType},
	} {
		t.Run(situation, func(t *testing.T) {
			h := host(t, quiet(gcr.WithReferrersSupport(tc.lists)))
			pushed, _ := push(t, h+"/acme/app:v1")
			of := subject(t, h+"/acme/app", pushed)
			r := Registry{Insecure: []string{h}}
			content, about := []byte(`{"release":"v1"}`), map[string]string{"example": "yes"}

			digest, v := r.Attach(t.Context(), of, releaseType, bodyType, content, about)
			want := verdict.With(verdict.Pass(v1alpha1.SignalArtifact, ReasonAttached, "%s is attached to %s", releaseType, of),
				verdict.Evidence{Query: of.Name(), Source: h, Value: digest})
			if diff := cmp.Diff(want, v); diff != "" || digest == "" {
				t.Fatal(digest, diff)
			}
			again, v := r.Attach(t.Context(), of, releaseType, bodyType, content, about)
			if again != digest || v.Outcome != verdict.Passed {
				t.Errorf("again: %s, not %s: %+v", again, digest, v)
			}
			other, v := r.Attach(t.Context(), of, releaseType, bodyType, []byte("{}"), about)
			if other == digest || v.Outcome != verdict.Passed {
				t.Errorf("another: %s: %+v", other, v)
			}

			found := map[string]string{}
			for _, d := range referrers(t, of) {
				found[d.Digest.String()] = d.ArtifactType
			}
			if diff := cmp.Diff(map[string]string{digest: tc.as, other: tc.as}, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsAttached(t *testing.T) {
	h := host(t, quiet(gcr.WithReferrersSupport(true)))
	pushed, _ := push(t, h+"/acme/app:v1")
	of := subject(t, h+"/acme/app", pushed)
	digest, v := Registry{Insecure: []string{h}}.Attach(t.Context(), of, releaseType, bodyType, []byte("content"), map[string]string{"example": "yes"})
	if v.Outcome != verdict.Passed {
		t.Fatalf("got %+v", v)
	}
	about, err := remote.Head(of)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Get(of.Context().Digest(digest))
	if err != nil {
		t.Fatal(err)
	}
	part := func(kind, content string) object {
		return object{"mediaType": kind, "size": len(content), "digest": digestOf([]byte(content))}
	}
	want := encoded(t, struct {
		SchemaVersion int      `json:"schemaVersion"`
		MediaType     string   `json:"mediaType"`
		Config        object   `json:"config"`
		Layers        []object `json:"layers"`
		Annotations   object   `json:"annotations"`
		Subject       object   `json:"subject"`
		ArtifactType  string   `json:"artifactType"`
	}{
		2, imageType, part("application/vnd.oci.empty.v1+json", "{}"),
		[]object{part(bodyType, "content")},
		object{"example": "yes"},
		object{"mediaType": about.MediaType, "size": about.Size, "digest": pushed},
		releaseType,
	})
	if diff := cmp.Diff(reordered(t, want), reordered(t, string(got.Manifest))); diff != "" || string(got.MediaType) != imageType {
		t.Error(got.MediaType, diff)
	}
	for _, content := range []string{"content", "{}"} {
		layer, err := remote.Layer(of.Context().Digest(digestOf([]byte(content))))
		if err != nil {
			t.Fatal(err)
		}
		stored, err := layer.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(stored); string(text) != content || err != nil {
			t.Errorf("stored %q: %v", text, err)
		}
	}
}

func TestWhatCannotBeAttached(t *testing.T) {
	s := good(t)
	sum := digestOf([]byte(s["v1"].body))
	s[sum] = s["v1"]
	refusing := func(method string, code int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == method {
				w.WriteHeader(code)
				_, _ = io.WriteString(w, body)
				return
			}
			s.ServeHTTP(w, r)
		})
	}
	for situation, tc := range map[string]struct {
		handler http.Handler
		outcome v1alpha1.Outcome
		reason  string
		says    string
	}{
		"no such image":         {shelf{}, verdict.Failed, ReasonNotFound, "has no image"},
		"another image":         {shelf{sum: {imageType, "{}", ""}}, verdict.Failed, ReasonUnsupported, "do not trust it"},
		"may not read":          {status(403, ""), verdict.Failed, ReasonDenied, "may read it"},
		"no answer":             {status(503, ""), verdict.Unknown, ReasonUnavailable, "status 503"},
		"may not push":          {refusing("POST", 403, ""), verdict.Failed, ReasonPushDenied, "(status 403): the Job has no pull secret; put a secret that may push there into spec.template.spec.imagePullSecrets, or remove artifact.attach"},
		"unknown to the pusher": {refusing("POST", 401, ""), verdict.Failed, ReasonPushDenied, "(status 401)"},
		"read only":             {refusing("POST", 405, ""), verdict.Failed, ReasonPushDenied, "(status 405)"},
		"ill when pushed to":    {refusing("POST", 500, coded("UNSUPPORTED")), verdict.Unknown, ReasonUnavailable, "status 500"},
		"gone when pushed to":   {refusing("POST", 404, ""), verdict.Unknown, ReasonUnavailable, "status 404, which says neither"},
		"limited":               {refusing("POST", 429, ""), verdict.Unknown, ReasonRateLimited, "limits how often something is pushed"},
		"takes no artifacts":    {refusing("POST", 400, coded("UNSUPPORTED")), verdict.Failed, ReasonPushDenied, "takes no attachments"},
	} {
		t.Run(situation, func(t *testing.T) {
			h := host(t, tc.handler)
			of := subject(t, h+"/acme/app", sum)
			digest, v := Registry{Insecure: []string{h}}.Attach(t.Context(), of, releaseType, bodyType, []byte("content"), nil)
			if digest != "" || v.Outcome != tc.outcome || v.Reason != tc.reason || !strings.Contains(v.Message, tc.says) || !strings.Contains(v.Message, of.Name()) {
				t.Errorf("got %s %+v", digest, v)
			}
			if diff := cmp.Diff(&verdict.Evidence{Query: of.Name(), Source: h}, v.Evidence); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The one reads, the other pushes.
func TestAttachTriesTheNextSecret(t *testing.T) {
	next := quiet()
	h := host(t, basicOf(func(user string, w http.ResponseWriter, r *http.Request) {
		if user != "pusher" && r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	}))
	r := Registry{Insecure: []string{h}, Keychain: Keychain(mounted(t, secrets{"a": auths(h, "reader", "p"), "b": auths(h, "pusher", "p")}))}
	auth := remote.WithAuthFromKeychain(Keychain(mounted(t, secrets{"b": auths(h, "pusher", "p")})))
	pushed, _ := push(t, h+"/acme/app:v1", auth)
	if v := r.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0]; v.Outcome != verdict.Passed {
		t.Fatalf("got %+v", v)
	}
	if digest, v := r.Attach(t.Context(), subject(t, h+"/acme/app", pushed), releaseType, bodyType, []byte("content"), nil); v.Outcome != verdict.Passed || digest == "" {
		t.Errorf("got %+v", v)
	}
}

// An attempt that broke off has pushed the manifest and not listed it.
func TestAttachCompletesWhatBrokeOff(t *testing.T) {
	next := quiet()
	var broken atomic.Bool
	broken.Store(true)
	h := host(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() && r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256-") {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		next.ServeHTTP(w, r)
	}))
	pushed, _ := push(t, h+"/acme/app:v1")
	of := subject(t, h+"/acme/app", pushed)
	r := Registry{Insecure: []string{h}}
	if _, v := r.Attach(t.Context(), of, releaseType, bodyType, []byte("content"), nil); v.Outcome != verdict.Unknown {
		t.Fatalf("got %+v", v)
	}
	broken.Store(false)
	digest, v := r.Attach(t.Context(), of, releaseType, bodyType, []byte("content"), nil)
	if found := referrers(t, of); v.Outcome != verdict.Passed || len(found) != 1 || found[0].Digest.String() != digest {
		t.Errorf("found %+v: %+v", found, v)
	}
}
