package integration

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/leaky"
	"github.com/signal-delivery/operator/test/stage"
	"github.com/signal-delivery/operator/test/stage/world"
)

// sample is a candidate that may log what it should not.
type sample struct {
	mu     sync.Mutex
	logs   bool // the Authorization header
	log    strings.Builder
	tokens []string
}

func (s *sample) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token != "" {
		s.tokens = append(s.tokens, token)
	}
	if s.logs {
		s.log.WriteString(`{"level":"info","authorization":"` + strings.ReplaceAll(token, `"`, `\"`) + "\"}\n")
	}
}

// empower gives a ServiceAccount of the namespace the rights that the docs say,
// and returns a token of its.
func empower(t *testing.T, y *stage.Story) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/leaks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\n")
	manifest, _, _ := strings.Cut(after, "```")
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096)
	for range 3 {
		u := &unstructured.Unstructured{}
		if err := decoder.Decode(u); err != nil {
			t.Fatal(err)
		}
		u.SetNamespace(y.Namespace)
		if subjects, has, _ := unstructured.NestedSlice(u.Object, "subjects"); has {
			subjects[0].(map[string]any)["namespace"] = y.Namespace //nolint:forcetypeassert // kubectl -n does that
			u.Object["subjects"] = subjects
		}
		if err := y.Client.Create(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	request := &authenticationv1.TokenRequest{}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: y.Namespace, Name: "leaks"}}
	if err := y.Client.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// apiOf is the API server as a Job meets it, with what it lacks here: logs of
// containers, and pods that can be called.
func apiOf(t *testing.T, y *stage.Story, s *sample, token string) world.API {
	t.Helper()
	target, err := url.Parse(y.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	if target.Host == "" {
		target = &url.URL{Scheme: "https", Host: y.Config.Host}
	}
	transport, err := rest.TransportFor(&rest.Config{Host: y.Config.Host, TLSClientConfig: rest.TLSClientConfig{CAData: y.Config.CAData}})
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = transport
	proxy.ModifyResponse = func(r *http.Response) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		path := r.Request.URL.Path
		switch {
		case strings.HasSuffix(path, "/log") && r.StatusCode != http.StatusForbidden: // there is no node to ask
			r.StatusCode, body = http.StatusOK, nil
			if !strings.Contains(path, "-leaks-") {
				s.mu.Lock()
				body = []byte(s.log.String())
				s.mu.Unlock()
			}
		case strings.HasSuffix(path, "/pods") && r.StatusCode == http.StatusOK:
			list := &corev1.PodList{}
			if err := json.Unmarshal(body, list); err != nil {
				return err
			}
			for i := range list.Items {
				list.Items[i].Status.PodIP = "127.0.0.1"
			}
			if body, err = json.Marshal(list); err != nil {
				return err
			}
		}
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
		r.Header.Del("Content-Length")
		return nil
	}
	server := httptest.NewTLSServer(proxy)
	t.Cleanup(server.Close)
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return world.API{Host: host, Port: port, Authority: string(authority), Token: token}
}

// A candidate that logs credentials gets no traffic, and what it logged is
// repeated nowhere; one that does not gets through. The Job reads with the
// rights that the docs give it.
func TestLeaks(t *testing.T) {
	t.Parallel()
	candidate := &sample{}
	server := httptest.NewServer(candidate)
	t.Cleanup(server.Close)
	y := on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		spec := leaky.Spec()
		sd.Spec.Checks.Leaks = &spec
		sd.Spec.Analysis.Scrape = v1alpha1.ScrapeSpec{Port: portOf(t, server)}
	})
	var log journal
	y.Log = log.logger()
	api := apiOf(t, y, candidate, empower(t, y))
	y.World.Misbehave(y.Namespace, stage.Faults{Candidate: server.Listener.Addr().String(), API: api})
	y.Begin()
	v1 := y.SD.Status.Stable.Hash
	if report := reportOf(t, y); !strings.Contains(report, "None of 527 fake secrets was found") {
		t.Errorf("the report does not say that none was found:\n%s", report)
	}

	candidate.mu.Lock()
	candidate.logs = true
	candidate.mu.Unlock()
	y.Ask("v2")
	y.Rest("v2 has failed", stage.Failed)
	s := y.SD.Status
	if s.Rollout.Exposed || s.Weight != 0 || s.Stable.Hash != v1 || s.Reason != "SecretsLeaked" {
		t.Errorf("exposed %t, weight %d, %s", s.Rollout.Exposed, s.Weight, s.Reason)
	}
	const sentence = "sent in Authorization appear unchanged in the log of container app of pod "
	y.Stalled("fake secrets leaked", sentence)
	if report := reportOf(t, y); !strings.Contains(report, sentence) {
		t.Errorf("the report does not say what leaked:\n%s", report)
	}
	if len(candidate.tokens) < 50 {
		t.Fatalf("the candidate was sent %d secrets", len(candidate.tokens))
	}
	for where, text := range spread(t, y, &log) {
		for _, token := range candidate.tokens {
			if strings.Contains(text, token) {
				t.Errorf("%s repeats %s", where, token)
			}
		}
	}
	list := &batchv1.JobList{}
	if err := y.Client.List(t.Context(), list, client.InNamespace(y.Namespace), client.MatchingLabels{v1alpha1.LabelCheck: "security.leaks"}); err != nil {
		t.Fatal(err)
	}
	for _, job := range list.Items {
		if job.Spec.Template.Spec.ServiceAccountName != "leaks" {
			t.Errorf("%s has the account %q", job.Name, job.Spec.Template.Spec.ServiceAccountName)
		}
	}
	if len(list.Items) != 2 {
		t.Errorf("%d Jobs for two attempts", len(list.Items))
	}
}
