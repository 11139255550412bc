package report

import (
	"strings"
	"testing"
	"time"
)

func TestEscape(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"plain":                    {"Alert X fires", "Alert X fires"},
		"an id stays whole":        {"v1.0.0-prod-20260118_083135", "v1.0.0-prod-20260118_083135"},
		"a limit stays readable":   {"<= 0.01, >= 1.5 * stable", "<= 0.01, >= 1.5 * stable"},
		"a pipe":                   {"a|b", `a\|b`},
		"an escaped pipe":          {`a\|b`, `a\\\|b`},
		"a backslash at the end":   {`a\`, `a\\`},
		"lines":                    {"a\nb\r\nc\td\u2028e\x00f", "a b  c d e f"},
		"emphasis":                 {"*a* __b__ ~c~", `\*a\* \_\_b\_\_ \~c\~`},
		"emphasis after a word":    {"a *b*", `a \*b\*`},
		"code":                     {"`a`", "\\`a\\`"},
		"a link":                   {"[a](http://b)", `\[a\](http://b)`},
		"a tag":                    {"<b>x</b><!-- y --><?z", `\<b>x\</b>\<!-- y -->\<?z`},
		"an entity":                {"&lt; &#60; a & b", `\&lt; \&\#60; a & b`},
		"a heading":                {"# a", `\# a`},
		"a list in a list":         {"- a", `\- a`},
		"a quote":                  {"> a", `\> a`},
		"an underline of a title":  {"===", `\===`},
		"spaces around":            {"    a ", "a"},
		"bytes that are no text":   {"a\xff\xfeb", "a�b"},
		"a star at the beginning":  {"* a", `\* a`},
		"a star at the end":        {"a *", `a *`},
		"longer than is repeated":  {strings.Repeat("a", maxText+1), strings.Repeat("a", maxText-3) + "…"},
		"as long as what is shown": {strings.Repeat("a", maxText), strings.Repeat("a", maxText)},
	} {
		t.Run(name, func(t *testing.T) {
			if got := escape(tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCode(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"a query is not changed":  {`sum(a{b=~"x|y"}) > 1`, "`sum(a{b=~\"x|y\"}) > 1`"},
		"a backtick":              {"a{b=~`x`} > 1", "``a{b=~`x`} > 1``"},
		"a backtick at the end":   {"a`", "`` a` ``"},
		"a backtick at the start": {"`a", "`` `a ``"},
		"many backticks":          {"a```b", "````a```b````"},
		"lines":                   {"sum(\n\ta\n)", "`sum(  a )`"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := code(tc.in); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1500 * time.Millisecond: "2s", 14*time.Minute + 40*time.Second: "14m 40s", 26 * time.Hour: "26h 0m 0s",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}
