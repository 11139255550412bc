package target

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func TestWhereATargetIs(t *testing.T) {
	for name, tc := range map[string]struct {
		target             Target
		dialled, authority string
		secure             bool
	}{
		"a Service":               {Target{URL: "http://198.19.0.7:80", Host: "app-canary.prod.svc"}, "198.19.0.7:80", "app-canary.prod.svc", false},
		"a Service of version 6":  {Target{URL: "http://[fd00::7]:80"}, "[fd00::7]:80", "[fd00::7]:80", false},
		"an entry":                {Target{URL: "https://signals.example"}, "signals.example:443", "signals.example", true},
		"an entry without TLS":    {Target{URL: "http://signals.example"}, "signals.example:80", "signals.example", false},
		"an entry somewhere else": {Target{URL: "http://signals.example", Address: "10.0.0.1:30080"}, "10.0.0.1:30080", "signals.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			if d, a, s := tc.target.Dialled(), tc.target.Authority(), tc.target.Secure(); d != tc.dialled || a != tc.authority || s != tc.secure {
				t.Errorf("dials %s, asks for %s, TLS %t", d, a, s)
			}
		})
	}
}

// A request goes to the address that is dialled, asks for the host of the URL,
// and has what every request has, unless it says otherwise.
func TestARequestGoesWhereTheTargetSays(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Host+" "+r.Header.Get("X-Signal-Release")+" "+r.RequestURI)
	}))
	t.Cleanup(server.Close)
	to := Target{URL: "http://signals.example", Address: server.Listener.Addr().String(), Headers: []v1alpha1.HTTPHeader{{Name: "X-Signal-Release", Value: "abc"}}}
	for _, headers := range [][]v1alpha1.HTTPHeader{nil, {{Name: "x-signal-release", Value: "other"}, {Name: "host", Value: "shop.example"}}} {
		request, err := to.Request(t.Context(), http.MethodGet, "/a?b=c", "", headers)
		if err != nil {
			t.Fatal(err)
		}
		response, err := to.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	if diff := cmp.Diff([]string{"signals.example abc /a?b=c", "shop.example other /a?b=c"}, got); diff != "" {
		t.Error(diff)
	}
}

// secured is a server with a certificate for example.com, and its authority.
func secured(t *testing.T, change func(*tls.Config)) (url string, authority []byte) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{}
	if change != nil {
		change(server.TLS)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

func TestACertificateIsAlwaysVerified(t *testing.T) {
	url, authority := secured(t, nil)
	old, oldAuthority := secured(t, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11; c.MinVersion = tls.VersionTLS10 })
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, tc := range map[string]struct {
		url, server string
		authority   []byte
		want        string // "" is trusted
	}{
		"its name and its authority": {url, "example.com", authority, ""},
		"its address":                {url, "", authority, ""},
		"another name":               {url, "app.example", authority, "another name than tls.serverName"},
		"no authority":               {url, "example.com", nil, "an authority that is not trusted"},
		"another authority":          {url, "example.com", []byte(foreign), "an authority that is not trusted"},
		"an old protocol":            {old, "example.com", oldAuthority, "it broke off the TLS handshake"},
		"no TLS":                     {strings.Replace(plain.URL, "http:", "https:", 1), "example.com", authority, "it does not speak TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			trust, err := Trusting(tc.server, tc.authority)
			if err != nil {
				t.Fatal(err)
			}
			to := Target{URL: tc.url, TLS: trust}
			request, err := to.Request(t.Context(), http.MethodGet, "/", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := to.Client().Do(request)
			if err == nil {
				_ = response.Body.Close()
			}
			if reached := to.Reach(t.Context()); (err == nil) != (reached == nil) || err != nil && Cause(err) != Cause(reached) {
				t.Errorf("a request says %v, a connection %v", err, reached)
			}
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(Cause(err), tc.want) {
				t.Errorf("got %v, %s", err, Cause(err))
			}
		})
	}
	if _, err := Trusting("example.com", []byte("hunter2")); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("an authority that is none: %v", err)
	}
}

// foreign is the authority of someone else.
const foreign = `-----BEGIN CERTIFICATE-----
MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5
MQswCQYDVQQGEwJVUzEPMA0GA1UEChMGQW1hem9uMRkwFwYDVQQDExBBbWF6b24g
Um9vdCBDQSAzMB4XDTE1MDUyNjAwMDAwMFoXDTQwMDUyNjAwMDAwMFowOTELMAkG
A1UEBhMCVVMxDzANBgNVBAoTBkFtYXpvbjEZMBcGA1UEAxMQQW1hem9uIFJvb3Qg
Q0EgMzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCmXp8ZBf8ANm+gBG1bG8lKl
ui2yEujSLtf6ycXYqm0fc4E7O5hrOXwzpcVOho6AF2hiRVd9RFgdszflZwjrZt6j
QjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgGGMB0GA1UdDgQWBBSr
ttvXBp43rDCGB5Fwx5zEGbF4wDAKBggqhkjOPQQDAgNJADBGAiEA4IWSoxe3jfkr
BqWTrBqYaGFy+uGh0PsceGCmQ5nFuMQCIQCcAu/xlJyzlvnrxir4tiz+OpAUFteM
YyRIHN8wfdVoOw==
-----END CERTIFICATE-----
`

func TestCauses(t *testing.T) {
	for name, tc := range map[string]struct {
		err       error
		want      string
		connected bool
	}{
		"time":             {context.DeadlineExceeded, "the time was up", true},
		"a stop":           {context.Canceled, "the check was stopped", true},
		"an end":           {io.ErrUnexpectedEOF, "the connection was closed before the answer was whole", true},
		"no connection":    {&net.OpError{Op: "dial", Err: errors.New("hunter2")}, "the request cannot be sent, or the answer is not HTTP", false},
		"something unread": {&net.OpError{Op: "read", Err: errors.New("hunter2")}, "the request cannot be sent, or the answer is not HTTP", true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Cause(tc.err); got != tc.want || Connected(tc.err) != tc.connected {
				t.Errorf("got %q, connected %t", got, Connected(tc.err))
			}
		})
	}
}

func TestAConnectionIsNotWaitedForForever(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	if err := (Target{URL: "https://" + listener.Addr().String()}).Reach(ctx); err == nil || Cause(err) != "the time was up" {
		t.Errorf("got %v", err)
	}
}
