package artifact

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

	"github.com/signal-delivery/operator/internal/verdict"
)

func unavailableBecause(t *testing.T, v verdict.Verdict, cause string) {
	t.Helper()
	if v.Outcome != verdict.Unknown || v.Reason != ReasonUnavailable || !strings.Contains(v.Message, cause) {
		t.Errorf("got %+v, want it to wait because %q", v, cause)
	}
}

func TestRedirectsDoNotGoInCircles(t *testing.T) {
	var asked atomic.Int32
	h := host(t, manifests(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}))
	_, v := resolve(t, h+"/acme/app:v1")
	unavailableBecause(t, v, "circles")
	if n := asked.Load(); n > maxRequests {
		t.Errorf("asked %d times", n)
	}
}

func TestARedirectIsFollowed(t *testing.T) {
	h := host(t, manifests(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/v2/mirror/") {
			http.Redirect(w, r, strings.Replace(r.URL.Path, "/v2/", "/v2/mirror/", 1), http.StatusTemporaryRedirect)
			return
		}
		w.Header().Set("Content-Type", imageType)
		_, _ = io.WriteString(w, goodImage)
	}))
	if _, v := resolve(t, h+"/acme/app:v1"); v.Outcome != verdict.Passed {
		t.Errorf("got %+v", v)
	}
}

func TestAManifestIsOfFourMebibytesAtMost(t *testing.T) {
	for name, tc := range map[string]struct {
		size   int
		reason string
	}{
		"the limit":     {4 << 20, ReasonResolved},
		"one byte over": {4<<20 + 1, ReasonUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			padded := goodImage + strings.Repeat(" ", tc.size-len(goodImage))
			_, v := resolve(t, host(t, manifest(imageType, padded, ""))+"/acme/app:v1")
			if v.Reason != tc.reason {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestASlowRegistryIsUnknown(t *testing.T) {
	release := make(chan struct{})
	h := host(t, manifests(func(http.ResponseWriter, *http.Request) { <-release }))
	defer close(release)
	_, v := New(Options{Insecure: []string{h}, Timeout: time.Second}).Resolve(t.Context(), h+"/acme/app:v1")
	unavailableBecause(t, v, "none within 1s")
}

func TestARegistryThatIsNotThereIsUnknown(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, v := resolve(t, h+"/acme/app:v1")
	unavailableBecause(t, v, "the connection is refused")
}

// The library would speak plain http to any private address.
func TestPlainHTTPIsTheAdministratorsChoice(t *testing.T) {
	h := host(t, quiet())
	push(t, h+"/acme/app:v1")
	_, v := New(Options{Insecure: []string{"registry.example"}}).Resolve(t.Context(), h+"/acme/app:v1")
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

	_, v := New(Options{}).Resolve(t.Context(), ref)
	unavailableBecause(t, v, "certificate is not trusted")
	if _, v = New(Options{Transport: server.Client().Transport}).Resolve(t.Context(), ref); v.Reason != ReasonNotFound {
		t.Errorf("trusted: %+v", v)
	}
}

func TestARedirectDoesNotLeaveTLS(t *testing.T) {
	var asked atomic.Bool
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Store(true)
		w.Header().Set("Content-Type", imageType)
		_, _ = io.WriteString(w, goodImage)
	}))
	t.Cleanup(plain.Close)
	server := httptest.NewTLSServer(manifests(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(server.Close)

	_, v := New(Options{Transport: server.Client().Transport}).Resolve(t.Context(), strings.TrimPrefix(server.URL, "https://")+"/acme/app:v1")
	unavailableBecause(t, v, "breaks off")
	if asked.Load() {
		t.Error("it was asked in the clear")
	}
}
