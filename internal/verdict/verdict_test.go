package verdict

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func TestAll(t *testing.T) {
	none := Pass(v1alpha1.SignalMetric, "None", "nothing was asked for")
	pass := Pass(v1alpha1.SignalMetric, "Pass", "good")
	later := Pass(v1alpha1.SignalMetric, "Later", "good too")
	wait := Wait(v1alpha1.SignalMetric, "Wait", "no data")
	other := Wait(v1alpha1.SignalAlert, "Other", "no answer")
	fail := Fail(v1alpha1.SignalAlert, "Fail", "bad")
	worse := Fail(v1alpha1.SignalAlert, "Worse", "worse")

	for name, tc := range map[string]struct {
		all  []Verdict
		want Verdict
	}{
		"none at all":                   {nil, none},
		"one":                           {[]Verdict{pass}, pass},
		"the last of those that passed": {[]Verdict{pass, later}, later},
		"unknown outweighs passed":      {[]Verdict{pass, wait, later}, wait},
		"the first unknown":             {[]Verdict{wait, other}, wait},
		"failed outweighs all":          {[]Verdict{wait, fail, pass}, fail},
		"the first failed":              {[]Verdict{pass, fail, worse}, fail},
		"an unknown alone":              {[]Verdict{wait}, wait},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, All(none, tc.all...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAMessageFitsTheSchema(t *testing.T) {
	v := Fail(v1alpha1.SignalSmoke, "Long", "%s", strings.Repeat("ä", 5000))
	if len(v.Message) > 2048 || !utf8.ValidString(v.Message) || !strings.HasSuffix(v.Message, "…") {
		t.Errorf("%d bytes, valid %t", len(v.Message), utf8.ValidString(v.Message))
	}
}

func TestClip(t *testing.T) {
	for name, tc := range map[string]struct {
		in    string
		limit int
		want  string
	}{
		"short enough":        {"abc", 3, "abc"},
		"one too many":        {"abcdef", 5, "ab…"},
		"never inside a rune": {"aääää", 7, "aä…"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Clip(tc.in, tc.limit); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
