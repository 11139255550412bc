package prober

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
	"github.com/signal-delivery/operator/internal/watermark"
)

const (
	markKey = "0123456789abcdef0123456789abcdef"
	oldKey  = "fedcba9876543210fedcba9876543210"
)

// prove runs `prober watermark` against a release "v2" that signs with the
// key; mounted are the keys of the Secret.
func prove(t *testing.T, signs string, mounted, env map[string]string) (verdict.Answer, int, error) {
	t.Helper()
	sign, err := watermark.Sign([]byte(signs), "v2")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sign(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Host)) })))
	t.Cleanup(server.Close)
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "watermark"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range mounted {
		if err := os.WriteFile(filepath.Join(root, "watermark", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	spec, err := json.Marshal(v1alpha1.WatermarkSpec{SecretName: "marks", Path: "/v1/signals", Requests: 10, SplitRequests: 100})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"SIGNAL_WATERMARK": string(spec), "SIGNAL_TARGET": "http://SERVER", "SIGNAL_HOST": "app.prod.svc", "SIGNAL_RELEASE": "v2", "SIGNAL_RELEASE_ID": "v2-prod", "SIGNAL_TIMEOUT": "1m"}
	maps.Copy(all, env)
	job := Prober{Root: root, Clock: hasty{now: &atomic.Int64{}}, Env: func(key string) string {
		return strings.ReplaceAll(all[key], "SERVER", strings.TrimPrefix(server.URL, "http://"))
	}}
	return job.Run(t.Context(), []string{"watermark"})
}

func TestWatermarks(t *testing.T) {
	entry := map[string]string{"SIGNAL_TARGET": "", "SIGNAL_HOST": "", "SIGNAL_ENTRY_URL": "http://signals.example", "SIGNAL_ENTRY_ADDRESS": "SERVER"}
	split := map[string]string{"SIGNAL_WEIGHT": "100", "SIGNAL_STABLE_RELEASE": "v1"}
	maps.Copy(split, entry)
	for name, tc := range map[string]struct {
		signs   string
		mounted map[string]string
		env     map[string]string
		code    int
		reason  string
	}{
		"the candidate":               {markKey, map[string]string{"key": markKey + "\n"}, nil, Decided, "WatermarkVerified"},
		"with the key before":         {oldKey, map[string]string{"key": markKey, "previous": oldKey}, nil, Decided, "WatermarkVerified"},
		"another key":                 {oldKey, map[string]string{"key": markKey}, nil, Decided, "WatermarkForged"},
		"at the entry":                {markKey, map[string]string{"key": markKey}, entry, Decided, "WatermarkVerified"},
		"a split":                     {markKey, map[string]string{"key": markKey}, split, Decided, "SplitMeasured"},
		"another release":             {markKey, map[string]string{"key": markKey}, map[string]string{"SIGNAL_RELEASE": "v3"}, Decided, "WatermarkWrongRelease"},
		"no Secret, or one of no key": {markKey, nil, nil, Decided, "WatermarkNoKey"},
		"a short key":                 {markKey, map[string]string{"key": "secret"}, nil, Decided, "WatermarkNoKey"},
		"a short key before":          {markKey, map[string]string{"key": markKey, "previous": ""}, nil, Decided, "WatermarkNoKey"},
		"nobody":                      {markKey, map[string]string{"key": markKey}, map[string]string{"SIGNAL_TARGET": "http://127.0.0.1:1"}, Failed, "WatermarkUnanswered"}, // another pod may find someone
	} {
		t.Run(name, func(t *testing.T) {
			answer, code, err := prove(t, tc.signs, tc.mounted, tc.env)
			if err != nil || code != tc.code {
				t.Fatalf("code %d, %v", code, err)
			}
			read, ok := verdict.Read(string(answer.Encode()))
			if !ok || len(read.Verdicts) != 1 || read.Verdicts[0].Reason != tc.reason || read.Verdicts[0].Kind != v1alpha1.SignalWatermark {
				t.Errorf("%+v", read)
			}
			if text := string(answer.Encode()); strings.Contains(text, markKey) || strings.Contains(text, oldKey) || strings.Contains(text, "secret\"") {
				t.Errorf("it tells a key: %s", text)
			}
		})
	}
}

func TestWatermarksMisused(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"no spec":       {"SIGNAL_WATERMARK": ""},
		"no target":     {"SIGNAL_TARGET": ""},
		"no release":    {"SIGNAL_RELEASE": ""},
		"odd weight":    {"SIGNAL_WEIGHT": "half"},
		"weight of 101": {"SIGNAL_WEIGHT": "101"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, code, err := prove(t, markKey, map[string]string{"key": markKey}, env); code != Misused || err == nil {
				t.Errorf("code %d, %v", code, err)
			}
		})
	}
}
