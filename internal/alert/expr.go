package alert

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// promql parses what every Prometheus understands, without experiments.
var promql = parser.NewParser(parser.Options{})

var variable = regexp.MustCompile(`\$\{[^}]*\}?`)

// expand fills in the variables of an expression and checks that it is one
// that alerts can be made of. Positions in the error are those in the text as
// it was written.
func expand(text, namespace, name string) (string, error) {
	for _, v := range variable.FindAllString(text, -1) {
		if v != "${namespace}" && v != "${name}" {
			return "", fmt.Errorf("expr: %s is not known in a rule: there are ${namespace} and ${name}", v)
		}
	}
	stand := variable.ReplaceAllStringFunc(text, func(v string) string { return strings.Repeat("n", len(v)) })
	filled := strings.NewReplacer("${namespace}", namespace, "${name}", name).Replace(text)
	for _, t := range []string{stand, filled} {
		expr, err := promql.ParseExpr(t)
		if err != nil {
			return "", fmt.Errorf("expr %w", err) // which begins with line and column
		}
		if kind := expr.Type(); kind != parser.ValueTypeVector && kind != parser.ValueTypeScalar {
			return "", fmt.Errorf("expr: must answer with an instant vector, but is a %s", parser.DocumentedType(kind))
		}
	}
	return filled, nil
}

// same reports whether a server evaluates the expression that was asked for:
// it prints expressions in its own way, and where it separates tenants, it has
// been told to look at the one namespace only.
func same(live, asked, namespace string) bool {
	if live == asked {
		return true
	}
	printed, expr := canonical(live), parsed(asked)
	if expr == nil {
		return false
	}
	return printed == expr.String() || printed == enforced(expr, namespace).String()
}

func parsed(text string) parser.Expr {
	expr, err := promql.ParseExpr(text)
	if err != nil {
		return nil
	}
	return expr
}

// canonical is how Prometheus prints an expression.
func canonical(text string) string {
	if expr := parsed(text); expr != nil {
		return expr.String()
	}
	return text
}

// enforced is the expression as the Prometheus operator's enforcedNamespaceLabel
// changes it: every selector is of the namespace. It changes expr.
func enforced(expr parser.Expr, namespace string) parser.Expr {
	only := labels.MustNewMatcher(labels.MatchEqual, namespaceLabel, namespace)
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		others := slices.DeleteFunc(selector.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == namespaceLabel })
		selector.LabelMatchers = slices.Concat(others, []*labels.Matcher{only})
		return nil
	})
	return expr
}

// maxMade bounds what is kept of texts.
const maxMade = 4096

// memo keeps what was made of texts, which are few, long and asked for again
// every second. What it gives must not be changed.
type memo[T any] struct {
	mu   sync.Mutex
	made map[string]T
}

func (m *memo[T]) of(text string, from func(string) T) T {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, has := m.made[text]; has {
		return known
	}
	if m.made == nil || len(m.made) >= maxMade {
		m.made = map[string]T{}
	}
	m.made[text] = from(text)
	return m.made[text]
}

var (
	exprs      memo[parser.Expr]
	thresholds memo[string]
)

// threshold is what an expression holds its value against, such as "> 0.01",
// or "" where that cannot be told.
func threshold(text string) string { return thresholds.of(text, thresholdOf) }

func thresholdOf(text string) string {
	expr := parsed(text)
	for {
		switch e := expr.(type) {
		case *parser.ParenExpr:
			expr = e.Expr
		case *parser.Call:
			if e.Func.Name != "label_replace" {
				return ""
			}
			expr = e.Args[0] // which changes labels alone
		case *parser.BinaryExpr:
			switch {
			case e.Op == parser.LOR:
				return either(thresholdOf(e.LHS.String()), thresholdOf(e.RHS.String()))
			case e.Op == parser.LAND || e.Op == parser.LUNLESS: // the value is the left side's
				expr = e.LHS
			case !e.Op.IsComparisonOperator() || e.ReturnBool:
				return ""
			case e.LHS.Type() == parser.ValueTypeScalar:
				return fmt.Sprintf("%s %s", mirrored(e.Op), e.LHS)
			default:
				return fmt.Sprintf("%s %s", e.Op, e.RHS)
			}
		default:
			return ""
		}
	}
}

// either is one threshold or the other.
func either(one, other string) string {
	if one == "" || other == "" {
		return ""
	}
	return one + " or " + other
}

// mirrored is the comparison with its sides exchanged.
func mirrored(op parser.ItemType) parser.ItemType {
	other, differs := map[parser.ItemType]parser.ItemType{
		parser.GTR: parser.LSS, parser.LSS: parser.GTR, parser.GTE: parser.LTE, parser.LTE: parser.GTE,
	}[op]
	if differs {
		return other
	}
	return op
}
