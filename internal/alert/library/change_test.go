package library_test

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// idle reports whether a node only says that there is something: it is
// multiplied by 0, or counted if it is more than 0. Windows say when it was.
func idle(path []parser.Node) bool {
	for i, node := range path {
		e, binary := node.(*parser.BinaryExpr)
		if !binary {
			continue
		}
		left, _ := e.LHS.(*parser.NumberLiteral)
		right, _ := e.RHS.(*parser.NumberLiteral)
		counted := i > 0 && isCount(path[i-1])
		void := left != nil && left.Val == 0 && e.Op == parser.MUL && (i == len(path)-1 || path[i+1] == e.RHS)
		some := right != nil && right.Val == 0 && e.Op == parser.GTR && counted && i < len(path)-1 && path[i+1] == e.LHS
		if void || some && !windowed(path[len(path)-1]) {
			return true
		}
	}
	return false
}

func isCount(node parser.Node) bool {
	e, aggregates := node.(*parser.AggregateExpr)
	return aggregates && e.Op == parser.COUNT
}

func windowed(node parser.Node) bool {
	_, yes := node.(*parser.MatrixSelector)
	return yes
}

// scaleless reports whether only proportions count: those of a histogram.
func scaleless(path []parser.Node) bool {
	return slices.ContainsFunc(path, func(node parser.Node) bool {
		e, call := node.(*parser.Call)
		return call && e.Func.Name == "histogram_quantile"
	})
}

// identity are the labels by which selectors say whose series they take.
var identity = []string{"namespace", "exported_namespace", "delivery_signal_dev_name", "name", "pod"}

// everyones takes the series of everyone: one selector alone would do no harm
// where it is joined with others.
func everyones(expr parser.Expr, label string) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if e, selects := node.(*parser.VectorSelector); selects {
			e.LabelMatchers = slices.DeleteFunc(e.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == label && m.Value != "" })
		}
		return nil
	})
}

func without[T any](list []T, i int) []T { return slices.Concat(list[:i], list[i+1:]) }

// near are other numbers: for what is counted, the next; else a tenth away.
func near(n float64) []float64 {
	if n <= 5 && n == float64(int(n)) {
		return []float64{n + 1, n - 1}
	}
	return []float64{n * 1.1, n * 0.9}
}

var instead = map[parser.ItemType][]parser.ItemType{
	parser.GTR: {parser.GTE, parser.LSS}, parser.GTE: {parser.GTR, parser.LTE},
	parser.LSS: {parser.LTE, parser.GTR}, parser.LTE: {parser.LSS, parser.GTE},
	parser.EQLC: {parser.NEQ}, parser.LAND: {parser.LOR, parser.LUNLESS}, parser.LOR: {parser.LUNLESS}, parser.LUNLESS: {parser.LAND, parser.LOR},
	parser.ADD: {parser.SUB}, parser.SUB: {parser.ADD}, parser.MUL: {parser.DIV}, parser.DIV: {parser.MUL},
	parser.SUM: {parser.MAX, parser.AVG}, parser.MAX: {parser.MIN, parser.SUM}, parser.MIN: {parser.MAX}, parser.AVG: {parser.MIN, parser.MAX}, parser.COUNT: {parser.SUM},
}

var functions = map[string]string{
	"max_over_time": "min_over_time", "min_over_time": "max_over_time", "increase": "rate", "rate": "increase", "changes": "resets",
}

// matching is that of an operator that was put in another's place.
func matching(e *parser.BinaryExpr) *parser.VectorMatching {
	if e.VectorMatching == nil || !e.Op.IsSetOperator() {
		return e.VectorMatching
	}
	m := *e.VectorMatching
	m.Card = parser.CardManyToMany
	return &m
}
