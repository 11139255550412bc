// Package fake makes secrets that are none: each has the format of its class,
// says by a mark or a test range that it is not real, and can be traced to
// where it was sent. It keeps nothing.
package fake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

// Secret is a fake secret. Around what is unique in it is what everyone knows.
type Secret struct {
	Class, Channel string
	Text           string   // as it is sent; it may have several lines
	Lead           string   // what comes right before the body: its format, and the mark
	Body           string   // what is secret
	Also           []string // other ways to write the body of digits
}

// Digits reports whether the body has no letters, so that a part of it may be
// anything.
func (s Secret) Digits() bool {
	return !strings.ContainsAny(s.Body, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
}

// Line is the text where there is room for one line.
func (s Secret) Line() string { return strings.ReplaceAll(s.Text, "\n", `\n`) }

// Mint is the secret of a class for a channel of one attempt: a function of the
// key, so that no list is needed to know whose it is.
func Mint(key []byte, release, attempt string, class Class, channel string) Secret {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join([]string{release, attempt, class.Name, channel}, "|")))
	s := class.make(material(mac.Sum(nil)))
	s.Class, s.Channel = class.Name, channel
	return s
}

// material is what bodies are made of.
type material []byte

// upper is up to 52 letters and digits.
func (m material) upper(n int) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(m)[:n]
}

func (m material) lower(n int) string { return strings.ToLower(m.upper(n)) }

func (m material) hex(n int) string { return hex.EncodeToString(m)[:n] }

// digits are up to 60.
func (m material) digits(n int) string {
	text := new(big.Int).SetBytes(m).String()
	text = strings.Repeat("0", max(0, 60-len(text))) + text
	return text[len(text)-n:] // its end is as good as even
}

// bech32 is in the letters of that encoding; what would be the checksum is not one.
func (m material) bech32(n int) string {
	return base32.NewEncoding("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L").WithPadding(base32.NoPadding).EncodeToString(m)[:n]
}

// plain is a secret of a lead, a body and what follows.
func plain(lead, body, rest string) Secret {
	return Secret{Text: lead + body + rest, Lead: lead, Body: body}
}

// luhn is the digit that makes a card number valid.
func luhn(number string) string {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return string(rune('0' + (10-sum%10)%10))
}

// iban is the two digits that make an account number valid.
func iban(country, account string) string {
	var digits strings.Builder
	for _, r := range account + country + "00" {
		if r >= 'A' {
			digits.WriteString(big.NewInt(int64(r - 'A' + 10)).String())
			continue
		}
		digits.WriteRune(r)
	}
	n, _ := new(big.Int).SetString(digits.String(), 10)
	rest := 98 - new(big.Int).Mod(n, big.NewInt(97)).Int64()
	return fmt.Sprintf("%02d", rest)
}

// spaced writes digits in groups.
func spaced(text string, group int, between string) string {
	var b strings.Builder
	for i := 0; i < len(text); i += group {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(text[i:min(i+group, len(text))])
	}
	return b.String()
}
