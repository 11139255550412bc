package prober

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
	"github.com/signal-delivery/operator/internal/verdict"
)

// work runs `prober load test` with this environment.
func work(t *testing.T, change map[string]string, answers http.HandlerFunc) (verdict.Answer, int, error) {
	t.Helper()
	server := httptest.NewServer(answers)
	t.Cleanup(server.Close)
	env := map[string]string{
		"SIGNAL_TARGET": server.URL, "SIGNAL_HOST": "app.prod.svc", "SIGNAL_RELEASE_ID": "v2", "SIGNAL_WORKER": "1",
		"SIGNAL_LOAD_TEST": `{"requests":[{"path":"/"}],"shape":"Constant","ratePerSecond":60,"durationSeconds":1,"answerSeconds":5,"workers":3}`,
	}
	maps.Copy(env, change)
	job := Prober{Clock: clock.RealClock{}, Env: func(key string) string { return env[key] }}
	return job.Run(t.Context(), []string{"load", "test"})
}

// A worker sends its share and answers with what it measured; that the service
// fails is for who reads the answer to judge.
func TestAWorkerOfALoadTest(t *testing.T) {
	var came atomic.Int32
	answer, code, err := work(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		came.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if err != nil || code != Decided || came.Load() != 20 {
		t.Fatalf("code %d, %d requests, %+v, %v", code, came.Load(), answer, err)
	}
	read, ok := verdict.Read(string(answer.Encode()))
	if !ok || len(answer.Encode()) > 4096 || read.Verdicts[0].Message != "Worker 2 of 3 sent 20 requests, of which 20 failed" {
		t.Errorf("%+v", read)
	}
	r, err := loadtest.Decode(read.Load, v1alpha1.LoadTest{Shape: v1alpha1.LoadConstant, RatePerSecond: 60, DurationSeconds: 1})
	if err != nil || r.Classes["503"] != 20 || r.Latency.Count() != 20 || r.CPU < 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAWorkerThatIsNotToldWhatToDo(t *testing.T) {
	for want, change := range map[string]map[string]string{
		"decode SIGNAL_LOAD_TEST": {"SIGNAL_LOAD_TEST": "{"},
		"has no requests":         {"SIGNAL_LOAD_TEST": "{}"},
		"decode SIGNAL_WORKER":    {"SIGNAL_WORKER": ""},
		"is not one of its":       {"SIGNAL_WORKER": "3"},
		"decode SIGNAL_START":     {"SIGNAL_START": "noon"},
	} {
		if _, code, err := work(t, change, nil); code != Misused || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: code %d, %v", want, code, err)
		}
	}
}

// Workers begin together; those that come late, with the others that do.
func TestWhenWorkersBegin(t *testing.T) {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct{ now, want time.Duration }{
		"in time":         {-9 * time.Second, 0},
		"at the last":     {0, 0},
		"late":            {time.Second, 10 * time.Second},
		"as late as that": {9 * time.Second, 10 * time.Second},
		"later":           {11 * time.Second, 20 * time.Second},
	} {
		if got := begin(noon, noon.Add(tc.now)); !got.Equal(noon.Add(tc.want)) {
			t.Errorf("%s: begins at %s", name, got)
		}
	}
}
