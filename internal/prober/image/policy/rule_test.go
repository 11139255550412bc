package policy

import (
	"context"
	"strings"
	"testing"
)

func TestRulesThatDoNotCompile(t *testing.T) {
	for expression, says := range map[string]string{
		"predicate.":                     "is not CEL: line 1, column 11",
		"true &&\n other":                "line 2, column 2: undeclared reference to 'other'",
		"":                               "is not CEL",
		"'x'":                            "gives a string, not true or false",
		"[predicate]":                    "gives a list",
		"predicate.matches('(')":         "is not CEL that can be computed",
		"now() > timestamp(predicate.t)": "undeclared reference",
	} {
		if _, err := Compile(expression); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

func TestWhetherARuleHolds(t *testing.T) {
	ten := "[1,2,3,4,5,6,7,8,9,0].all(x, "
	predicate := map[string]any{"n": 3.0, "yes": true, "no": false, "list": []any{"a", "b"}, "words": "Main"}
	for expression, says := range map[string]string{
		"predicate.n == 3":                         "",
		"predicate.n > 2 && predicate.n < 3.5":     "",
		"predicate.yes":                            "",
		"predicate.list.exists(x, x == 'b')":       "",
		"predicate.words.lowerAscii() == 'main'":   "",
		"has(predicate.n) && !has(predicate.none)": "",
		"predicate.n == 4":                         "it is false",
		"predicate.no":                             "it is false",
		"predicate.n":                              "it gives a double, not true or false",
		"predicate.words":                          "it gives a string",
		"predicate.none == 1":                      "no such key: none",
		"predicate.n.x == 1":                       "no such",
		"predicate.list[7] == 'a'":                 "index out of bounds",
		"predicate":                                "it gives a map",
		"predicate.n > 'a'":                        "no such overload",
		strings.Repeat(ten, 7) + "true" + strings.Repeat(")", 7): "cost limit",
	} {
		rule, err := Compile(expression)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		err = rule.Holds(t.Context(), predicate)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

func TestARuleEndsWithItsContext(t *testing.T) {
	rule, err := Compile("predicate.list.all(x, predicate.list.all(y, true))")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := rule.Holds(ctx, map[string]any{"list": make([]any, 300)}); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}
