package gate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// maxCost bounds what an expression may cost to compute.
const maxCost = 1_000_000

// expressed says whether an expression is true. One that cannot be told is not
// false: the object may yet get what it lacks.
func expressed(name string, g v1alpha1.ExpressionGate, f Facts) verdict.Verdict {
	rests := verdict.Evidence{Query: g.Rule, Threshold: "true", Source: fmt.Sprintf("SignalDeployment %s/%s", f.Object.Namespace, f.Object.Name)}
	held, err := eval(g.Rule, f)
	if err != nil {
		return verdict.With(wait("ExpressionUnknown", "Gate %q: %s cannot be told: %s", name, g.Rule, verdict.Clip(err.Error(), 512)), rests)
	}
	rests.Value = fmt.Sprint(held)
	switch {
	case held:
		return verdict.With(pass("ExpressionTrue", "The rule of gate %q is true", name), rests)
	case g.Message != "":
		return verdict.With(wait("ExpressionFalse", "Gate %q: %s", name, g.Message), rests)
	}
	return verdict.With(wait("ExpressionFalse", "Gate %q: %s is not true", name, g.Rule), rests)
}

func eval(rule string, f Facts) (bool, error) {
	program, err := compile(rule)
	if err != nil {
		return false, err
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(f.Object)
	if err != nil {
		return false, fmt.Errorf("read the object: %w", err)
	}
	released := map[string]any{}
	if c := f.Object.Status.Candidate; c != nil {
		released = map[string]any{"id": c.ID, "version": c.Version, "image": c.Image, "digest": c.Digest}
	}
	value, _, err := program.Eval(map[string]any{"object": object, "release": released})
	if err != nil {
		return false, err //nolint:wrapcheck // the sentence around it says what was computed
	}
	held, is := value.Value().(bool)
	if !is {
		return false, fmt.Errorf("it gives a %s, not true or false", value.Type().TypeName())
	}
	return held, nil
}

// compile makes a program of an expression that may give a truth value.
func compile(rule string) (cel.Program, error) {
	env, err := cel.NewEnv(cel.Variable("object", cel.DynType), cel.Variable("release", cel.MapType(cel.StringType, cel.StringType)), ext.Strings())
	if err != nil {
		return nil, fmt.Errorf("build the CEL environment: %w", err)
	}
	ast, issues := env.Compile(rule)
	if found := issues.Errors(); len(found) > 0 {
		at := found[0].Location
		text, _, _ := strings.Cut(found[0].Message, "\n")
		return nil, fmt.Errorf("is not CEL: line %d, column %d: %s", at.Line(), at.Column()+1, verdict.Clip(text, 256))
	}
	if kind := ast.OutputType(); !kind.IsExactType(cel.BoolType) && !kind.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("gives a %s, not true or false: compare it with what it must be", kind)
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost))
	if err != nil {
		return nil, errors.New("is not CEL that can be computed: simplify it")
	}
	return program, nil
}
