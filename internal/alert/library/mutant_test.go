package library_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"

	"github.com/signal-delivery/operator/internal/alert/builtin"
)

// harmless are mutants that mean the same as the rule, or differ from it where
// no server ever is, each with the reason.
var harmless = map[string]string{
	"SignalLatencyHigh: 3 >= for >":               "interpolation between 0.4 s and 0.75 s never gives exactly 0.5 s",
	"SignalLatencyAboveStable: 3 >= for >":        "the product of a quantile and 1.5 is not exact",
	"SignalLatencyAboveStable: 84 >= for >":       "the product of a quantile and 1.5 is not exact",
	"SignalErrorBudgetBurningFast: 4 >= for >":    "14.4 * (1 - 0.999) is not exact",
	"SignalErrorBudgetBurningFast: 32 >= for >":   "14.4 * (1 - 0.999) is not exact",
	"SignalErrorBudgetBurningSlowly: 4 >= for >":  "6 * (1 - 0.999) is not exact",
	"SignalErrorBudgetBurningSlowly: 32 >= for >": "6 * (1 - 0.999) is not exact",
	"SignalTrafficDropped: 0 <= for <":            "what it was before changes while the drop lasts",
	"SignalTrafficDropped: 15 > for >=":           "a rate over ten minutes is not exact",
}

// Whatever is changed in an expression, a story tells: every number, window,
// offset, comparison, operator, aggregation, label and matcher.
func TestEveryMutantIsFound(t *testing.T) {
	found := map[string]bool{}
	tried := 0
	for rule, told := range stories() {
		t.Run(rule, func(t *testing.T) {
			group := story{}.rule(t, rule)[0]
			servers := map[string]builtin.Query{}
			for name, s := range told {
				servers[name] = serve(t, s.step(), append(s.lines(), scraped))
			}
			for name, mutant := range mutants(t, group.Rules[0].Expr.String()) {
				tried++
				id := rule + ": " + name
				killed := slices.ContainsFunc(slices.Sorted(maps.Keys(told)), func(s string) bool {
					return told[s].window == 0 && told[s].differs(t, servers[s], group.Rules[0], mutant)
				})
				found[id] = killed
				if !killed && harmless[id] == "" {
					t.Errorf("no story tells: %s\n%s", name, mutant)
				}
			}
		})
	}
	t.Logf("%d mutants", tried)
	for id := range harmless {
		if killed, known := found[id]; killed || !known {
			t.Errorf("%s: there is no such harmless mutant", id)
		}
	}
}

// differs reports whether a story comes out differently with the mutant: an
// alert that should fire is another one, or one that should not has held for
// long enough.
func (s story) differs(t *testing.T, ask builtin.Query, rule monitoringv1.Rule, mutant string) bool {
	t.Helper()
	hold := time.Duration(0)
	if rule.For != nil {
		hold, _ = time.ParseDuration(string(*rule.For))
	}
	if len(s.want) > 0 {
		want, err := ask(t.Context(), rule.Expr.String(), s.end())
		if err != nil {
			t.Fatal(err)
		}
		got, err := ask(t.Context(), mutant, s.end())
		return err != nil || printed(want) != printed(got)
	}
	for at := s.end().Add(-hold); !at.After(s.end()); at = at.Add(s.step()) {
		if got, err := ask(t.Context(), mutant, at); err == nil && len(got) == 0 {
			return false
		}
	}
	return true
}

func printed(vector promql.Vector) string {
	lines := make([]string, 0, len(vector))
	for _, sample := range vector {
		lines = append(lines, fmt.Sprintf("%s %.9g", sample.Metric, sample.F))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Another "for" makes another alert.
func TestEveryForIsTold(t *testing.T) {
	for rule, told := range stories() {
		group := story{}.rule(t, rule)
		if group[0].Rules[0].For == nil {
			continue // which TestTheRules tells
		}
		hold, err := time.ParseDuration(string(*group[0].Rules[0].For))
		if err != nil {
			t.Fatal(err)
		}
		others := []time.Duration{hold - 5*time.Second, hold + 5*time.Second}
		for _, other := range others {
			differs := false
			for _, s := range told {
				if s.window != 0 {
					continue
				}
				mutant := s.rule(t, rule)
				mutant[0].Rules[0].For = new(monitoringv1.Duration(other.String()))
				ask := serve(t, s.step(), append(s.lines(), scraped))
				differs = differs || !slices.Equal(s.want, s.plays(t, ask, mutant))
			}
			if !differs {
				t.Errorf("%s: no story tells that for is not %s", rule, other)
			}
		}
	}
}

// mutants are the ways in which an expression can be wrong, by what is
// different.
func mutants(t *testing.T, text string) map[string]string {
	t.Helper()
	all := map[string]string{}
	count := len(changes(parse(t, text)))
	for i := range count {
		expr := parse(t, text)
		c := changes(expr)[i]
		c.apply()
		mutant := expr.String()
		if mutant == text || mutant == parse(t, text).String() {
			continue
		}
		if _, err := promparser.ParseExpr(mutant); err != nil {
			continue // which the parser tells
		}
		all[fmt.Sprintf("%d %s", i, c.what)] = mutant
	}
	return all
}

func parse(t *testing.T, text string) parser.Expr {
	t.Helper()
	expr, err := promparser.ParseExpr(text)
	if err != nil {
		t.Fatal(err)
	}
	return expr
}

type change struct {
	what  string
	apply func()
}

// changes are those that can be made to an expression, in its order.
func changes(expr parser.Expr) []change {
	var all []change
	add := func(apply func(), what string, args ...any) {
		all = append(all, change{fmt.Sprintf(what, args...), apply})
	}
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		if idle(append(path, node)) {
			return nil
		}
		switch e := node.(type) {
		case *parser.NumberLiteral:
			for _, other := range near(e.Val) {
				add(func() { e.Val = other }, "%g for %g", other, e.Val)
			}
		case *parser.BinaryExpr:
			for _, other := range instead[e.Op] {
				add(func() { e.Op = other; e.VectorMatching = matching(e) }, "%s for %s", other, e.Op)
			}
			if e.VectorMatching != nil && e.VectorMatching.On {
				for i, label := range e.VectorMatching.MatchingLabels {
					if slices.Contains(identity, label) {
						continue // both sides are of the one service
					}
					add(func() { e.VectorMatching.MatchingLabels = without(e.VectorMatching.MatchingLabels, i) }, "on without %s", label)
				}
			}
		case *parser.AggregateExpr:
			for _, other := range instead[e.Op] {
				if !scaleless(path) || other != parser.AVG {
					add(func() { e.Op = other }, "%s for %s", other, e.Op)
				}
			}
			for i, label := range e.Grouping {
				add(func() { e.Grouping = without(e.Grouping, i) }, "by without %s", label)
			}
		case *parser.Call:
			if other := functions[e.Func.Name]; other != "" && !scaleless(path) {
				add(func() { e.Func = parser.Functions[other] }, "%s for %s", other, e.Func.Name)
			}
		case *parser.MatrixSelector:
			add(func() { e.Range *= 2 }, "[%s] twice", e.Range)
			add(func() { e.Range /= 2 }, "[%s] halved", e.Range)
		case *parser.VectorSelector:
			if e.OriginalOffset != 0 {
				add(func() { e.OriginalOffset *= 2 }, "offset %s twice", e.OriginalOffset)
				add(func() { e.OriginalOffset = 0 }, "no offset %s", e.OriginalOffset)
			}
			for i, m := range e.LabelMatchers {
				if m.Name != model.MetricNameLabel && !slices.Contains(identity, m.Name) && m.Name != "track" {
					add(func() { e.LabelMatchers = without(e.LabelMatchers, i) }, "%s without %s", e.Name, m)
				}
			}
		}
		return nil
	})
	for _, label := range append([]string{"track"}, identity...) {
		add(func() { everyones(expr, label) }, "any %s", label)
	}
	return all
}
