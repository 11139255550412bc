package prober

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/signal-delivery/operator/internal/verdict"
)

const dashboardText = `{"uid":"signal-1","title":"app in prod","tags":["signal-operator"],"description":"Content abc."}`

// call runs `prober grafana` against a Grafana that keeps one dashboard.
func call(t *testing.T, task string, env, files map[string]string, grafana http.HandlerFunc) (verdict.Answer, int, error) {
	t.Helper()
	server := httptest.NewServer(grafana)
	t.Cleanup(server.Close)
	root := t.TempDir()
	all := map[string]string{"grafana/token": " s3cret\n", "dashboard/signal-1.json": dashboardText}
	maps.Copy(all, files)
	for name, text := range all {
		if text == "" {
			continue
		}
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	variables := map[string]string{
		"SIGNAL_DASHBOARD": fmt.Sprintf(`{"slowSeconds":5,"api":{"url":%q,"tokenSecret":{"name":"grafana","key":"token"}}}`, server.URL),
		"SIGNAL_UID":       "signal-1", "SIGNAL_CONTENT": "abc", "SIGNAL_NAMESPACE": "prod", "SIGNAL_TIMEOUT": "1m",
	}
	maps.Copy(variables, env)
	job := Prober{Root: root, Clock: hasty{now: &atomic.Int64{}}, Env: func(key string) string { return variables[key] }}
	return job.Run(t.Context(), strings.Fields("grafana "+task))
}

// keeping is a Grafana that has what it is sent.
func keeping(has string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer s3cret":
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPost:
			var sent struct{ Dashboard json.RawMessage }
			_ = json.NewDecoder(r.Body).Decode(&sent)
			has = string(sent.Dashboard)
			_, _ = fmt.Fprint(w, `{"status":"success"}`)
		case has == "":
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"message":"Dashboard not found"}`)
		default:
			_, _ = fmt.Fprintf(w, `{"dashboard":%s,"meta":{"folderUid":""}}`, has)
		}
	}
}

func TestADashboardsJob(t *testing.T) {
	for name, tc := range map[string]struct {
		task    string
		files   map[string]string
		grafana http.HandlerFunc
		code    int
		reason  string
	}{
		"it is imported":       {"import", nil, keeping(""), Decided, "DashboardImported"},
		"it is found":          {"find", map[string]string{"dashboard/signal-1.json": ""}, keeping(dashboardText), Decided, "DashboardImported"},
		"it is not found":      {"find", nil, keeping(""), Decided, "DashboardMissing"},
		"the token is missing": {"import", map[string]string{"grafana/token": ""}, keeping(""), Decided, "NoToken"},
		"the token is wrong":   {"import", map[string]string{"grafana/token": "other"}, keeping(""), Decided, "GrafanaUnauthorized"},
		"Grafana is silent":    {"import", nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, Failed, "GrafanaSilent"},
		"it is not there yet":  {"import", map[string]string{"dashboard/signal-1.json": ""}, keeping(""), Failed, "DashboardStale"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, code, err := call(t, tc.task, nil, tc.files, tc.grafana)
			if err != nil || code != tc.code || len(answer.Verdicts) != 1 || answer.Verdicts[0].Reason != tc.reason {
				t.Errorf("code %d, error %v: %+v", code, err, answer.Verdicts)
			}
			if read, ok := verdict.Read(string(answer.Encode())); !ok || strings.Contains(string(answer.Encode()), "s3cret") || read.Verdicts[0].Reason != tc.reason {
				t.Errorf("its answer is %s", answer.Encode())
			}
		})
	}
}

func TestADashboardsJobThatIsMisused(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"no spec":     {"SIGNAL_DASHBOARD": ""},
		"no address":  {"SIGNAL_DASHBOARD": "{}"},
		"no uid":      {"SIGNAL_UID": ""},
		"no content":  {"SIGNAL_CONTENT": ""},
		"a bad limit": {"SIGNAL_TIMEOUT": "soon"},
	} {
		if answer, code, err := call(t, "import", env, nil, keeping("")); code != Misused || err == nil || len(answer.Verdicts) > 0 {
			t.Errorf("%s: code %d, error %v, %+v", name, code, err, answer)
		}
	}
	if _, code, err := call(t, "export", nil, nil, keeping("")); code != Misused || err == nil {
		t.Errorf("another task: code %d, error %v", code, err)
	}
}
