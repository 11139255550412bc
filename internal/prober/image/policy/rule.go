package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"

	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	// maxCost bounds how much a rule may compute. An SBOM of a megabyte can be
	// gone through once; the API server gives rules of its own as much.
	maxCost = 1_000_000
	// pace is after how many steps of a comprehension the context is asked.
	pace = 100
	// maxProblem is how long an error of CEL may be in a message, in bytes.
	maxProblem = 256
)

// Rule is what must be true of a statement.
type Rule struct{ program cel.Program }

// Compile reads a rule: CEL over the variable predicate that may give a truth
// value.
func Compile(expression string) (Rule, error) {
	env, err := cel.NewEnv(cel.Variable("predicate", cel.DynType), ext.Strings())
	if err != nil {
		return Rule{}, fmt.Errorf("build the CEL environment: %w", err)
	}
	ast, issues := env.Compile(expression)
	if found := issues.Errors(); len(found) > 0 {
		at := found[0].Location
		text, _, _ := strings.Cut(found[0].Message, "\n")
		return Rule{}, fmt.Errorf("is not CEL: line %d, column %d: %s", at.Line(), at.Column()+1, verdict.Clip(text, maxProblem))
	}
	if kind := ast.OutputType(); !kind.IsExactType(cel.BoolType) && !kind.IsExactType(cel.DynType) {
		return Rule{}, fmt.Errorf("gives a %s, not true or false: compare it with what it must be", kind)
	}
	// Optimizing compiles constant patterns, so that a broken one is found now.
	program, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost), cel.InterruptCheckFrequency(pace))
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		return Rule{}, fmt.Errorf("is not CEL that can be computed: %s", verdict.Clip(text, maxProblem))
	}
	return Rule{program}, nil
}

// Holds is nil when the rule is true of the predicate. What cannot be told,
// and what is not a truth value, is not true.
func (r Rule) Holds(ctx context.Context, predicate map[string]any) error {
	value, _, err := r.program.ContextEval(ctx, map[string]any{"predicate": predicate})
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		return errors.New(verdict.Clip(text, maxProblem))
	}
	held, isBool := value.Value().(bool)
	switch {
	case !isBool:
		return fmt.Errorf("it gives a %s, not true or false", value.Type().TypeName())
	case !held:
		return errors.New("it is false")
	}
	return nil
}
