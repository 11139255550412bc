package imageprobe

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/internal/verdict"
)

func unavailableBecause(t *testing.T, v verdict.Verdict, cause string) {
	t.Helper()
	if v.Outcome != verdict.Unknown || v.Reason != ReasonUnavailable || !strings.Contains(v.Message, cause) {
		t.Errorf("got %+v, want it to wait because %q", v, cause)
	}
}

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String()
}

// good is a shelf with an image under v1.
func good(t *testing.T) shelf {
	t.Helper()
	s := shelf{}
	s.tag(t, imageType, s.image(t, object{"os": "linux", "architecture": "amd64"}, 5))
	return s
}

func TestRedirectsDoNotGoInCircles(t *testing.T) {
	var asked atomic.Int32
	h := host(t, manifests(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}))
	_, v := resolve(t, h+"/acme/app:v1")
	unavailableBecause(t, v, "circles")
	if n := asked.Load(); n != maxRedirects+1 {
		t.Errorf("asked %d times", n)
	}
}

func TestRequestsOfOneSetOfOptionsEnd(t *testing.T) {
	sent := 0
	g := &guard{limit: 3, next: roundTrip(func(*http.Request) (*http.Response, error) {
		sent++
		return &http.Response{Body: http.NoBody}, nil
	})}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example/v2/", nil)
	for i := range 5 {
		response, err := g.RoundTrip(request)
		if (err == nil) != (i < 3) {
			t.Errorf("request %d: %v", i+1, err)
		}
		if err == nil {
			_ = response.Body.Close()
		}
	}
	if sent != 3 {
		t.Errorf("sent %d", sent)
	}
}

func TestTheGuardRemembersWhatWasSaidOfAManifest(t *testing.T) {
	g := &guard{limit: maxLooks, next: roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{Body: http.NoBody, Header: http.Header{"Docker-Content-Digest": {r.URL.Path}}}, nil
	})}
	if g.said() != "" {
		t.Error("it remembers what nobody said")
	}
	for _, path := range []string{"/v2/a/manifests/v1", "/v2/", "/v2/a/blobs/" + elsewhere} {
		response, err := g.RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example"+path, nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if g.said() != "/v2/a/manifests/v1" {
			t.Errorf("after %s: %q", path, g.said())
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestARedirectIsFollowed(t *testing.T) {
	s := good(t)
	h := host(t, manifests(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/mirror/") {
			http.Redirect(w, r, "/mirror"+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		s.ServeHTTP(w, r)
	}))
	if _, v := resolve(t, h+"/acme/app:v1"); v.Outcome != verdict.Passed {
		t.Errorf("got %+v", v)
	}
}

func TestAManifestIsOfFourMebibytesAtMost(t *testing.T) {
	for situation, tc := range map[string]struct {
		size   int
		reason string
	}{
		"the limit":     {4 << 20, ReasonResolved},
		"one byte over": {4<<20 + 1, ReasonUnsupported},
	} {
		t.Run(situation, func(t *testing.T) {
			s := good(t)
			s["v1"] = item{kind: imageType, body: s["v1"].body + strings.Repeat(" ", tc.size-len(s["v1"].body))}
			_, v := resolve(t, host(t, s)+"/acme/app:v1")
			if v.Reason != tc.reason || tc.reason == ReasonUnsupported && !strings.Contains(v.Message, "larger than 4194304 bytes") {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// Others read layers under the same guard.
func TestABlobMayBeLargerThanAManifest(t *testing.T) {
	s := shelf{}
	want := digest(s.put(layerType, strings.Repeat("a", 4<<20+1)))
	h := host(t, s)
	r := Registry{Insecure: []string{h}}
	ref, err := name.NewDigest(h+"/acme/app@"+want, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	layer, err := remote.Layer(ref, r.Options(t.Context())...)
	if err != nil {
		t.Fatal(err)
	}
	content, err := layer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, content); n != 4<<20+1 || err != nil {
		t.Errorf("read %d: %v", n, err)
	}
}

func TestASlowRegistryIsUnknown(t *testing.T) {
	release := make(chan struct{})
	stay := func(http.ResponseWriter, *http.Request) { <-release }
	later, always := host(t, manifests(stay)), host(t, http.HandlerFunc(stay))
	defer close(release)
	for situation, h := range map[string]string{"later": later, "always": always} {
		t.Run(situation, func(t *testing.T) {
			r := Registry{Insecure: []string{h}, Timeout: 200 * time.Millisecond}
			unavailableBecause(t, r.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0], "none within 200ms")
		})
	}
}

// The library asks by https first, even where plain http is allowed.
func TestAnAllowedRegistryThatBreaksOff(t *testing.T) {
	_, v := resolve(t, host(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))+"/acme/app:v1")
	unavailableBecause(t, v, "the connection breaks off")
}

func TestAResolutionHasATimeOfItsOwn(t *testing.T) {
	for timeout, limit := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Minute: time.Minute} {
		var left time.Duration
		r := Registry{Timeout: timeout, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			end, _ := r.Context().Deadline()
			left = time.Until(end)
			return nil, io.ErrUnexpectedEOF
		})}
		unavailableBecause(t, r.Resolve(t.Context(), "registry.example/app:v1", nil).Verdicts[0], "breaks off")
		if left > limit || left < limit/2 {
			t.Errorf("%s are left of %s", left, limit)
		}
	}
}

func TestARegistryThatIsNotThereIsUnknown(t *testing.T) {
	_, v := resolve(t, closed(t)+"/acme/app:v1")
	unavailableBecause(t, v, "the connection is refused")
}

func TestWhatARegistrySaysIsNotRepeated(t *testing.T) {
	h := host(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="hunter2://hunter2"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	_, v := resolve(t, h+"/acme/app:v1")
	unavailableBecause(t, v, "what comes is not understood")
	if strings.Contains(v.Message, "hunter2") {
		t.Error(v.Message)
	}
}

// The library would speak plain http to any private address.
func TestPlainHTTPIsTheAdministratorsChoice(t *testing.T) {
	h := host(t, good(t))
	v := Registry{Insecure: []string{"registry.example"}}.Resolve(t.Context(), h+"/acme/app:v1", nil).Verdicts[0]
	unavailableBecause(t, v, "--insecure-registries")
	if _, v := resolve(t, h+"/acme/app:v1"); v.Outcome != verdict.Passed {
		t.Errorf("named by the administrator: %+v", v)
	}
}

func TestACertificateMustBeTrusted(t *testing.T) {
	server := httptest.NewUnstartedServer(quiet())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake
	server.StartTLS()
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "https://") + "/acme/app:v1"

	unavailableBecause(t, Registry{}.Resolve(t.Context(), ref, nil).Verdicts[0], "certificate is not trusted")
	if v := (Registry{Transport: server.Client().Transport}).Resolve(t.Context(), ref, nil).Verdicts[0]; v.Reason != ReasonNotFound {
		t.Errorf("trusted: %+v", v)
	}
}

func TestARedirectDoesNotLeaveTLS(t *testing.T) {
	var asked atomic.Bool
	s := good(t)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(true)
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(plain.Close)
	server := httptest.NewTLSServer(manifests(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(server.Close)

	r := Registry{Transport: server.Client().Transport}
	unavailableBecause(t, r.Resolve(t.Context(), strings.TrimPrefix(server.URL, "https://")+"/acme/app:v1", nil).Verdicts[0], "it leads to plain http")
	if asked.Load() {
		t.Error("it was asked in the clear")
	}
}
