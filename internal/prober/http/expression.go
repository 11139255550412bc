package httpprobe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	// maxCost bounds how much an expression may compute; the API server gives
	// one of its own rules ten times as much.
	maxCost = 100_000
	// maxCheck is how long a check's requests may be as JSON, in bytes: they
	// travel to the prober in one environment variable, which Linux limits to
	// 128 KiB.
	maxCheck = 96 << 10
)

// Validate finds the first problem of a check that the schema cannot, and
// names its field: an expression that is no CEL with the position, a path that
// is none, requests that are too long for a Job.
func Validate(check v1alpha1.HTTPCheck) error {
	for i, r := range check.Requests {
		if _, err := url.ParseRequestURI(r.Path); err != nil {
			return fmt.Errorf("http.requests[%d].path: is not the path of a URL: escape what is not allowed in one", i)
		}
		if r.Expect.JSON == "" {
			continue
		}
		if _, err := compile(r.Expect.JSON); err != nil {
			return fmt.Errorf("http.requests[%d].expect.json: %w", i, err)
		}
	}
	text, err := json.Marshal(check)
	if err != nil {
		return fmt.Errorf("http.requests: encode them: %w", err)
	}
	if size := len(text) + strings.Count(string(text), "$")*len(`u0024`); size > maxCheck {
		return fmt.Errorf("http.requests: are %d bytes as JSON, of which a Job can carry %d: send shorter ones, or split the check", size, maxCheck)
	}
	return nil
}

// holds says what is wrong when an expression is not true of a JSON body, and
// a reason for it; nothing is wrong when it is. What the body holds is not
// repeated, so neither are the library's errors.
func holds(expression string, body []byte) (reason, problem string) {
	program, err := compile(expression)
	if err != nil {
		return ReasonExpression, "expect.json: " + err.Error()
	}
	var decoded any
	if utiljson.Unmarshal(body, &decoded) != nil { // keeps integers exact
		return ReasonBody, fmt.Sprintf("it was answered with a body that is not JSON, of which %s cannot be told", expression)
	}
	value, _, err := program.Eval(map[string]any{"body": decoded})
	if err != nil {
		return ReasonBody, fmt.Sprintf("it was answered with a body of which %s cannot be told: a field is missing, of another type, or too large to compute with", expression)
	}
	held, isBool := value.Value().(bool)
	switch {
	case !isBool:
		return ReasonExpression, fmt.Sprintf("expect.json: %s gives a %s, not true or false", expression, value.Type().TypeName())
	case !held:
		return ReasonBody, fmt.Sprintf("it was answered with a body of which %s is not true", expression)
	}
	return "", ""
}

// compile makes a program of an expression that may give a truth value.
func compile(expression string) (cel.Program, error) {
	env, err := cel.NewEnv(cel.Variable("body", cel.DynType), ext.Strings())
	if err != nil {
		return nil, fmt.Errorf("build the CEL environment: %w", err)
	}
	ast, issues := env.Compile(expression)
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
