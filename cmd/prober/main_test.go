package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"github.com/signal-delivery/operator/internal/prober"
	"github.com/signal-delivery/operator/internal/verdict"
)

const twoRequests = `{"requests":[{"path":"/a"},{"path":"/b?token=hunter2","method":"POST","body":"hunter2","headers":[{"name":"Authorization","value":"hunter2"}]}]}`

// probe runs the command against a candidate and returns its exit code, its
// answer and its log.
func probe(t *testing.T, env map[string]string, candidate http.HandlerFunc) (int, []verdict.Verdict, string) {
	t.Helper()
	server := httptest.NewServer(candidate)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "answer")
	all := map[string]string{"SIGNAL_TARGET": server.URL, "SIGNAL_HOST": "app", "SIGNAL_TERMINATION_LOG": file, "SIGNAL_HTTP_CHECK": twoRequests}
	maps.Copy(all, env)
	var log []string
	ctx := logr.NewContext(t.Context(), funcr.NewJSON(func(line string) { log = append(log, line) }, funcr.Options{}))
	code, err := run(ctx, []string{"http"}, func(key string) string { return all[key] })
	if (code == prober.Misused) != (err != nil) {
		t.Fatalf("code %d, error %v", code, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return code, nil, strings.Join(log, "\n")
	}
	var verdicts []verdict.Verdict
	if err := json.Unmarshal(text, &verdicts); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return code, verdicts, strings.Join(log, "\n")
}

func fine(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "hunter2") }

func TestAllPassed(t *testing.T) {
	code, verdicts, log := probe(t, nil, fine)
	if code != 0 || len(verdicts) != 2 || verdicts[1].Outcome != verdict.Passed || verdicts[1].Evidence.Source != "app" {
		t.Errorf("exit code %d, %+v", code, verdicts)
	}
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, `"method":"POST","path":"/b"`) {
		t.Errorf("want a line for each request:\n%s", log)
	}
	if strings.Contains(log, "hunter2") {
		t.Errorf("the log tells secrets:\n%s", log)
	}
}

func TestOneFailed(t *testing.T) {
	code, verdicts, _ := probe(t, nil, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/b" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	if code != 1 || len(verdicts) != 2 || verdicts[1].Outcome != verdict.Failed {
		t.Errorf("exit code %d, %+v", code, verdicts)
	}
}

func TestACandidateThatHangsIsNamedInTime(t *testing.T) {
	code, verdicts, _ := probe(t, map[string]string{"SIGNAL_TIMEOUT": "50ms"}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if code != 1 || len(verdicts) != 1 || verdicts[0].Message != "GET /a was not answered: the time was up" {
		t.Errorf("exit code %d, %+v", code, verdicts)
	}
}

// The exit code says it as well.
func TestAnAnswerThatCannotBeWritten(t *testing.T) {
	code, verdicts, log := probe(t, map[string]string{"SIGNAL_TERMINATION_LOG": t.TempDir()}, fine)
	if code != 0 || verdicts != nil || !strings.Contains(log, "Cannot write the answer") {
		t.Errorf("exit code %d, %+v\n%s", code, verdicts, log)
	}
}

func TestMisuse(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"no target":     {"SIGNAL_TARGET": ""},
		"no check":      {"SIGNAL_HTTP_CHECK": ""},
		"no requests":   {"SIGNAL_HTTP_CHECK": "{}"},
		"a bad timeout": {"SIGNAL_TIMEOUT": "soon"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, verdicts, _ := probe(t, env, fine); code != 2 || verdicts != nil {
				t.Errorf("exit code %d, %+v", code, verdicts)
			}
		})
	}
	for name, args := range map[string][]string{"no argument": nil, "another probe": {"load"}, "too many": {"http", "http"}} {
		t.Run(name, func(t *testing.T) {
			if code, err := run(t.Context(), args, func(string) string { return "" }); code != 2 || err == nil {
				t.Errorf("exit code %d, error %v", code, err)
			}
		})
	}
}
