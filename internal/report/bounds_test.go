package report

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/internal/verdict"
)

// columns are the cells of a table's row, or nil.
func columns(l string) []string {
	if !strings.HasPrefix(l, "| ") || !strings.HasSuffix(l, "|") {
		return nil
	}
	var cells []string
	cell := ""
	for i := 1; i < len(l); i++ {
		switch {
		case l[i] == '\\' && i+1 < len(l):
			cell += l[i : i+2]
			i++
		case l[i] == '|':
			cells = append(cells, strings.TrimSpace(cell))
			cell = ""
		default:
			cell += string(l[i])
		}
	}
	return cells
}

// wellFormed checks what must hold of any report.
func wellFormed(t testing.TB, r Report) {
	t.Helper()
	if len(r.Markdown) > 256<<10 || !utf8.ValidString(r.Markdown) {
		t.Errorf("the Markdown has %d bytes, valid %t", len(r.Markdown), utf8.ValidString(r.Markdown))
	}
	if !json.Valid(r.JSON) || !utf8.Valid(r.JSON) {
		t.Error("the JSON is not valid")
	}
	width := map[string]int{"Timeline": 6, "Evidence": 12}
	for title, want := range width {
		for _, l := range section(t, r.Markdown, title) {
			if strings.HasPrefix(l, "| ") && len(columns(l)) != want {
				t.Errorf("%s: %d columns, want %d: %q", title, len(columns(l)), want, l)
			}
		}
	}
	want := 6
	if strings.Contains(r.Markdown, "\n## Load Test 🏋️\n") {
		want++
	}
	if got := strings.Count(r.Markdown, "\n## "); got != want {
		t.Errorf("%d sections, want %d", got, want)
	}
	if len(r.Summary.Summary) > 2048 {
		t.Errorf("the summary has %d bytes", len(r.Summary.Summary))
	}
}

// Whatever fills the status to its bounds, the report fits into a ConfigMap.
func TestACrowdedStatusFits(t *testing.T) {
	for _, text := range []string{"|", "`", "&a;", "\xff|", "ä", "\x01a"} {
		r := Make(crowded(text))
		wellFormed(t, r)
		var got document
		if err := json.Unmarshal(r.JSON, &got); err != nil || len(r.JSON) > maxJSON || got.ClippedTo == 0 || len(got.Evidence) != 200 {
			t.Errorf("%q: %d bytes of JSON, clipped to %d, %d exhibits: %v", text, len(r.JSON), got.ClippedTo, len(got.Evidence), err)
		}
		for title, said := range map[string]string{"Anomalies": "more are left out here", "Evidence": "more in favour or of less weight are left out here"} {
			if !strings.Contains(strings.Join(section(t, r.Markdown, title), "\n"), said) {
				t.Errorf("%q: %s does not say that something was left out", text, title)
			}
		}
	}
}

func TestALongTimelineIsCut(t *testing.T) {
	text := strings.Join(section(t, Make(crowded("|")).Markdown, "Timeline"), "\n")
	if rows := strings.Count(text, "\n| "); rows < 10 || rows > 60 || !strings.Contains(text, "more are left out here") {
		t.Errorf("%d rows of 100 in\n%s", rows, text)
	}
}

func TestWhatIsAgainstIsLeftOutLast(t *testing.T) {
	in := crowded("abcdefg ")
	for i := range in.Rollout.Verdicts {
		in.Rollout.Verdicts[i].Outcome = verdict.Passed
	}
	in.Rollout.Verdicts[199].Outcome = verdict.Failed
	known := outcomes(t, Make(in).Markdown)
	if len(known) >= 200 || known["200"] != "Failed" {
		t.Errorf("%d rows; the one against is %q", len(known), known["200"])
	}
}

func TestFitting(t *testing.T) {
	facts := tell(newStory().says(smoke(), smoke(), firing(), smoke()).in).facts
	size := len(evidenceRow(facts[2])) + 2*len(evidenceRow(facts[0]))
	for limit, want := range map[int][]int{1 << 20: {1, 2, 3, 4}, size: {1, 2, 3}, size - 1: {1, 3}, 0: nil} {
		var got []int
		for _, f := range fitting(facts, limit) {
			got = append(got, f.number)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d bytes: %s", limit, diff)
		}
	}
}

func TestEachQueryIsListedOnce(t *testing.T) {
	text := Make(newStory().says(errorsOf("0", 0), named("other", errorsOf("1", 0)), quiet()).in).Markdown
	want := "What was asked:\n\n- [1, 2] `sum(rate(errors{release=~\"v2|x\"}[1m]))`\n- [3] `errors{release=\"v2\"} > 0.05`\n\n---"
	if !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}

func TestFill(t *testing.T) {
	for name, tc := range map[string]struct {
		limit int
		want  string
	}{
		"all of it":       {9, "aa\nbb\ncc\n"},
		"one byte short":  {8, "aa\nbb\n- 1 more are left out here\n"},
		"none of it":      {2, "- 3 more are left out here\n"},
		"exactly the one": {3, "aa\n- 2 more are left out here\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &writer{}
			w.fill(tc.limit, []string{"aa\n", "bb\n", "cc\n"}, "- ")
			if got := w.String(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestNothingWasDecided(t *testing.T) {
	r := Make(Input{})
	wellFormed(t, r)
	for _, want := range []string{"**Status**: not ended", "**Deployment Date**: unknown", "**Duration**: 0s", "- Nothing was decided in its favour\n", "- None seen in 0 verdicts\n", "- No metric was judged\n", "- **Serves Now**: no release\n"} {
		if !strings.Contains(r.Markdown, want) {
			t.Errorf("no %q in\n%s", want, r.Markdown)
		}
	}
}
