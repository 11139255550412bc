package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/signal-delivery/operator/internal/verdict"
)

// here is where a schema is said to come from, so that a relative $ref leads
// nowhere.
const here = "https://schema.invalid/schema"

// nowhere loads no document: a schema is whole as it is written.
type nowhere struct{}

func (nowhere) Load(string) (any, error) { return nil, errors.New("another document") }

// schemaOf compiles a JSON Schema of 2020-12, and keeps its own words: which of
// a body's fields it knows by name.
func schemaOf(text string) (*jsonschema.Schema, map[string]bool, error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, nil, errors.New("is not JSON")
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.UseLoader(nowhere{})
	if err := compiler.AddResource(here, document); err != nil {
		return nil, nil, errors.New("is not a JSON Schema")
	}
	schema, err := compiler.Compile(here)
	var invalid *jsonschema.SchemaValidationError
	var missing *jsonschema.AnchorNotFoundError
	var elsewhere *jsonschema.LoadURLError
	switch {
	case errors.As(err, &elsewhere):
		return nil, nil, errors.New("refers to another document: put what it needs into its own $defs")
	case errors.As(err, &missing):
		return nil, nil, errors.New("refers to an anchor that it does not have")
	case errors.As(err, &invalid):
		return nil, nil, fmt.Errorf("is not a JSON Schema of 2020-12%s", wrongAt(invalid.Err))
	case err != nil:
		return nil, nil, errors.New("is not a JSON Schema of 2020-12: one of its references or patterns is wrong")
	}
	words := map[string]bool{}
	collect(document, words)
	return schema, words, nil
}

// wrongAt says where a schema breaks the rules for schemas.
func wrongAt(err error) string {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return ""
	}
	first := leavesOf(invalid)[0]
	return ": look at " + pointer(first.InstanceLocation)
}

// collect gathers the words of a schema.
func collect(node any, words map[string]bool) {
	switch is := node.(type) {
	case map[string]any:
		for key, value := range is {
			words[key] = true
			collect(value, words)
		}
	case []any:
		for _, value := range is {
			collect(value, words)
		}
	case string:
		words[is] = true
	}
}

// Keeps says what is wrong when a body does not keep to a schema: the place in
// it and the rule, not what stands there.
func Keeps(text string, body []byte) *Failure {
	schema, words, err := schemaOf(text)
	if err != nil {
		return &Failure{true, "expect.jsonSchema: " + err.Error()}
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return amiss("a body that is not JSON, of which expect.jsonSchema cannot be told")
	}
	var invalid *jsonschema.ValidationError
	switch err := schema.Validate(decoded); {
	case err == nil:
		return nil
	case !errors.As(err, &invalid):
		return &Failure{true, "expect.jsonSchema: cannot be told of the body"}
	}
	first := leavesOf(invalid)[0]
	if _, circular := first.ErrorKind.(*kind.RefCycle); circular {
		return &Failure{true, "expect.jsonSchema: cannot be told of the body: one of its references goes round in circles"}
	}
	place := slices.Clone(first.InstanceLocation)
	for i, key := range place {
		if !words[key] && strings.Trim(key, "0123456789") != "" {
			place[i] = "*" // a name that came with the body
		}
	}
	return amiss("a body that does not keep to expect.jsonSchema: %s breaks %q", pointer(place), verdict.Clip(ruleOf(first.ErrorKind), 64))
}

// ruleOf names the rule that was broken.
func ruleOf(e jsonschema.ErrorKind) string {
	switch e.(type) {
	case *kind.Not:
		return "not"
	case *kind.FalseSchema:
		return "false"
	}
	return strings.Join(e.KeywordPath(), "/")
}

// leavesOf are the rules that were broken, in an order that is the same each
// time. Of alternatives none of which fits, it is the choice that was broken.
func leavesOf(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	var leaves []*jsonschema.ValidationError
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		switch e.ErrorKind.(type) {
		case *kind.AnyOf, *kind.OneOf, *kind.Not:
			leaves = append(leaves, e)
			return
		}
		if len(e.Causes) == 0 {
			leaves = append(leaves, e)
		}
		for _, cause := range e.Causes {
			walk(cause)
		}
	}
	walk(e)
	slices.SortStableFunc(leaves, func(a, b *jsonschema.ValidationError) int {
		if c := slices.Compare(a.InstanceLocation, b.InstanceLocation); c != 0 {
			return c
		}
		return slices.Compare(a.ErrorKind.KeywordPath(), b.ErrorKind.KeywordPath())
	})
	return leaves
}

// pointer is a place in a document as JSON Pointers write it.
func pointer(place []string) string {
	if len(place) == 0 {
		return "its root"
	}
	var b strings.Builder
	for _, key := range place {
		_, _ = b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	}
	return verdict.Clip(b.String(), 256)
}
