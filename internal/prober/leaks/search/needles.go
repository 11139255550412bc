package search

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
)

const (
	may   = 4 // letters of a body that a mask may leave
	known = 8 // letters that are known for a body's without one
	// knownDigits is how many of its first digits are known for a body's, after
	// the lead; knownHex, how many hex digits at its end.
	knownDigits, knownHex = 6, 12
)

// masks are what is written for letters that are not to be seen.
var masks = []string{"***", "xxx", "XXX", "###", "...", "•••", "…"}

// anchored is what of a secret is looked for: its body, and with a body of
// digits what comes before it, so that it cannot be any number.
func anchored(s fake.Secret) []byte {
	if s.Digits() {
		return []byte(s.Lead + s.Body)
	}
	return []byte(s.Body)
}

// needles are the ways to write a secret that are looked for as they are.
func needles(s fake.Secret) []needle {
	body := anchored(s)
	all := []needle{{text: body, key: len(body) - window, encoding: Raw}}
	for _, also := range s.Also {
		all = append(all, needle{text: []byte(also), encoding: Raw, bounded: true})
	}
	for pad := range 3 {
		all = append(all, needle{text: aligned(body, pad), encoding: Base64})
	}
	digits := hex.EncodeToString(body)
	all = append(all, needle{text: []byte(digits), key: len(digits) - window, encoding: Hex},
		needle{text: []byte(strings.ToUpper(digits)), key: len(digits) - window, encoding: Hex})
	return append(all, parts(s)...)
}

// aligned is base64 of a text that comes after others: what does not depend on
// these.
func aligned(text []byte, pad int) []byte {
	encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, pad), text...))
	encoded = encoded[[]int{0, 2, 3}[pad]:]
	if (pad+len(text))%3 != 0 {
		encoded = encoded[:len(encoded)-1]
	}
	return []byte(encoded)
}

// parts are a secret of which more is left than may be: so much that it is known
// for its own, or less with a mask beside it.
func parts(s fake.Secret) []needle {
	first, last := longest(s)
	var all []needle
	if first > 0 {
		all = append(all, part(s.Lead[max(0, len(s.Lead)-window):]+s.Body[:first], First))
	}
	if last > 0 {
		all = append(all, part(s.Body[len(s.Body)-last:], Last))
	}
	for n := may + 1; n < len(s.Body); n++ {
		begin, end := s.Body[:n], s.Body[len(s.Body)-n:]
		for _, mask := range masks {
			if (first == 0 || n < first) && visible(begin) > may {
				all = append(all, part(begin+mask, First))
			}
			if (last == 0 || n < last) && visible(end) > may {
				all = append(all, part(mask+end, Last))
			}
		}
	}
	return all
}

// part is recognised by its beginning, or by its end: by what is not masked.
func part(text string, e Encoding) needle {
	if e == Last {
		return needle{text: []byte(text), key: len(text) - window, encoding: e}
	}
	return needle{text: []byte(text), encoding: e}
}

// longest is how many letters at either end of a body are known for its own
// without a mask beside them; none, when they may be anything.
func longest(s fake.Secret) (first, last int) {
	switch {
	case s.Digits() && s.Lead == "":
		return 0, 0
	case s.Digits():
		return knownDigits, 0
	case strings.Trim(s.Body, "0123456789abcdef") == "":
		return known, knownHex
	}
	return known, known
}

// visible is how many letters and digits a part has.
func visible(part string) int { return len(part) - strings.Count(part, "-") }
