// Package scenario is what a check's requests say when they are filled in with
// what earlier ones captured, and what is told of an answer: expressions,
// schemas, captures. It is pure: it sends nothing, and repeats nothing of what
// was captured or answered.
package scenario

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// name is how a captured value may be called.
var name = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)

// piece is text as it is, or the name of a captured value.
type piece struct {
	text, name string
}

// pieces takes a text apart at each ${name}; $${ is a plain ${.
func pieces(text string) ([]piece, error) {
	var out []piece
	var plain strings.Builder
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "$${"):
			_, _ = plain.WriteString("${")
			rest = rest[len("$${"):]
		case strings.HasPrefix(rest, "${"):
			called, after, closed := strings.Cut(rest[len("${"):], "}")
			if !closed || !name.MatchString(called) {
				return nil, errors.New("has a ${ without the name of a captured value and a }: write $${ where that is meant as it is")
			}
			out = append(out, piece{text: plain.String()}, piece{name: called})
			plain.Reset()
			rest = after
		default:
			_ = plain.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	return append(out, piece{text: plain.String()}), nil
}

// known are the names of what has been captured.
type known map[string]bool

// check finds the first ${name} that nothing has captured.
func (k known) check(text string) error {
	parts, err := pieces(text)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.name != "" && !k[p.name] {
			return fmt.Errorf("has ${%s}, which no earlier request of this check captures: capture it before, or write $${%s} where that is meant as it is", p.name, p.name)
		}
	}
	return nil
}

// fill puts each value where its name stands. The escape is told what stands
// before it.
func (v Values) fill(text string, escape func(before string, value any) (string, error)) (string, error) {
	parts, err := pieces(text)
	if err != nil {
		return "", err
	}
	var filled strings.Builder
	for _, p := range parts {
		if p.name == "" {
			_, _ = filled.WriteString(p.text)
			continue
		}
		value, there := v[p.name]
		if !there {
			return "", fmt.Errorf("needs ${%s}, which nothing captured", p.name)
		}
		escaped, err := escape(filled.String(), value)
		if err != nil {
			return "", fmt.Errorf("cannot take ${%s}: %w", p.name, err)
		}
		_, _ = filled.WriteString(escaped)
	}
	return filled.String(), nil
}
