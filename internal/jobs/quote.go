package jobs

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/signal-delivery/operator/internal/verdict"
)

// maxQuote is how much is repeated of what a Job said, in bytes.
const maxQuote = 512

const redacted = "[redacted]"

// secrets are the shapes of credentials that Jobs have been seen to print.
// The groups are kept.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`(?s)()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`),
	regexp.MustCompile(`(?s)().*-----END [A-Z ]*PRIVATE KEY-----`), // its beginning was cut off
	regexp.MustCompile(`(?i)((?:proxy-)?authorization["']?\s*[:=]\s*)[^\r\n]+`),
	regexp.MustCompile(`(?i)((?:set-)?cookie["']?\s*[:=]\s*["']?)[^"'\r\n}]+`),
	regexp.MustCompile(`(?i)\b((?:bearer|basic)\s+)[a-z0-9._~+/=-]{8,}`),
	regexp.MustCompile(`(?i)((?:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|(?:api|access|account|private|auth)[-_]?key(?:[-_]?id)?)["']?\s*[:=]\s*)(?:"[^"\r\n]*"?|'[^'\r\n]*'?|[^\s"',;&}]+)`),
	regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@]*:)[^/\s@]+(@)`),
	regexp.MustCompile(`()\b(?:eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,})`),
	regexp.MustCompile(`()\b(?:github_pat_\w{20,}|glpat-[\w-]{16,}|[prs]k_(?:test|live)_\w{10,}|sk-[\w-]{20,}|SK[0-9a-f]{32}|AIza[\w-]{30,}|npm_\w{30,}|pypi-[\w-]{30,}|` +
		`SG\.[\w-]{16,}\.[\w-]{16,}|hvs\.[\w-]{20,}|AGE-SECRET-KEY-1[A-Z0-9]{50,})`),
	regexp.MustCompile(`()\b(?:\d{3}-\d{2}-\d{4}|[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?)\b`), // of people, and of their banks
}

// cards are digits that may be the number of a payment card.
var cards = regexp.MustCompile(`\b[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}\b`)

// escapes colour what is printed to a terminal.
var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

// Redact takes out what looks like a credential.
func Redact(text string) string {
	for _, secret := range secrets {
		text = secret.ReplaceAllString(text, "${1}"+redacted+"${2}")
	}
	return cards.ReplaceAllStringFunc(text, func(number string) string {
		if checked(number) {
			return redacted
		}
		return number
	})
}

// checked reports whether digits have the check digit of a card.
func checked(number string) bool {
	sum, second := 0, false
	for i := len(number) - 1; i >= 0; i-- {
		if number[i] < '0' {
			continue // a space or a dash
		}
		d := int(number[i] - '0')
		if second {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, second = sum+d, !second
	}
	return sum%10 == 0
}

// Quote is the beginning of what was said, fit to be repeated.
func Quote(text string) string { return Fit(text, maxQuote) }

// Fit is the beginning of what was said, of at most limit bytes.
func Fit(text string, limit int) string { return line(Redact(text), limit) }

// LastLines is the end of what was printed, fit to be repeated: whole lines,
// or the end of the last one when it alone is too long.
func LastLines(text string) string {
	var kept string
	lines := strings.Split(Redact(text), "\n")
	for _, raw := range slices.Backward(lines) {
		clean := line(raw, len(raw)+1)
		longer := strings.TrimSpace(clean + " " + kept)
		if len(longer) > maxQuote {
			if kept == "" {
				return end(clean)
			}
			return kept
		}
		kept = longer
	}
	return kept
}

// end is the end of a line that is too long.
func end(text string) string {
	const ellipsis = "…"
	from := len(text) - maxQuote + len(ellipsis)
	for text[from]&0xC0 == 0x80 { // inside a rune
		from++
	}
	return ellipsis + text[from:]
}

// line is one printable line of at most limit bytes.
func line(text string, limit int) string {
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, escapes.ReplaceAllString(strings.ToValidUTF8(text, "?"), ""))
	return verdict.Clip(strings.Join(strings.Fields(printable), " "), limit)
}
