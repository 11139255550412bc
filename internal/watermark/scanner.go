package watermark

import (
	"errors"
	"strings"
)

// scanner reads the structured fields (RFC 9651) of which signatures are made.
type scanner struct{ rest string }

var errMalformed = errors.New("it is malformed")

// takes goes on behind the token, if it comes next.
func (s *scanner) takes(token string) bool {
	rest, found := strings.CutPrefix(s.rest, token)
	s.rest = rest
	return found
}

// while takes the longest prefix of such bytes.
func (s *scanner) while(match func(byte) bool) string {
	n := 0
	for n < len(s.rest) && match(s.rest[n]) {
		n++
	}
	text := s.rest[:n]
	s.rest = s.rest[n:]
	return text
}

// key of a dictionary member or a parameter; empty without one.
func (s *scanner) key() string {
	if s.rest == "" || !lower(s.rest[0]) && s.rest[0] != '*' {
		return ""
	}
	return s.while(func(b byte) bool { return lower(b) || digit(b) || strings.IndexByte("_-.*", b) >= 0 })
}

// item is a bare item as it is written: a string, a byte sequence, a number, a
// boolean or a token.
func (s *scanner) item() (string, error) {
	if s.rest == "" {
		return "", errMalformed
	}
	switch first := s.rest[0]; {
	case first == '"':
		return s.text()
	case first == ':':
		end := strings.IndexByte(s.rest[1:], ':')
		if end < 0 {
			return "", errMalformed
		}
		text := s.rest[:end+2]
		s.rest = s.rest[end+2:]
		return text, nil
	case first == '?':
		if !strings.HasPrefix(s.rest, "?0") && !strings.HasPrefix(s.rest, "?1") {
			return "", errMalformed
		}
		text := s.rest[:2]
		s.rest = s.rest[2:]
		return text, nil
	case first == '-' || digit(first):
		return s.while(func(b byte) bool { return b == '-' || b == '.' || digit(b) }), nil
	case first == '*' || lower(first|0x20):
		return s.while(func(b byte) bool {
			return lower(b|0x20) || digit(b) || strings.IndexByte("!#$%&'*+-.^_`|~:/", b) >= 0
		}), nil
	}
	return "", errMalformed
}

// text is a string with its quotes.
func (s *scanner) text() (string, error) {
	for i := 1; i < len(s.rest); i++ {
		switch b := s.rest[i]; {
		case b == '"':
			text := s.rest[:i+1]
			s.rest = s.rest[i+1:]
			return text, nil
		case b == '\\':
			if i++; i == len(s.rest) || s.rest[i] != '"' && s.rest[i] != '\\' {
				return "", errMalformed
			}
		case b < ' ' || b > '~':
			return "", errMalformed
		}
	}
	return "", errMalformed
}

// parameters of an item or a list, each once.
func (s *scanner) parameters() ([]parameter, error) {
	var all []parameter
	seen := map[string]bool{}
	for s.takes(";") {
		s.rest = strings.TrimLeft(s.rest, " ")
		p := parameter{name: s.key(), value: "?1"}
		if p.name == "" || seen[p.name] {
			return nil, errMalformed
		}
		seen[p.name] = true
		if s.takes("=") {
			var err error
			if p.value, err = s.item(); err != nil {
				return nil, err
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// signature is an inner list of component names, and its parameters. No
// component is covered twice.
func (s *scanner) signature() (signature, error) {
	var sig signature
	if !s.takes("(") {
		return sig, errMalformed
	}
	for {
		s.rest = strings.TrimLeft(s.rest, " ")
		if s.takes(")") {
			break
		}
		c, err := s.component()
		if err != nil {
			return sig, err
		}
		if sig.covers(c) || s.rest == "" || s.rest[0] != ' ' && s.rest[0] != ')' {
			return sig, errMalformed
		}
		sig.components = append(sig.components, c)
	}
	var err error
	sig.parameters, err = s.parameters()
	return sig, err
}

// component is the name of a part of an answer. Of what RFC 9421 knows beside
// names, ;req alone is understood.
func (s *scanner) component() (component, error) {
	if s.rest == "" || s.rest[0] != '"' {
		return component{}, errMalformed
	}
	text, err := s.text()
	if err != nil {
		return component{}, err
	}
	c := component{name: text[1 : len(text)-1]}
	if strings.Trim(c.name, "@abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") != "" {
		return component{}, errMalformed
	}
	parameters, err := s.parameters()
	if err != nil {
		return component{}, err
	}
	for _, p := range parameters {
		if p != (parameter{"req", "?1"}) {
			return component{}, errors.New("a component with ;" + p.name + " is none that a watermark has")
		}
		c.request = true
	}
	return c, nil
}

func lower(b byte) bool { return 'a' <= b && b <= 'z' }

func digit(b byte) bool { return '0' <= b && b <= '9' }
