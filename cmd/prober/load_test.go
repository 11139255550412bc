package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"github.com/signal-delivery/operator/internal/verdict"
)

// Neither what is sent nor what is answered is logged or told.
func TestLoadTellsCountsAlone(t *testing.T) {
	came := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		came <- r.URL.RawQuery + " " + r.Header.Get("Authorization") + " " + string(body)
		w.Header().Set("Set-Cookie", "hunter2")
		_, _ = w.Write([]byte("hunter2"))
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "answer")
	env := map[string]string{
		"SIGNAL_TARGET": server.URL, "SIGNAL_TERMINATION_LOG": file, "SIGNAL_RELEASE_ID": "v2", "SIGNAL_LASTS": "100ms", "SIGNAL_TIMEOUT": "1m",
		"SIGNAL_LOAD": `{"ratePerSecond":50,"timeoutSeconds":30,"requests":[{"method":"POST","path":"/b?token=hunter2","body":"hunter2","headers":[{"name":"Authorization","value":"hunter2"}]}]}`,
	}
	var lines []string
	ctx := logr.NewContext(t.Context(), funcr.NewJSON(func(line string) { lines = append(lines, line) }, funcr.Options{}))
	code, err := run(ctx, []string{"load"}, func(key string) string { return env[key] })
	if err != nil || code != 0 {
		t.Fatalf("code %d, %v", code, err)
	}
	if got := <-came; got != "token=hunter2 hunter2 hunter2" {
		t.Errorf("the service was sent %q", got)
	}
	answer, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if read, ok := verdict.Read(string(answer)); !ok || len(read.Verdicts) != 1 || read.Verdicts[0].Reason != "BackgroundLoadSent" {
		t.Errorf("answer %s", answer)
	}
	if len(lines) != 1 || !strings.Contains(lines[0], `"candidate":"`) || strings.Contains(lines[0]+string(answer), "hunter2") {
		t.Errorf("answer %s\nlog %s", answer, strings.Join(lines, "\n"))
	}
}
