package alert

import (
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// resourceLabel tells apart the series of one metric that are about different
// things: a memory limit is no CPU limit.
const resourceLabel = "resource"

// sparse are metrics that exist only while something is wrong: their absence
// says nothing of what a server has.
var sparse = []string{
	"ALERTS", "ALERTS_FOR_STATE", "kube_pod_status_reason", "kube_pod_container_status_waiting_reason",
	"kube_pod_container_status_terminated_reason", "kube_pod_container_status_last_terminated_reason",
}

// parts are the sides of an expression's outermost "or": each is a condition
// of its own.
func parts(expr parser.Expr) []parser.Expr {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return parts(e.Expr)
	case *parser.BinaryExpr:
		if e.Op == parser.LOR {
			return append(parts(e.LHS), parts(e.RHS)...)
		}
	}
	return []parser.Expr{expr}
}

// lacking are the metrics for want of which an expression cannot be answered;
// none when it can. "a or b" is answered by either, "a unless b" by a alone;
// everything else takes all that it is made of.
func (s Stock) lacking(node parser.Node, release string) []string {
	var all []string
	switch e := node.(type) {
	case *parser.VectorSelector:
		return slices.DeleteFunc(keysOf(e), func(key string) bool { return s.has(key, release) })
	case *parser.BinaryExpr:
		if e.Op == parser.LUNLESS {
			return s.lacking(e.LHS, release)
		}
		left, right := s.lacking(e.LHS, release), s.lacking(e.RHS, release)
		if e.Op == parser.LOR && (len(left) == 0 || len(right) == 0) {
			return nil
		}
		return append(left, right...)
	}
	for child := range parser.ChildrenIter(node) {
		all = append(all, s.lacking(child, release)...)
	}
	return all
}

// keysOf is the metric that a selector takes, if its absence means anything.
func keysOf(e *parser.VectorSelector) []string {
	name := nameOfMetric(e)
	if name == "" || slices.Contains(sparse, name) {
		return nil
	}
	for _, m := range e.LabelMatchers {
		if m.Name == resourceLabel && m.Type == labels.MatchEqual {
			return []string{keyOfMetric(name, m.Value)}
		}
	}
	return []string{name}
}

// nameOfMetric is the one metric that a selector takes, or "".
func nameOfMetric(e *parser.VectorSelector) string {
	for _, m := range e.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return e.Name
}

func keyOfMetric(name, resource string) string {
	if resource == "" {
		return name
	}
	return name + "{" + resourceLabel + `="` + resource + `"}`
}

// Applicability is whether a rule can say anything, with the metrics there are.
type Applicability struct {
	Missing []string // metrics for want of which it, or a part of it, cannot; sorted
	None    bool     // no part of it can
}

// Applies holds what an expression needs against the metrics that there are of
// a release. Of a release without any metrics, those of other releases count:
// it has not begun.
func (s Stock) Applies(expr, release string) Applicability {
	parsed := exprs.of(expr, parsed)
	if parsed == nil {
		return Applicability{}
	}
	if !s.knows(release) {
		release = ""
	}
	missing, answered := map[string]bool{}, false
	for _, part := range parts(parsed) {
		lacking := s.lacking(part, release)
		answered = answered || len(lacking) == 0
		for _, key := range lacking {
			missing[key] = true
		}
	}
	return Applicability{Missing: slices.Sorted(maps.Keys(missing)), None: !answered}
}
