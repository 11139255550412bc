package watermark

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// signature is what a member of Signature-Input says: what is covered, and
// how.
type signature struct {
	components []component
	parameters []parameter
}

// component is a part of the answer, or of the request that it answers.
type component struct {
	name    string
	request bool // ;req
}

// parameter is a name with its value as structured fields have it.
type parameter struct{ name, value string }

func (c component) String() string {
	if c.request {
		return `"` + c.name + `";req`
	}
	return `"` + c.name + `"`
}

// input is the signature's parameters in the one form that RFC 9421 signs.
func (s signature) input() string {
	names := make([]string, len(s.components))
	for i, c := range s.components {
		names[i] = c.String()
	}
	var text strings.Builder
	text.WriteString("(" + strings.Join(names, " ") + ")")
	for _, p := range s.parameters {
		text.WriteString(";" + p.name)
		if p.value != "?1" {
			text.WriteString("=" + p.value)
		}
	}
	return text.String()
}

// base is the signature base: what the code is of (RFC 9421, section 2.5).
func (s signature) base(value func(component) (string, error)) (string, error) {
	var text strings.Builder
	for _, c := range s.components {
		v, err := value(c)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "%s: %s\n", c, v)
	}
	text.WriteString(`"@signature-params": ` + s.input())
	return text.String(), nil
}

// covers reports whether the component is signed.
func (s signature) covers(c component) bool { return slices.Contains(s.components, c) }

// parameter is the text of a parameter that is a string; empty without it.
func (s signature) parameter(name string) string {
	for _, p := range s.parameters {
		if p.name == name && len(p.value) > 1 && p.value[0] == '"' {
			return unescape.Replace(p.value[1 : len(p.value)-1])
		}
	}
	return ""
}

var unescape = strings.NewReplacer(`\\`, `\`, `\"`, `"`)

// signatures reads Signature-Input: the signatures by their labels.
func signatures(field string) (map[string]signature, error) {
	all := map[string]signature{}
	err := members(field, func(label string, s *scanner) error {
		sig, err := s.signature()
		all[label] = sig
		return err
	})
	return all, err
}

// values reads a dictionary of byte sequences, such as Signature and
// Content-Digest. Members of other types are left out.
func values(field string) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := members(field, func(label string, s *scanner) error {
		text, err := s.item()
		if err != nil {
			return err
		}
		if _, err := s.parameters(); err != nil {
			return err
		}
		if text[0] == ':' {
			all[label], err = decode(text)
		}
		return err
	})
	return all, err
}

// members reads a dictionary (RFC 9651, section 4.2.2); each key once.
func members(field string, read func(label string, s *scanner) error) error {
	s, seen := &scanner{rest: strings.Trim(field, " \t")}, map[string]bool{}
	for s.rest != "" {
		label := s.key()
		if label == "" || seen[label] {
			return errors.New("a member has no name, or that of another")
		}
		seen[label] = true
		if !s.takes("=") {
			return fmt.Errorf("member %q has no value", label)
		}
		if err := read(label, s); err != nil {
			return fmt.Errorf("member %q: %w", label, err)
		}
		s.rest = strings.TrimLeft(s.rest, " \t")
		if s.rest == "" {
			return nil
		}
		if !s.takes(",") || strings.TrimLeft(s.rest, " \t") == "" {
			return fmt.Errorf("member %q ends in what belongs to none", label)
		}
		s.rest = strings.TrimLeft(s.rest, " \t")
	}
	return nil
}
