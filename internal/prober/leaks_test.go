package prober

import (
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/test/leaky"
)

// hunt runs `prober leaks` against a service, with a clock that goes by itself.
// What the Job has mounted, and what it is told, can be changed.
func hunt(t *testing.T, service *leaky.Service, change func(env, files map[string]string)) (verdict.Answer, int, error) {
	t.Helper()
	address := service.Serve(t)
	api, err := url.Parse((&leaky.API{Service: service}).Serve(t, address).URL)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(api)) // Kubernetes' API speaks nothing else
	t.Cleanup(server.Close)
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, own, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := json.Marshal(leaky.Spec())
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SIGNAL_TARGET": address, "SIGNAL_HOST": "app.prod.svc", "SIGNAL_RELEASE_ID": "v2", "SIGNAL_ATTEMPT": "1", "SIGNAL_TIMEOUT": "1m", "SIGNAL_LEAKS": string(spec),
		"SIGNAL_NAMESPACE": "prod", "SIGNAL_NAME": "app", "SIGNAL_SELECTOR": "app=v2", "SIGNAL_POD_NAME": leaky.JobPod,
		"SIGNAL_METRICS_SCHEME": "http", "SIGNAL_METRICS_PATH": "/metrics", "SIGNAL_METRICS_PORT": own,
		"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port,
	}
	files := map[string]string{
		"token": leaky.Token + "\n", "ca.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
	}
	change(env, files)
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "api"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, "api", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	job := Prober{Root: root, Clock: hasty{now: &atomic.Int64{}}, Env: func(key string) string { return env[key] }}
	return job.Run(t.Context(), []string{"leaks"})
}

// never writes nothing of what it is sent.
func never(fake.Secret) (leaky.Leak, bool) { return leaky.Leak{}, false }

// echoing answers with the path, as an error.
func echoing(w http.ResponseWriter, r *http.Request) {
	http.Error(w, "no such thing: "+r.URL.Path, http.StatusNotFound)
}

func TestLeaksAreLookedForOnce(t *testing.T) {
	nothing := func(_, _ map[string]string) {}
	echo := httptest.NewServer(http.HandlerFunc(echoing))
	t.Cleanup(echo.Close)
	for name, tc := range map[string]struct {
		change  func(env, files map[string]string)
		code    int
		outcome v1alpha1.Outcome
		says    string
	}{
		"none":                  {nothing, Decided, verdict.Passed, "None of 527 fake secrets was found in"},
		"one that leaks":        {func(env, _ map[string]string) { env["SIGNAL_TARGET"] = echo.Listener.Addr().String() }, Decided, verdict.Failed, "sent in a path that does not exist appear unchanged in answers that are errors"},
		"a token of another":    {func(_, files map[string]string) { files["token"] = "another" }, Failed, verdict.Unknown, "the ServiceAccount may not list pods"},
		"an API of someone":     {func(env, _ map[string]string) { env["KUBERNETES_SERVICE_PORT"] = "1" }, Failed, verdict.Unknown, "list pods: the API does not answer"},
		"no token":              {func(_, files map[string]string) { delete(files, "token") }, Failed, verdict.Unknown, "list pods: read the token"},
		"the candidate is away": {func(env, _ map[string]string) { env["SIGNAL_TARGET"] = "127.0.0.1:1" }, Failed, verdict.Unknown, "The candidate cannot be sent fake secrets"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, code, err := hunt(t, leaky.New(nil, never), tc.change)
			if err != nil || code != tc.code {
				t.Fatalf("code %d, %v", code, err)
			}
			read, ok := verdict.Read(string(answer.Encode()))
			if v := read.Verdicts[len(read.Verdicts)-1]; !ok || v.Outcome != tc.outcome || v.Kind != v1alpha1.SignalSecurity || !strings.Contains(v.Message, tc.says) {
				t.Errorf("%+v", read)
			}
		})
	}
}

func TestLeaksWithoutWhatTheyNeed(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(env, files map[string]string)
		want   string
	}{
		"no spec":      {func(env, _ map[string]string) { env["SIGNAL_LEAKS"] = "" }, "decode SIGNAL_LEAKS"},
		"no paths":     {func(env, _ map[string]string) { env["SIGNAL_LEAKS"] = "{}" }, "SIGNAL_LEAKS has no paths"},
		"no address":   {func(env, _ map[string]string) { env["SIGNAL_TARGET"] = "" }, "is empty"},
		"no selector":  {func(env, _ map[string]string) { env["SIGNAL_SELECTOR"] = "" }, "is empty"},
		"no authority": {func(_, files map[string]string) { delete(files, "ca.crt") }, "read the API's authority"},
		"none in it":   {func(_, files map[string]string) { files["ca.crt"] = "none" }, "ca.crt of the API has no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, code, err := hunt(t, leaky.New(nil, never), tc.change)
			if code != Misused || err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("code %d, %v", code, err)
			}
		})
	}
}
