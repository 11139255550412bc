package alert

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// have is a stock of metrics: "name release release", each of no release in
// particular when none is given.
func have(lines ...string) Stock {
	s := Stock{}
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) == 1 {
			words = append(words, "")
		}
		for _, release := range words[1:] {
			s.add(words[0], release)
		}
	}
	return s
}

func TestApplies(t *testing.T) {
	for name, tc := range map[string]struct {
		expr  string
		stock Stock
		want  Applicability
	}{
		"everything is there":               {"rate(a[1m]) / b > 1", have("a new", "b new"), Applicability{}},
		"one of two is missing":             {"a / b > 1", have("a new"), Applicability{Missing: []string{"b"}, None: true}},
		"none is there":                     {"a / b > 1", have(), Applicability{Missing: []string{"a", "b"}, None: true}},
		"of another release alone":          {"a > 1", have("a old", "up new"), Applicability{Missing: []string{"a"}, None: true}},
		"of no release in particular":       {"a > 1", have("a", "up new"), Applicability{}},
		"the release has nothing yet":       {"a > 1", have("a old"), Applicability{}},
		"one side of an or":                 {"a > 1 or b > 1", have("b new"), Applicability{Missing: []string{"a"}}},
		"an or in brackets":                 {"((a > 1) or (b > 1))", have("b new"), Applicability{Missing: []string{"a"}}},
		"neither side of an or":             {"a > 1 or b > 1", have("up new"), Applicability{Missing: []string{"a", "b"}, None: true}},
		"an or within: either will do":      {"sum(a or b) > 1", have("b new"), Applicability{}},
		"an or within: neither":             {"sum(a or b) > 1", have("up new"), Applicability{Missing: []string{"a", "b"}, None: true}},
		"what unless takes away":            {"a unless b", have("a new"), Applicability{}},
		"what unless takes from":            {"a unless b", have("b new"), Applicability{Missing: []string{"a"}, None: true}},
		"both sides of and":                 {"a and b", have("a new"), Applicability{Missing: []string{"b"}, None: true}},
		"one resource is not the other":     {`l{resource="cpu"} > 1`, have(`l new`, `l{resource="memory"} new`), Applicability{Missing: []string{`l{resource="cpu"}`}, None: true}},
		"that resource":                     {`l{resource="cpu"} > 1`, have(`l new`, `l{resource="cpu"} new`), Applicability{}},
		"what exists only in trouble":       {`ALERTS{alertname="X"} > 0`, have(), Applicability{}},
		"a selector of many metrics":        {`{__name__=~"a|b"} > 1`, have(), Applicability{}},
		"a name in brackets":                {`{__name__="a"} > 1`, have(), Applicability{Missing: []string{"a"}, None: true}},
		"no metric at all":                  {"vector(1) > 0", have(), Applicability{}},
		"an expression that cannot be read": {"a >", have(), Applicability{}},
		"twice the same":                    {"a / a > 1", have(), Applicability{Missing: []string{"a"}, None: true}},
		"an argument of a function":         {"histogram_quantile(0.9, sum by (le) (rate(a[1m]))) > 1", have(), Applicability{Missing: []string{"a"}, None: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.stock.Applies(tc.expr, "new")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// With more metrics, never less applies.
func TestMoreMetricsNeverHideARule(t *testing.T) {
	exprs := []string{"a / b > 1", "a > 1 or b > 1", "a unless b", "sum(a or b) > c", `l{resource="cpu"} > a`}
	keys := []string{"a new", "b new", "c new", `l{resource="cpu"} new`}
	for _, expr := range exprs {
		for subset := range 1 << len(keys) {
			stock := have("up new")
			for i, key := range keys {
				if subset&(1<<i) != 0 {
					name, release, _ := strings.Cut(key, " ")
					stock.add(name, release)
				}
			}
			before := stock.Applies(expr, "new")
			for _, key := range keys {
				name, release, _ := strings.Cut(key, " ")
				more := have("up new")
				for k, releases := range stock {
					for _, r := range releases {
						more.add(k, r)
					}
				}
				more.add(name, release)
				after := more.Applies(expr, "new")
				if after.None && !before.None || len(after.Missing) > len(before.Missing) {
					t.Errorf("%s: with %v it lacks %v, with %s as well %v", expr, stock, before, key, after)
				}
			}
		}
	}
}
