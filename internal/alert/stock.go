package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Stock is which metrics a server has, and of which releases: the hashes by
// metric, with "" for what is of no release in particular. A nil Stock is one
// that was not taken.
type Stock map[string][]string

// Labels that a stock query answers with.
const metricLabel = "metric"

// whose are the labels by which selectors say whose series they take.
var whose = []string{namespaceLabel, "exported_" + namespaceLabel, nameLabel, "name", "pod", "job", "service"}

// StockQuery asks for the metrics that the alert rules of the groups take, in
// one query; it is empty when they take none.
func StockQuery(groups []Group) string {
	scopes := map[string]map[string]bool{} // names by whose they are
	for _, group := range groups {
		for _, rule := range group.Rules {
			if expr := exprs.of(rule.Expr.String(), parsed); expr != nil && rule.Alert != "" {
				addScopes(scopes, expr)
			}
		}
	}
	asked := make([]string, 0, len(scopes))
	for _, scope := range slices.Sorted(maps.Keys(scopes)) {
		names := strings.Join(slices.Sorted(maps.Keys(scopes[scope])), "|")
		asked = append(asked, fmt.Sprintf(`group by (%s, %s, %s) (label_replace({%s=~%q%s}, %q, "$1", %q, "(.+)"))`,
			metricLabel, resourceLabel, releaseLabel, model.MetricNameLabel, names, scope, metricLabel, model.MetricNameLabel))
	}
	return strings.Join(asked, " or ")
}

// addScopes notes the metrics of an expression, and whose they are to be.
func addScopes(scopes map[string]map[string]bool, expr parser.Expr) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		e, selects := node.(*parser.VectorSelector)
		if !selects || len(keysOf(e)) == 0 {
			return nil
		}
		var scope strings.Builder
		for _, m := range e.LabelMatchers {
			if slices.Contains(whose, m.Name) {
				scope.WriteString("," + m.String())
			}
		}
		if scopes[scope.String()] == nil {
			scopes[scope.String()] = map[string]bool{}
		}
		scopes[scope.String()][nameOfMetric(e)] = true
		return nil
	})
}

// StockOf makes a stock of the series that answer a stock query.
func StockOf(series []labels.Labels) Stock {
	s := Stock{}
	for _, one := range series {
		name, resource, release := one.Get(metricLabel), one.Get(resourceLabel), one.Get(releaseLabel)
		s.add(name, release)
		if resource != "" {
			s.add(keyOfMetric(name, resource), release)
		}
	}
	return s
}

func (s Stock) add(key, release string) {
	if !slices.Contains(s[key], release) {
		s[key] = append(s[key], release)
	}
}

// has reports whether there is the metric, of that release or of no release
// in particular; "" is any release.
func (s Stock) has(key, release string) bool {
	releases, there := s[key]
	return there && (release == "" || slices.Contains(releases, release) || slices.Contains(releases, ""))
}

// knows reports whether anything is known of a release.
func (s Stock) knows(release string) bool {
	for _, releases := range s {
		if slices.Contains(releases, release) {
			return true
		}
	}
	return false
}
