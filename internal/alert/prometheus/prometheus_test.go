package prometheus

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/internal/alert"
)

// answer is a server that says the same to everyone.
func answer(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func sourceOf(t *testing.T, url string, timeout time.Duration) *Source {
	t.Helper()
	s, err := New("main", url, nil, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRules(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sub/api/v1/rules" {
			t.Errorf("asked %s", r.URL)
		}
		_, _ = io.WriteString(w, `{"status":"success","data":{"groups":[
			{"name":"prod/app/g","file":"/etc/rules/prod-app.yaml","interval":15,"rules":[
				{"type":"recording","name":"r","query":"up","health":"ok"},
				{"type":"alerting","name":"HighErrors","query":"errors > 0.01","duration":60,"state":"firing","health":"ok",
				 "labels":{"severity":"critical"},"annotations":{"summary":"{{ $value }}"},"lastEvaluation":"2030-01-01T12:00:00Z","alerts":[
					{"state":"firing","labels":{"alertname":"HighErrors","pod":"a"},"annotations":{"summary":"0.31"},"activeAt":"2030-01-01T11:59:00Z","value":"3.1e-01"},
					{"state":"pending","labels":{"alertname":"HighErrors","pod":"b"},"annotations":{},"activeAt":"2030-01-01T11:59:30Z","value":"1e+00"},
					{"state":"inactive","labels":{"alertname":"HighErrors","pod":"c"},"annotations":{},"activeAt":"2030-01-01T11:59:30Z","value":"1e+00"},
					null]},
				{"type":"alerting","name":"Bad","query":"x","health":"err","lastError":"many-to-many"},
				{"type":"alerting","name":"Mute","query":"x","health":"err"},
				{"type":"alerting","name":"New","query":"x","health":"unknown"}]},
			{"name":"empty","rules":[]}]}}`)
	}))
	defer server.Close()
	want := []alert.LiveGroup{{Name: "prod/app/g", Rules: []alert.LiveRule{
		{Name: "HighErrors", Query: "errors > 0.01", Labels: map[string]string{"severity": "critical"}, Healthy: true, Firing: []alert.Firing{{
			Labels: map[string]string{"alertname": "HighErrors", "pod": "a"}, Annotations: map[string]string{"summary": "0.31"},
			Value: "3.1e-01", Since: time.Date(2030, 1, 1, 11, 59, 0, 0, time.UTC),
		}}},
		{Name: "Bad", Query: "x", Labels: map[string]string{}, LastError: "many-to-many"},
		{Name: "Mute", Query: "x", Labels: map[string]string{}, LastError: "the server does not say why"},
		{Name: "New", Query: "x", Labels: map[string]string{}},
	}}, {Name: "empty"}}
	s := sourceOf(t, server.URL+"/sub/", 0)
	got, err := s.Rules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.Name() != "main" {
		t.Errorf("is called %q", s.Name())
	}
}

// silence holds the request until the client gives up, which a server notices
// only once it has read the request.
func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// flood writes for as long as it is read.
func flood(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat(" ", 64<<10))
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// A server that does not answer as it should is an error, never a list of
// rules that are quiet.
func TestNoAnswerIsNoSilence(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		timeout time.Duration
	}{
		"400":                    {handler: answer(400, `{"status":"error","errorType":"bad_data","error":"no"}`)},
		"404":                    {handler: answer(404, "404 page not found")},
		"422":                    {handler: answer(422, `{"status":"error","errorType":"execution","error":"no"}`)},
		"500":                    {handler: answer(500, "oops")},
		"503":                    {handler: answer(503, "")},
		"an error with code 200": {handler: answer(200, `{"status":"error","errorType":"internal","error":"no"}`)},
		"malformed JSON":         {handler: answer(200, `{"status":"success","data":{"groups":[`)},
		"a page":                 {handler: answer(200, "<html>Sign in</html>")},
		"an unknown kind":        {handler: answer(200, `{"status":"success","data":{"groups":[{"name":"g","rules":[{"type":"other"}]}]}}`)},
		"a rule of no kind":      {handler: answer(200, `{"status":"success","data":{"groups":[{"name":"g","rules":[{"name":"A"}]}]}}`)},
		"a redirect":             {handler: http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP},
		"no answer in time":      {handler: silence, timeout: 50 * time.Millisecond},
		"an endless body":        {handler: flood, timeout: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tc.handler)
			defer server.Close()
			got, err := sourceOf(t, server.URL, tc.timeout).Rules(t.Context())
			if err == nil || len(got) > 0 || !strings.HasPrefix(err.Error(), "ask metric server main for its rules: ") {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was followed") }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	if _, err := sourceOf(t, server.URL, 0).Rules(t.Context()); err == nil {
		t.Error("a redirect is no answer")
	}
}

func TestNobodyThere(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	if _, err := sourceOf(t, closed.URL, 0).Rules(t.Context()); err == nil {
		t.Error("nobody answered")
	}
}

func TestAddresses(t *testing.T) {
	const like = `the URL of metric server "main" must be like http://prometheus.monitoring:9090`
	for name, tc := range map[string]struct{ url, want string }{
		"http":       {"http://prometheus:9090", ""},
		"https":      {"https://prometheus/sub", ""},
		"no scheme":  {"prometheus:9090", like},
		"no host":    {"http:///x", like},
		"a file":     {"file:///etc/passwd", like},
		"not an URL": {"http://[", `parse the URL of metric server "main": parse "http://[": missing ']' in host`},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if _, err := New("main", tc.url, nil, 0); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
	if s := sourceOf(t, "http://prometheus", 0); s.timeout != 5*time.Second {
		t.Errorf("waits for %s", s.timeout)
	}
}

func TestStock(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    alert.Stock // nil: no answer
	}{
		"metrics of releases": {answer(200, `{"status":"success","data":{"resultType":"vector","result":[
			{"metric":{"metric":"a","delivery_signal_dev_release":"new"},"value":[1,"1"]},
			{"metric":{"metric":"l","resource":"cpu"},"value":[1,"1"]}]}}`), alert.Stock{"a": {"new"}, "l": {""}, `l{resource="cpu"}`: {""}}},
		"none":             {answer(200, `{"status":"success","data":{"resultType":"vector","result":[]}}`), alert.Stock{}},
		"another kind":     {answer(200, `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`), nil},
		"a query too long": {answer(400, `{"status":"error","errorType":"bad_data","error":"no"}`), nil},
		"down":             {answer(503, ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tc.handler)
			defer server.Close()
			got, err := sourceOf(t, server.URL, 0).Stock(t.Context(), "group(up)", time.Unix(1, 0))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if (err == nil) != (tc.want != nil) || err != nil && !strings.HasPrefix(err.Error(), "ask metric server main which metrics it has: ") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
