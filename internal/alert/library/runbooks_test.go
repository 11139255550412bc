package library

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every rule has a runbook that says what to look at and what to do, and every
// runbook has a rule.
func TestRunbooks(t *testing.T) {
	files, err := filepath.Glob("../../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	for _, file := range files {
		written = append(written, strings.TrimSuffix(filepath.Base(file), ".md"))
	}
	if want := slices.Sorted(slices.Values(Alerts())); !slices.Equal(written, want) {
		t.Errorf("there are runbooks\n%v\nfor rules\n%v", written, want)
	}
	for _, r := range rules {
		data, err := os.ReadFile(filepath.Join("../../../docs/runbooks", r.alert+".md"))
		if err != nil {
			continue // which is told above
		}
		text := string(data)
		for _, part := range []string{"# " + r.alert + "\n", "\n## Look\n", "\n## Do\n"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s.md has no %q", r.alert, part)
			}
		}
		if says := strings.Contains(text, "Critical: turns a\nrelease back") || strings.Contains(text, "ritical: turns a release back"); says != (r.severity == critical) {
			t.Errorf("%s.md says that it turns a release back: %t, and it is a %s", r.alert, says, r.severity)
		}
		for _, l := range r.limits {
			if l.value != "0" && !strings.Contains(text, "`"+l.name+"`") && !saturation[l.name] {
				t.Errorf("%s.md does not say what limit %s is", r.alert, l.name)
			}
		}
	}
}

// saturation are the limits of a rule that names resources instead.
var saturation = map[string]bool{"cpu": true, "memory": true, "fileDescriptors": true}

// docs/alerts.md has every rule, its severity and its limits.
func TestTheDefaultRulesAreDocumented(t *testing.T) {
	data, err := os.ReadFile("../../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		i := strings.Index(string(data), "| ["+r.alert+"](runbooks/"+r.alert+".md) |")
		if i < 0 {
			t.Errorf("docs/alerts.md does not have %s", r.alert)
			continue
		}
		row, _, _ := strings.Cut(string(data)[i:], "\n")
		want := []string{"| " + r.severity + " |"}
		for _, l := range r.limits {
			want = append(want, "`"+l.name+"` "+l.value)
		}
		if r.hold != "" {
			want = append(want, "| "+r.hold+" |")
		}
		for _, text := range want {
			if !strings.Contains(row, text) {
				t.Errorf("docs/alerts.md: %s\nlacks %q", row, text)
			}
		}
	}
}
