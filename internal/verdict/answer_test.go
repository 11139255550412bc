package verdict

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func numbered(n int, message string) []Verdict {
	var all []Verdict
	for i := range n {
		all = append(all, Pass(v1alpha1.SignalSmoke, fmt.Sprint("R", i), "%s", message))
	}
	return all
}

func TestAnAnswerFitsATerminationMessage(t *testing.T) {
	for name, tc := range map[string]struct {
		verdicts []Verdict
		kept     []string
	}{
		"none":              {nil, nil},
		"few":               {numbered(3, "<short> & good"), []string{"R0", "R1", "R2"}},
		"sixteen":           {numbered(16, ""), reasons(numbered(16, ""))},
		"seventeen":         {numbered(17, ""), reasons(numbered(17, ""))[1:]},
		"too long together": {numbered(4, strings.Repeat("a", 1200)), []string{"R1", "R2", "R3"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := Answer{Verdicts: tc.verdicts}.Encode()
			got := []Verdict{}
			if err := json.Unmarshal(text, &got); err != nil || len(text) > 4096 {
				t.Fatalf("%d bytes: %v: %s", len(text), err, text)
			}
			want := tc.verdicts[len(tc.verdicts)-len(tc.kept):]
			if diff := cmp.Diff(append([]Verdict{}, want...), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnAnswerMayBeAsLongAsATerminationMessage(t *testing.T) {
	all := numbered(3, "good")
	for i := range all {
		all[i].Evidence = &Evidence{}
	}
	all[0].Evidence.Query = strings.Repeat("a", 4096-len(Answer{Verdicts: all}.Encode())-len(`"query":""`))
	for name, tc := range map[string]struct {
		more string
		kept int
	}{"just": {"", 3}, "not": {"a", 2}} {
		t.Run(name, func(t *testing.T) {
			longer := append([]Verdict{}, all...)
			longer[0].Name = tc.more
			longer[0].Evidence = &Evidence{Query: all[0].Evidence.Query}
			var got []Verdict
			if err := json.Unmarshal(Answer{Verdicts: longer}.Encode(), &got); err != nil || len(got) != tc.kept {
				t.Errorf("kept %d, want %d: %v", len(got), tc.kept, err)
			}
		})
	}
}

func TestTheLastVerdictIsClippedRatherThanDropped(t *testing.T) {
	for name, filler := range map[string]string{"letters": "a", "runes": "ä", "what JSON escapes": "\x01"} {
		t.Run(name, func(t *testing.T) {
			long := strings.Repeat(filler, 2000)
			decided := With(Fail(v1alpha1.SignalSmoke, "UnexpectedStatus", "%s", long), Evidence{Value: "status 500", Query: long, Threshold: long})
			text := Answer{Verdicts: append(numbered(2, "good"), decided)}.Encode()
			var got []Verdict
			if err := json.Unmarshal(text, &got); err != nil || len(text) > 4096 {
				t.Fatalf("%d bytes: %v", len(text), err)
			}
			if len(got) != 1 || got[0].Outcome != Failed || got[0].Reason != "UnexpectedStatus" || got[0].Evidence.Value != "status 500" || len(got[0].Message) < 60 {
				t.Errorf("got %+v", got)
			}
			if decided.Evidence.Query != long {
				t.Error("the verdict itself was changed")
			}
		})
	}
}

func reasons(all []Verdict) []string {
	var out []string
	for _, v := range all {
		out = append(out, v.Reason)
	}
	return out
}

func TestAnAnswerIsReadAsItWasWritten(t *testing.T) {
	for name, want := range map[string]Answer{
		"verdicts alone": {Verdicts: numbered(2, "good")},
		"a digest":       {Digest: "sha256:00", Verdicts: numbered(1, "good")},
		"an artifact":    {Digest: "sha256:00", Artifact: &v1alpha1.ArtifactRecord{Signer: "someone", SizeBytes: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Read("\n" + string(want.Encode()) + "\n")
			if diff := cmp.Diff(want, got); diff != "" || !ok {
				t.Errorf("%t %s", ok, diff)
			}
		})
	}
}

func TestWhatIsNotWholeIsNoAnswer(t *testing.T) {
	for name, message := range map[string]string{
		"nothing":             "",
		"words":               "all good",
		"half of it":          `[{"outcome":"Passed","reason":"R"`,
		"an unknown outcome":  `[{"outcome":"Fine","reason":"R"}]`,
		"too many":            string(Answer{Verdicts: numbered(17, "")}.encode()),
		"too long":            `[{"outcome":"Passed","reason":"R","message":"` + strings.Repeat("a", 4096) + `"}]`,
		"an object and words": `{"digest":"sha256:00"} and more`,
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := Read(message); ok {
				t.Errorf("read %+v", got)
			}
		})
	}
}
