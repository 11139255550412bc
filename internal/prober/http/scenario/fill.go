package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Values are what was captured: texts, numbers and truth values.
type Values map[string]any

// Filled is a request with every value in its place. What it says must not be
// repeated: its words for people are those of the request as it was written.
type Filled struct {
	Path, Body string
	Headers    []v1alpha1.HTTPHeader
	Expected   []v1alpha1.HTTPHeader // headers of the answer
}

// Fill puts what was captured into a request, escaped for where it stands. An
// error names the field, and no value.
func (v Values) Fill(r v1alpha1.HTTPRequest) (f Filled, err error) {
	if f.Path, err = v.path(r.Path); err != nil {
		return Filled{}, fmt.Errorf("path: %w", err)
	}
	if f.Headers, err = v.headers(r.Headers); err != nil {
		return Filled{}, fmt.Errorf("headers%w", err)
	}
	if f.Expected, err = v.headers(r.Expect.Headers); err != nil {
		return Filled{}, fmt.Errorf("expect.headers%w", err)
	}
	if f.Body, err = v.body(r.Body, contentType(r.Headers)); err != nil {
		return Filled{}, fmt.Errorf("body: %w", err)
	}
	return f, nil
}

// path escapes values as one segment of a path, or as one value of a query.
func (v Values) path(text string) (string, error) {
	filled, err := v.fill(text, func(before string, value any) (string, error) {
		if strings.Contains(before, "?") {
			return url.QueryEscape(textOf(value)), nil
		}
		return url.PathEscape(textOf(value)), nil
	})
	if err != nil || filled == text {
		return filled, err
	}
	way, _, _ := strings.Cut(filled, "?")
	if slices.ContainsFunc(strings.Split(way, "/"), func(s string) bool { return s == "." || s == ".." }) {
		return "", errors.New("would lead elsewhere: a value that was captured makes one of its segments dots alone")
	}
	return filled, nil
}

// headers refuses values that would end a header.
func (v Values) headers(headers []v1alpha1.HTTPHeader) ([]v1alpha1.HTTPHeader, error) {
	out := make([]v1alpha1.HTTPHeader, 0, len(headers))
	for i, h := range headers {
		value, err := v.fill(h.Value, func(_ string, value any) (string, error) {
			text := textOf(value)
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return "", errors.New("it has a line break or another control character, which would end the header")
			}
			return text, nil
		})
		if err != nil {
			return nil, fmt.Errorf("[%d].value: %w", i, err)
		}
		out = append(out, v1alpha1.HTTPHeader{Name: h.Name, Value: value})
	}
	return out, nil
}

// body escapes values as JSON or as a form asks; elsewhere they stay as they
// are. In JSON, a value between quotes becomes part of the text, and one that
// stands alone a value of its own kind.
func (v Values) body(text, contentType string) (string, error) {
	return v.fill(text, func(before string, value any) (string, error) {
		switch {
		case strings.Contains(contentType, "x-www-form-urlencoded"):
			return url.QueryEscape(textOf(value)), nil
		case !isJSON(text, contentType):
			return textOf(value), nil
		case quoted(before):
			encoded := encode(textOf(value))
			return encoded[1 : len(encoded)-1], nil
		}
		return encode(value), nil
	})
}

// isJSON reports whether a body is JSON: its header says so, or it has none
// and begins like it.
func isJSON(text, contentType string) bool {
	if contentType != "" {
		return strings.Contains(contentType, "json")
	}
	begin := strings.TrimSpace(text)
	return strings.HasPrefix(begin, "{") || strings.HasPrefix(begin, "[")
}

// quoted reports whether a text that begins as JSON ends between quotes.
func quoted(text string) bool {
	inside := false
	for i := 0; i < len(text); i++ {
		switch {
		case inside && text[i] == '\\':
			i++
		case text[i] == '"':
			inside = !inside
		}
	}
	return inside
}

func contentType(headers []v1alpha1.HTTPHeader) string {
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Content-Type") {
			return strings.ToLower(h.Value)
		}
	}
	return ""
}

// textOf is a value as plain text.
func textOf(value any) string {
	if text, is := value.(string); is {
		return text
	}
	return encode(value)
}

// encode is a value as JSON.
func encode(value any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic("scenario: encode a captured value: " + err.Error()) // Capture takes none that does not encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}
