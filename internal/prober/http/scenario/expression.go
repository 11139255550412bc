package scenario

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	// maxCost bounds how much an expression may compute; the API server gives
	// one of its own rules ten times as much.
	maxCost = 100_000
	// maxValue is how long a captured text may be, in bytes.
	maxValue = 4096
)

// Answer is what expressions are about.
type Answer struct {
	Header http.Header
	Body   []byte
}

// Failure says what was answered in place of what is expected, in words that do
// not repeat it: "a body of which …". Invalid means that the expectation itself
// is at fault; then it is a sentence.
type Failure struct {
	Invalid bool
	Message string
}

func amiss(format string, args ...any) *Failure {
	return &Failure{Message: fmt.Sprintf(format, args...)}
}

// Holds says what is wrong when an expression is not true of an answer.
func (v Values) Holds(expression string, a Answer) *Failure {
	value, failure := v.eval("expect.json", expression, a)
	if failure != nil {
		return failure
	}
	held, isBool := value.Value().(bool)
	switch {
	case !isBool:
		return &Failure{true, fmt.Sprintf("expect.json: %s gives a %s, not true or false", expression, value.Type().TypeName())}
	case !held:
		return amiss("a body of which %s is not true", expression)
	}
	return nil
}

// Take is the value of an expression over an answer: a text, a number or a
// truth value.
func (v Values) Take(expression string, a Answer) (any, *Failure) {
	value, failure := v.eval("capture", expression, a)
	if failure != nil {
		return nil, failure
	}
	switch is := value.Value().(type) {
	case string:
		if is == "" || len(is) > maxValue {
			return nil, amiss("a body of which %s gives a text that is empty, or longer than %d bytes", expression, maxValue)
		}
		return is, nil
	case int64, uint64, bool:
		return is, nil
	case float64:
		if !math.IsNaN(is) && !math.IsInf(is, 0) {
			return is, nil
		}
	}
	return nil, amiss("a body of which %s gives no text, number or truth value", expression)
}

// eval computes an expression. What the answer holds is not repeated, so
// neither are the library's errors.
func (v Values) eval(field, expression string, a Answer) (ref.Val, *Failure) {
	program, about, err := compile(expression, v.names())
	if err != nil {
		return nil, &Failure{true, field + ": " + err.Error()}
	}
	given := map[string]any{"text": string(a.Body), "headers": lower(a.Header)}
	for captured, value := range v {
		given[identifier(captured)] = value
	}
	if about.body {
		var decoded any
		if utiljson.Unmarshal(a.Body, &decoded) != nil { // keeps integers exact
			return nil, amiss("a body that is not JSON, of which %s cannot be told", expression)
		}
		given["body"] = decoded
	}
	value, _, err := program.Eval(given)
	if err != nil {
		return nil, amiss("a body of which %s cannot be told: a field is missing, of another type, or too large to compute with", expression)
	}
	return value, nil
}

// lower are headers by their lower-case names, the first of each.
func lower(header http.Header) map[string]string {
	out := make(map[string]string, len(header))
	for key := range header {
		out[strings.ToLower(key)] = header.Get(key)
	}
	return out
}

// subject is what an expression is about.
type subject struct {
	body bool // the decoded one
	kind *cel.Type
}

// compile makes a program of an expression. A captured value is a variable in
// it, of the same length as ${name}, so that positions stay what they were.
func compile(expression string, captured known) (cel.Program, subject, error) {
	if err := captured.check(expression); err != nil {
		return nil, subject{}, err
	}
	parts, _ := pieces(expression) // check has looked at it
	var text strings.Builder
	options, times := []cel.EnvOption{
		cel.Variable("body", cel.DynType), cel.Variable("text", cel.StringType),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.StringType)), ext.Strings(),
	}, map[string]int{}
	for _, p := range parts {
		if p.name == "" {
			_, _ = text.WriteString(p.text)
			continue
		}
		_, _ = text.WriteString(identifier(p.name))
		if times[identifier(p.name)]++; times[identifier(p.name)] == 1 {
			options = append(options, cel.Variable(identifier(p.name), cel.DynType))
		}
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, subject{}, fmt.Errorf("build the CEL environment: %w", err)
	}
	checked, issues := env.Compile(text.String())
	if found := issues.Errors(); len(found) > 0 {
		at := found[0].Location
		text, _, _ := strings.Cut(found[0].Message, "\n")
		return nil, subject{}, fmt.Errorf("is not CEL: line %d, column %d: %s", at.Line(), at.Column()+1, verdict.Clip(text, 256))
	}
	uses := usesOf(env, text.String())
	for _, p := range parts {
		if p.name != "" && uses[identifier(p.name)] < times[identifier(p.name)] {
			return nil, subject{}, fmt.Errorf("has ${%s} inside a text, a name or a comment: it stands for a value, so write \"…\" + ${%s}", p.name, p.name)
		}
	}
	program, err := env.Program(checked, cel.CostLimit(maxCost))
	if err != nil {
		return nil, subject{}, errors.New("is not CEL that can be computed: simplify it")
	}
	about := subject{kind: checked.OutputType(), body: uses["body"] > 0 || uses["text"]+uses["headers"] == 0}
	return program, about, nil
}

// truth finds what is wrong with an expression that must give a truth value.
func truth(expression string, captured known) error {
	_, about, err := compile(expression, captured)
	if err != nil {
		return err
	}
	if !about.kind.IsExactType(cel.BoolType) && !about.kind.IsExactType(cel.DynType) {
		return fmt.Errorf("gives a %s, not true or false: compare it with what it must be", about.kind)
	}
	return nil
}

// scalar finds what is wrong with an expression that must give a text, a
// number or a truth value.
func scalar(expression string, captured known) error {
	_, about, err := compile(expression, captured)
	if err != nil {
		return err
	}
	if slices.ContainsFunc([]*cel.Type{cel.StringType, cel.IntType, cel.UintType, cel.DoubleType, cel.BoolType, cel.DynType}, about.kind.IsExactType) {
		return nil
	}
	return fmt.Errorf("gives a %s, not a text, a number or a truth value: choose one in it", about.kind)
}

// usesOf counts the names in an expression, as it was written.
func usesOf(env *cel.Env, text string) map[string]int {
	uses := map[string]int{}
	plain, err := env.Extend(cel.ClearMacros())
	if err != nil {
		return uses
	}
	parsed, issues := plain.Parse(text)
	if issues.Err() != nil {
		return uses
	}
	ast.PreOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind {
			uses[e.AsIdent()]++
		}
	}))
	return uses
}

// identifier is a captured value's name in CEL, as long as ${name}.
func identifier(captured string) string { return "_" + captured + "__" }

func (v Values) names() known {
	names := known{}
	for captured := range v {
		names[captured] = true
	}
	return names
}
