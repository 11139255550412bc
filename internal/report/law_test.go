package report

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var cited = regexp.MustCompile(` \[([0-9, ]+)\]$`)

// section is the lines of a section of a report.
func section(t testing.TB, markdown, title string) []string {
	t.Helper()
	_, rest, found := strings.Cut(markdown, "\n## "+title)
	if !found {
		t.Fatalf("no section %q", title)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return strings.Split(text, "\n")
}

// outcomes are the outcomes in the evidence table, by number.
func outcomes(t testing.TB, markdown string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, l := range section(t, markdown, "Evidence") {
		if cells := columns(l); len(cells) == 12 && cells[0] != "#" {
			out[cells[0]] = cells[4]
		}
	}
	return out
}

// Law 14: a line rests on evidence that is there, and praise on evidence in
// favour.
func TestEveryLineHasItsEvidence(t *testing.T) {
	for name, in := range stories() {
		t.Run(name, func(t *testing.T) {
			text := Make(in).Markdown
			known := outcomes(t, text)
			for title, none := range map[string]string{"What Worked Well": "Nothing was decided", "Anomalies Detected": "None seen in", "Key Performance Metrics": "No metric was judged"} {
				for _, l := range section(t, text, title) {
					if !strings.HasPrefix(l, "- ") || strings.HasPrefix(l, "- "+none) {
						continue
					}
					match := cited.FindStringSubmatch(l)
					if match == nil {
						t.Errorf("%s: no evidence: %s", title, l)
						continue
					}
					for number := range strings.SplitSeq(match[1], ", ") {
						outcome, there := known[number]
						if !there || title == "What Worked Well" && outcome != "Passed" {
							t.Errorf("%s: evidence %s, there %t, is %q: %s", title, number, there, outcome, l)
						}
					}
				}
			}
		})
	}
}

// Every verdict against the release, and every one left open, is told.
func TestNothingBadIsLeftUnsaid(t *testing.T) {
	for name, in := range stories() {
		t.Run(name, func(t *testing.T) {
			text := Make(in).Markdown
			told := map[string]bool{}
			for _, l := range section(t, text, "Anomalies Detected") {
				if match := cited.FindStringSubmatch(l); match != nil {
					for number := range strings.SplitSeq(match[1], ", ") {
						told[number] = true
					}
				}
			}
			for number, outcome := range outcomes(t, text) {
				if outcome != "Passed" && !told[number] {
					t.Errorf("evidence %s is %q, and no anomaly", number, outcome)
				}
			}
		})
	}
}

func TestJSONHasWhatTheMarkdownCites(t *testing.T) {
	for name, in := range stories() {
		t.Run(name, func(t *testing.T) {
			var got document
			if err := json.Unmarshal(Make(in).JSON, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(in.Rollout.Timeline, entries(got.Timeline)); diff != "" {
				t.Error(diff)
			}
			for i, e := range got.Evidence {
				if e.Number != i+1 {
					t.Errorf("evidence %d has number %d", i+1, e.Number)
				}
				if i < len(in.Rollout.Verdicts) {
					if diff := cmp.Diff(in.Rollout.Verdicts[i], e.Verdict); diff != "" {
						t.Errorf("evidence %s: %s", strconv.Itoa(i+1), diff)
					}
				}
			}
			if got.Schema != "delivery.signal.dev/report/v1alpha1" || len(got.Evidence) < len(in.Rollout.Verdicts) || got.ClippedTo != 0 {
				t.Errorf("schema %q, %d exhibits, clipped to %d", got.Schema, len(got.Evidence), got.ClippedTo)
			}
		})
	}
}

func entries(moments []moment) []v1alpha1.TimelineEntry {
	out := make([]v1alpha1.TimelineEntry, 0, len(moments))
	for _, m := range moments {
		out = append(out, m.TimelineEntry)
	}
	return out
}
