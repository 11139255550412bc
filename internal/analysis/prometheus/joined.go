package prometheus

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/signal-delivery/operator/internal/analysis"
)

// tag is the label that says which part of a joined query a series answers.
const tag = "signal_operator_part"

// overhead is how many bytes joining adds to a part, at most.
const overhead = len("label_replace(vector((\n)), \"\", \"\", \"\", \"\")\nor ()\n") + len(tag) + 20

// joinable is the query as it can be a part of a joined one, a vector. Only
// what is whole by itself can: one that this parser does not know, or that
// answers with something else, is asked alone.
func joinable(query string) (vector string, ok bool) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		return "", false
	}
	switch expr.Type() {
	case parser.ValueTypeVector:
		return "(" + query + "\n)", true // the query may end with a comment
	case parser.ValueTypeScalar:
		return "vector((" + query + "\n))", true
	case parser.ValueTypeNone, parser.ValueTypeMatrix, parser.ValueTypeString:
	}
	return "", false
}

// join is one query that answers with the series of all parts, in their order,
// each with the number of its part as a label. Series of different parts differ
// in it, so that `or` drops none; within a part it drops none either. The tree
// is balanced, lest series be copied once for each part.
func join(parts []*part) string {
	var text strings.Builder
	writeJoined(&text, parts, 0)
	return text.String()
}

func writeJoined(text *strings.Builder, parts []*part, first int) {
	if len(parts) == 1 {
		fmt.Fprintf(text, `label_replace(%s, %q, "%d", "", "")`, parts[0].vector, tag, first)
		return
	}
	half := len(parts) / 2
	text.WriteByte('(')
	writeJoined(text, parts[:half], first)
	text.WriteString(")\nor (")
	writeJoined(text, parts[half:], first+half)
	text.WriteByte(')')
}

// separate is what each of n parts would have been answered alone. It reports
// false for what is no answer to a joined query.
func separate(value model.Value, n int) ([]reply, bool) {
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, false
	}
	of := make([]model.Vector, n)
	for _, sample := range vector {
		i, err := strconv.Atoi(string(sample.Metric[tag]))
		if err != nil || i < 0 || i >= n {
			return nil, false
		}
		of[i] = append(of[i], sample)
	}
	replies := make([]reply, n)
	for i, v := range of {
		replies[i].points, replies[i].err = ofVector(v)
	}
	return replies, true
}

// reply is what a query is answered with.
type reply struct {
	points []analysis.Point
	err    error
}
