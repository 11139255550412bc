package conformance_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// instants are when each query is asked: early, in the midst of everything, and
// after the last scrape, when only what is not stale is left.
var instants = []time.Duration{100 * time.Second, 457 * time.Second, 610*time.Second + 500*time.Millisecond, 1150 * time.Second}

// wholeStory is from before the first scrape until nothing is left.
var wholeStory = question{from: epoch.Add(-time.Minute), to: epoch.Add(20*time.Minute + 30*time.Second), step: 30 * time.Second}

// queries are those of a file in testdata.
func queries(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// files are all of testdata.
func files(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join("testdata", "*.promql"))
	if err != nil || len(all) == 0 {
		t.Fatalf("testdata has %d files of queries: %v", len(all), err)
	}
	return all
}

func TestQueries(t *testing.T) {
	for _, file := range files(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".promql"), func(t *testing.T) {
			for _, query := range queries(t, file) {
				for _, after := range instants {
					agree(t, question{query: query, from: epoch.Add(after)})
				}
				over := wholeStory
				over.query = query
				agree(t, over)
			}
		})
	}
}

// agree asks both and compares.
func agree(t *testing.T, q question) {
	t.Helper()
	want, wrong, err := q.theirs(t.Context())
	if err != nil {
		t.Fatalf("%s: ask prometheus: %v", q.query, err)
	}
	got, err := q.ours(t.Context())
	if wrong != "" || err != nil {
		if reason := strings.TrimPrefix(wrong, `invalid parameter "query": `); wrong == "" || err == nil || !strings.HasSuffix(err.Error(), ": "+reason) {
			t.Errorf("%s after %s: prometheus says %q, the store says %v", q.query, q.from.Sub(epoch), wrong, err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s after %s, by %s (-prometheus +store):\n%s", q.query, q.from.Sub(epoch), q.step, diff)
	}
}
