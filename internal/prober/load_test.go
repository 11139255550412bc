package prober

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/signal-delivery/operator/internal/verdict"
)

// sendLoad runs `prober load` against a server, with a clock that goes by itself.
func sendLoad(t *testing.T, root string, answers http.HandlerFunc) (verdict.Answer, int, error) {
	t.Helper()
	server := httptest.NewServer(answers)
	t.Cleanup(server.Close)
	env := map[string]string{
		"SIGNAL_TARGET": server.URL, "SIGNAL_STABLE": server.URL, "SIGNAL_HOST": "app.prod.svc", "SIGNAL_RELEASE_ID": "v2",
		"SIGNAL_LASTS": "10s", "SIGNAL_TIMEOUT": "1m", "SIGNAL_LOAD": `{"ratePerSecond":10,"timeoutSeconds":5,"requests":[{"path":"/"}]}`,
	}
	job := Prober{Root: root, Clock: hasty{now: &atomic.Int64{}}, Env: func(key string) string { return env[key] }}
	return job.Run(t.Context(), []string{"load"})
}

// Errors are the service's, and for its metrics to judge: the Job has done what
// it was to do, and is not tried again.
func TestLoadIsSentWhateverTheAnswer(t *testing.T) {
	var came atomic.Int32
	answer, code, err := sendLoad(t, t.TempDir(), func(w http.ResponseWriter, _ *http.Request) {
		came.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	})
	if err != nil || code != Decided || len(answer.Verdicts) != 1 || came.Load() != 200 {
		t.Fatalf("code %d, %d requests, %+v, %v", code, came.Load(), answer, err)
	}
	read, ok := verdict.Read(string(answer.Encode()))
	if v := read.Verdicts[0]; !ok || v.Outcome != verdict.Passed || v.Evidence.Value != "100 sent, 100 answered 5xx" || v.Evidence.Baseline != v.Evidence.Value {
		t.Errorf("%+v", read)
	}
}

func TestLoadEndsWhenTheReportOfItsAttemptIsThere(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "ended"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "ended", "report.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	answer, code, err := sendLoad(t, root, func(http.ResponseWriter, *http.Request) {})
	if v := answer.Verdicts[0]; err != nil || code != Decided || !strings.HasSuffix(v.Message, "until the release was over") || v.Evidence.Value != "10 sent, 10 answered 2xx" {
		t.Errorf("code %d, %+v, %v", code, v, err)
	}
}
