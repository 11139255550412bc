package httpprobe

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func numbered(n int, message string) []verdict.Verdict {
	var all []verdict.Verdict
	for i := range n {
		all = append(all, verdict.Pass(v1alpha1.SignalSmoke, fmt.Sprint("R", i), "%s", message))
	}
	return all
}

func TestAnAnswerFitsATerminationMessage(t *testing.T) {
	for name, tc := range map[string]struct {
		verdicts []verdict.Verdict
		kept     []string
	}{
		"none":              {nil, nil},
		"few":               {numbered(3, "<short> & good"), []string{"R0", "R1", "R2"}},
		"sixteen":           {numbered(16, ""), reasons(numbered(16, ""))},
		"seventeen":         {numbered(17, ""), reasons(numbered(17, ""))[1:]},
		"too long together": {numbered(4, strings.Repeat("a", 1200)), []string{"R1", "R2", "R3"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := Encode(tc.verdicts)
			got := []verdict.Verdict{}
			if err := json.Unmarshal(text, &got); err != nil || len(text) > 4096 {
				t.Fatalf("%d bytes: %v: %s", len(text), err, text)
			}
			want := tc.verdicts[len(tc.verdicts)-len(tc.kept):]
			if diff := cmp.Diff(append([]verdict.Verdict{}, want...), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnAnswerMayBeAsLongAsATerminationMessage(t *testing.T) {
	all := numbered(3, "good")
	for i := range all {
		all[i].Evidence = &verdict.Evidence{}
	}
	all[0].Evidence.Query = strings.Repeat("a", 4096-len(Encode(all))-len(`"query":""`))
	for name, tc := range map[string]struct {
		more string
		kept int
	}{"just": {"", 3}, "not": {"a", 2}} {
		t.Run(name, func(t *testing.T) {
			longer := append([]verdict.Verdict{}, all...)
			longer[0].Name = tc.more
			longer[0].Evidence = &verdict.Evidence{Query: all[0].Evidence.Query}
			var got []verdict.Verdict
			if err := json.Unmarshal(Encode(longer), &got); err != nil || len(got) != tc.kept {
				t.Errorf("kept %d, want %d: %v", len(got), tc.kept, err)
			}
		})
	}
}

func TestTheLastVerdictIsClippedRatherThanDropped(t *testing.T) {
	for name, filler := range map[string]string{"letters": "a", "runes": "ä", "what JSON escapes": "\x01"} {
		t.Run(name, func(t *testing.T) {
			long := strings.Repeat(filler, 2000)
			decided := verdict.With(verdict.Fail(v1alpha1.SignalSmoke, ReasonStatus, "%s", long), verdict.Evidence{Value: "status 500", Query: long, Threshold: long})
			text := Encode(append(numbered(2, "good"), decided))
			var got []verdict.Verdict
			if err := json.Unmarshal(text, &got); err != nil || len(text) > 4096 {
				t.Fatalf("%d bytes: %v", len(text), err)
			}
			if len(got) != 1 || got[0].Outcome != verdict.Failed || got[0].Reason != ReasonStatus || got[0].Evidence.Value != "status 500" || len(got[0].Message) < 60 {
				t.Errorf("got %+v", got)
			}
			if decided.Evidence.Query != long {
				t.Error("the verdict itself was changed")
			}
		})
	}
}
