package sink

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// api is one that answers as told, and what it was asked.
func api(t *testing.T, answer func(r *http.Request) (int, string)) (API, *[]string) {
	t.Helper()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization"))
		status, body := answer(r)
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // the tests see what is missing
	}))
	t.Cleanup(server.Close)
	return API{Client: server.Client(), URL: server.URL, Namespace: "prod", Token: func() (string, error) { return "t", nil }}, &asked
}

// A long list comes in pages.
func TestPages(t *testing.T) {
	a, asked := api(t, func(r *http.Request) (int, string) {
		if r.URL.Query().Get("continue") == "" {
			return http.StatusOK, `{"metadata":{"continue":"next"},"items":[{"metadata":{"name":"a"}}]}`
		}
		return http.StatusOK, `{"metadata":{},"items":[{"metadata":{"name":"b"}}]}`
	})
	pods, raw, err := a.Pods(t.Context(), "app=v2")
	if err != nil || len(pods) != 2 || pods[0].Name != "a" || pods[1].Name != "b" || string(raw[1]) != `{"metadata":{"name":"b"}}` {
		t.Errorf("%v %s %v", pods, raw, err)
	}
	want := []string{
		"GET /api/v1/namespaces/prod/pods?labelSelector=app%3Dv2&limit=500 Bearer t",
		"GET /api/v1/namespaces/prod/pods?continue=next&labelSelector=app%3Dv2&limit=500 Bearer t",
	}
	if diff := cmp.Diff(want, *asked); diff != "" {
		t.Error(diff)
	}
}

// Nothing but these is asked.
func TestWhatIsAsked(t *testing.T) {
	a, asked := api(t, func(*http.Request) (int, string) { return http.StatusOK, `{"items":[]}` })
	for _, previous := range []bool{false, true} {
		body, err := a.Log(t.Context(), "app-v2-x", "signal", previous, 90*time.Second, 100)
		if err != nil {
			t.Fatal(err)
		}
		if err := body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, first := a.Events(t.Context())
	_, second := a.SignalDeployment(t.Context(), "app")
	_, third := a.ConfigMap(t.Context(), "app-report")
	if err := errors.Join(first, second, third); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET /api/v1/namespaces/prod/pods/app-v2-x/log?container=signal&limitBytes=100&sinceSeconds=90 Bearer t",
		"GET /api/v1/namespaces/prod/pods/app-v2-x/log?container=signal&limitBytes=100&previous=true Bearer t",
		"GET /api/v1/namespaces/prod/events?limit=500 Bearer t",
		"GET /apis/delivery.signal.dev/v1alpha1/namespaces/prod/signaldeployments/app? Bearer t",
		"GET /api/v1/namespaces/prod/configmaps/app-report? Bearer t",
	}
	if diff := cmp.Diff(want, *asked); diff != "" {
		t.Error(diff)
	}
}

// What the API says against it is not repeated; what is missing is named.
func TestTrouble(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"forbidden":      {http.StatusForbidden, "hunter2", "the ServiceAccount may not list pods"},
		"a bad token":    {http.StatusUnauthorized, "hunter2", "the ServiceAccount may not list pods"},
		"absent":         {http.StatusNotFound, "hunter2", "list pods: it does not exist"},
		"overloaded":     {http.StatusTooManyRequests, "hunter2", "list pods: the API answered with status 429"},
		"another's page": {http.StatusOK, "<html>hunter2", "list pods: decode the answer: invalid character '<' looking for beginning of value"},
		"another's item": {http.StatusOK, `{"items":[1]}`, "list pods: decode one: json: cannot unmarshal number into Go value of type v1.Pod"},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := api(t, func(*http.Request) (int, string) { return tc.status, tc.body })
			_, _, err := a.Pods(t.Context(), "app=v2")
			if err == nil || err.Error() != tc.want || errors.Is(err, ErrAbsent) != (tc.status == http.StatusNotFound) {
				t.Errorf("got %v", err)
			}
		})
	}
	a, _ := api(t, nil)
	a.URL = "http://127.0.0.1:1"
	if _, err := a.ConfigMap(t.Context(), "app-report"); err == nil || !strings.HasPrefix(err.Error(), "get configmaps: the API does not answer: dial tcp") {
		t.Errorf("got %v", err)
	}
	a.Token = func() (string, error) { return "", errors.New("gone") }
	if _, err := a.ConfigMap(t.Context(), "app-report"); err == nil || err.Error() != "get configmaps: read the token: gone" {
		t.Errorf("got %v", err)
	}
}
