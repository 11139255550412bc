package report

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// The reports of whole releases, as people get to read them.
func TestStories(t *testing.T) {
	for name, in := range stories() {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".md", Make(in).Markdown)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "stories", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); go test ./internal/report -update rewrites it:\n%s", path, diff)
	}
}

func TestSameInputSameBytes(t *testing.T) {
	for name, in := range stories() {
		was := in.Rollout.DeepCopy()
		first := Make(in)
		for range 20 {
			if again := Make(in); again.Markdown != first.Markdown || !bytes.Equal(again.JSON, first.JSON) || again.Summary != first.Summary {
				t.Fatalf("%s: the same input gave another report", name)
			}
		}
		if diff := cmp.Diff(*was, in.Rollout); diff != "" {
			t.Errorf("%s: making the report changed its input: %s", name, diff)
		}
	}
}

func TestSummaries(t *testing.T) {
	id := "v2-prod-20300101_120000"
	for name, want := range map[string]v1alpha1.ReportSummary{
		"good-in-three-steps":              {Result: v1alpha1.ResultSucceeded, DurationSeconds: 405, Summary: id + " was released"},
		"alert-rollback":                   {Result: v1alpha1.ResultRolledBack, DurationSeconds: 143, Summary: id + " was rolled back: Alert SignalErrors fires for the candidate with value 0.2: too many errors"},
		"smoke-failure-of-a-first-release": {Result: v1alpha1.ResultFailed, DurationSeconds: 15, Summary: id + ` failed: Check "alive" failed: GET /v1/signals answered 503 | want 200`},
		"superseded":                       {Result: v1alpha1.ResultSuperseded, DurationSeconds: 150, Summary: id + " made way for a newer release: A newer release was asked for before " + id + " had ended"},
		"held-overruled-aborted":           {Result: v1alpha1.ResultAborted, DurationSeconds: 45, Summary: id + " was aborted: Someone aborted " + id},
	} {
		want.ConfigMap, want.Release = "app-report-v2", id
		if diff := cmp.Diff(want, Make(stories()[name]).Summary); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
