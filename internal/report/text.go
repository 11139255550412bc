package report

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/internal/verdict"
)

// maxText bounds what is repeated of one text, in bytes before escaping.
const maxText = 2048

// escape is text that is not ours as Markdown shows it: on one line, and
// without Markdown or HTML of its own. What can begin neither stays as it is:
// reports are read in terminals too.
func escape(text string) string {
	runes := []rune(flat(verdict.Clip(text, maxText)))
	at := func(i int) rune {
		if i < 0 || i >= len(runes) {
			return ' '
		}
		return runes[i]
	}
	var b strings.Builder
	for i, r := range runes {
		if means(at(i-1), r, at(i+1)) || i == 0 && strings.ContainsRune("-+*=>", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// means reports whether a character between two others may mean something to
// Markdown.
func means(before, r, after rune) bool {
	switch r {
	case '<':
		return unicode.IsLetter(after) || strings.ContainsRune("/!?", after)
	case '&':
		return unicode.IsLetter(after) || after == '#'
	case '*':
		return before != ' ' || after != ' '
	case '_': // no emphasis begins inside a word, and ids stay whole
		return !word(before) || !word(after)
	}
	return strings.ContainsRune("\\|`[]#~", r)
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// code is text as it is, on one line, between more backticks than it has in a
// row.
func code(text string) string {
	text = flat(text)
	longest, row := 0, 0
	for _, r := range text {
		row++
		if r != '`' {
			row = 0
		}
		longest = max(longest, row)
	}
	fence := strings.Repeat("`", longest+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// flat is text on one line, without what cannot be seen.
func flat(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�")))
}

func truth(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func numbers(facts []int) string {
	parts := make([]string, 0, len(facts))
	for _, n := range facts {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, ", ")
}

func stamp(t metav1.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format(time.RFC3339)
}

// clock is the date and the time: a release may wait for people for days.
func clock(t metav1.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

// span is a duration as people write it: 14m 40s.
func span(d time.Duration) string {
	return strings.TrimSpace(strings.NewReplacer("h", "h ", "m", "m ").Replace(d.Round(time.Second).String()))
}
