// Package leaky is a service that writes what it was sent where and how it is
// told to: what the check of leaks is tested against. Only tests use it, and it
// is called over loopback alone.
package leaky

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
)

// Spec is how the service is checked.
func Spec(change ...func(*v1alpha1.LeaksSpec)) v1alpha1.LeaksSpec {
	s := v1alpha1.LeaksSpec{
		Paths: []v1alpha1.ProbedPath{"/v1/signals"}, WritePaths: []v1alpha1.ProbedPath{"/v1/orders"}, ServiceAccountName: "leaks",
		Echo: v1alpha1.EchoRefused, RequestBudget: 1000, RatePerSecond: 200, TimeoutSeconds: 300,
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

// Leak is what the service does with one secret.
type Leak struct {
	Sink     Sink
	Encoding Encoding
}

// Service writes. It is told whose a secret is, and what to do with it.
type Service struct {
	Leak   func(fake.Secret) (Leak, bool)
	Status int // of answers

	mu      sync.Mutex
	secrets map[string]fake.Secret // by how they come
	written map[Sink]*bytes.Buffer
	// Verbs counts requests.
	Verbs map[string]int
}

// New is a service that knows the secrets that it may be sent.
func New(secrets []fake.Secret, leak func(fake.Secret) (Leak, bool)) *Service {
	s := &Service{Leak: leak, Status: http.StatusOK, secrets: map[string]fake.Secret{}, written: map[Sink]*bytes.Buffer{}, Verbs: map[string]int{}}
	for _, secret := range secrets {
		for _, text := range []string{secret.Text, secret.Line(), "fake:" + secret.Lead + secret.Body} {
			s.secrets[text] = secret
		}
	}
	for _, sink := range Sinks() {
		s.written[sink] = &bytes.Buffer{}
	}
	return s
}

// Serve runs the service and returns its address.
func (s *Service) Serve(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// Write writes something else than a secret.
func (s *Service) Write(sink Sink, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[sink].WriteString(text)
}

// Has is what was written to a sink.
func (s *Service) Has(sink Sink) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.written[sink].Bytes())
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/metrics" {
		w.Write(s.Has(Metrics)) //nolint:errcheck // the tests see what is missing
		return
	}
	var answer bytes.Buffer
	texts := sent(r)
	s.mu.Lock()
	s.Verbs[r.Method]++
	for _, text := range texts {
		secret, known := s.secrets[text]
		if !known {
			continue
		}
		leak, leaks := s.Leak(secret)
		switch {
		case !leaks:
		case leak.Sink == Answer:
			answer.WriteString(leak.Encoding.Of(secret, Answer) + "\n")
		default:
			s.written[leak.Sink].WriteString(leak.Sink.line(leak.Encoding.Of(secret, leak.Sink)))
		}
	}
	s.mu.Unlock()
	w.WriteHeader(s.Status)
	w.Write(answer.Bytes()) //nolint:errcheck // the tests see what is missing
}

var jsonString = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// sent are all values of a request, undone as a service would.
func sent(r *http.Request) []string {
	var texts []string
	add := func(text string, err error) {
		if err == nil {
			texts = append(texts, text)
		}
	}
	add(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), nil)
	basic, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
	add(string(basic), err)
	add(r.Header.Get("X-Api-Key"), nil)
	add(url.QueryUnescape(strings.TrimPrefix(r.Header.Get("Cookie"), "session=")))
	add(r.URL.Query().Get("token"), nil)
	_, agent, _ := strings.Cut(r.UserAgent(), " (")
	add(strings.TrimSuffix(agent, ")"), nil)
	if referer, err := url.Parse(r.Referer()); err == nil {
		add(referer.Query().Get("token"), nil)
	}
	add(url.QueryUnescape(strings.TrimPrefix(r.Header.Get("Baggage"), "token=")))
	long, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Token"), ",aaaa")
	add(long, nil)
	add(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/v1/signals/"), "/signal-operator-nowhere/"), nil)
	return append(texts, inBody(r)...)
}

func inBody(r *http.Request) []string {
	body, _ := io.ReadAll(r.Body)
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var texts []string
	switch media {
	case "application/json":
		for _, quoted := range jsonString.FindAll(body, -1) {
			var text string
			if json.Unmarshal(quoted, &text) == nil {
				texts = append(texts, text)
			}
		}
	case "application/x-www-form-urlencoded":
		form, _ := url.ParseQuery(string(body))
		texts = append(texts, form.Get("password"))
	case "multipart/form-data":
		if part, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).NextPart(); err == nil {
			_, disposition, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
			texts = append(texts, disposition["filename"])
		}
	}
	return texts
}
