package httpprobe

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// maxCost bounds how much an expression may compute; the API server gives one
// of its own rules ten times as much.
const maxCost = 100_000

// Validate finds the first expression of a check that is no CEL, and names its
// field and position.
func Validate(check v1alpha1.HTTPCheck) error {
	for i, r := range check.Requests {
		if r.Expect.JSON == "" {
			continue
		}
		if _, err := compile(r.Expect.JSON); err != nil {
			return fmt.Errorf("http.requests[%d].expect.json: %w", i, err)
		}
	}
	return nil
}

// holds reports whether an expression is true of a JSON body; the reason says
// what the error is about.
func holds(expression string, body []byte) (held bool, reason string, err error) {
	program, err := compile(expression)
	if err != nil {
		return false, ReasonExpression, err
	}
	var decoded any
	if err := json.Unmarshal(body, &decoded); err != nil {
		return false, ReasonBody, errors.New("the body is not JSON")
	}
	value, _, err := program.Eval(map[string]any{"body": decoded})
	if err != nil {
		return false, ReasonBody, fmt.Errorf("%s cannot be told of the body: %w", expression, err)
	}
	held, isBool := value.Value().(bool)
	if !isBool {
		return false, ReasonExpression, fmt.Errorf("%s gives a %s, not true or false", expression, value.Type().TypeName())
	}
	return held, "", nil
}

func compile(expression string) (cel.Program, error) {
	env, err := cel.NewEnv(cel.Variable("body", cel.DynType), ext.Strings())
	if err != nil {
		return nil, fmt.Errorf("build the CEL environment: %w", err)
	}
	ast, issues := env.Compile(expression)
	if err := issues.Err(); err != nil {
		return nil, fmt.Errorf("is not CEL: %s", strings.TrimPrefix(firstLine(err.Error()), "ERROR: "))
	}
	if t := ast.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("gives a %s, not true or false", t)
	}
	return env.Program(ast, cel.CostLimit(maxCost))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
