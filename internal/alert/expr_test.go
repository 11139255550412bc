package alert

import (
	"strconv"
	"testing"
)

func TestSameExpression(t *testing.T) {
	for name, tc := range map[string]struct {
		live, asked string
		want        bool
	}{
		"the same text":              {"up == 0", "up == 0", true},
		"printed in another way":     {`sum by (job) (rate(x{a="b"}[5m])) > 0.01`, `sum(rate(x{a='b'}[300s])) by(job)>0.010`, true},
		"another limit":              {"x > 0.1", "x > 0.2", false},
		"another label":              {`x{a="b"}`, `x{a="c"}`, false},
		"of the one namespace":       {`sum(rate(x{a="b",namespace="prod"}[5m])) / sum(rate(y{namespace="prod"}[5m])) > 1`, `sum(rate(x{a="b"}[5m])) / sum(rate(y[5m])) > 1`, true},
		"told of it again":           {`x{a="b",namespace="prod"}`, `x{namespace="prod",a="b"}`, true},
		"told of it instead":         {`x{namespace="prod"}`, `x{namespace=~".*"}`, true},
		"of another namespace":       {`x{namespace="dev"}`, `x`, false},
		"one selector of the two":    {`x{namespace="prod"} / y`, `x / y`, false},
		"what the server cannot say": {`x ?? y`, `x`, false},
		"and neither can we":         {`x ?? y`, `x ?? z`, false},
		"both in the same words":     {`x ?? y`, `x ?? y`, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := same(tc.live, tc.asked, "prod"); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestThreshold(t *testing.T) {
	for name, tc := range map[string]struct{ expr, want string }{
		"above":                  {"x > 0.01", "> 0.01"},
		"on the other side":      {"0.99 > x", "< 0.99"},
		"at most":                {"1 <= x", ">= 1"},
		"at least":               {"1 >= x", "<= 1"},
		"below":                  {"1 < x", "> 1"},
		"equal, either way":      {"0 == up", "== 0"},
		"different":              {"0 != up", "!= 0"},
		"in brackets":            {"((x >= 5))", ">= 5"},
		"and something else":     {"x > 1 and y > 2", "> 1"},
		"unless something else":  {"x > 1 unless y > 2", "> 1"},
		"one or the other":       {"x > 1 or y < 2 or z > 3", "> 1 or < 2 or > 3"},
		"one or no comparison":   {"x > 1 or y", ""},
		"no comparison or one":   {"x or y > 1", ""},
		"with other labels":      {`label_replace(x > 1, "a", "b", "", "")`, "> 1"},
		"of a function":          {`abs(x > 1)`, ""},
		"against another metric": {"x > on (a) y * 2", "> y * 2"},
		"as a zero or a one":     {"x > bool 1", ""},
		"arithmetic":             {"x - 1", ""},
		"a calculated limit":     {"x > 14.4 * 0.001", "> 14.4 * 0.001"},
		"no comparison":          {"absent(x)", ""},
		"no PromQL":              {"x >", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := threshold(tc.expr); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// What is kept is bounded, and the same as what is made anew.
func TestMemo(t *testing.T) {
	var m memo[string]
	made := 0
	from := func(text string) string { made++; return text + "!" }
	for range 2 {
		for i := range 10 {
			if got, want := m.of(strconv.Itoa(i), from), strconv.Itoa(i)+"!"; got != want {
				t.Errorf("%d is %s", i, got)
			}
		}
	}
	if made != 10 {
		t.Errorf("made %d times", made)
	}
	for i := range 3 * maxMade {
		m.of(strconv.Itoa(i), from)
	}
	if len(m.made) > maxMade {
		t.Errorf("%d are kept", len(m.made))
	}
}
