package loadtest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// Facts are what is filled into the template of one request. What is random
// follows from the seed and the sequence: the same test sends the same.
type Facts struct {
	Seed     uint64
	Sequence int64 // of the request among all, from 0
	Now      time.Time
}

// Template is a text with places to be filled.
type Template []place

// place is a text that stays, or what it is filled with.
type place struct {
	text string
	fill func(f Facts, nth uint64) string // nth of the text's places
}

// Plain is a text without places.
func Plain(text string) Template { return Template{{text: text}} }

// Parse finds the places of a text: ${uuid}, ${sequence}, ${time} and
// ${random:1-100}.
func Parse(text string) (Template, error) {
	var t Template
	for {
		before, rest, found := strings.Cut(text, "${")
		t = append(t, place{text: before})
		if !found {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("${%s: has no closing brace", clip(rest))
		}
		fill, err := filler(name)
		if err != nil {
			return nil, err
		}
		t, text = append(t, place{fill: fill}), after
	}
}

func clip(text string) string { return text[:min(len(text), 20)] }

func filler(name string) (func(Facts, uint64) string, error) {
	kind, bounds, _ := strings.Cut(name, ":")
	switch {
	case name == "uuid":
		return uuid, nil
	case name == "sequence":
		return func(f Facts, _ uint64) string { return strconv.FormatInt(f.Sequence, 10) }, nil
	case name == "time":
		return func(f Facts, _ uint64) string { return f.Now.UTC().Format("2006-01-02T15:04:05.000Z") }, nil
	case kind == "random":
		low, high, _ := strings.Cut(bounds, "-")
		from, errFrom := strconv.ParseUint(low, 10, 31)
		to, errTo := strconv.ParseUint(high, 10, 31)
		if errFrom != nil || errTo != nil || from > to {
			return nil, fmt.Errorf("${%s}: must be like ${random:1-100}, from the lowest to the highest number", clip(name))
		}
		return func(f Facts, nth uint64) string {
			return strconv.FormatUint(from+f.random(nth).Uint64N(to-from+1), 10)
		}, nil
	}
	return nil, fmt.Errorf("${%s}: must be one of ${uuid}, ${sequence}, ${time} and ${random:1-100}", clip(name))
}

// random numbers of one place of one request.
func (f Facts) random(nth uint64) *rand.Rand {
	return rand.New(rand.NewPCG(f.Seed^nth<<56, uint64(f.Sequence))) //nolint:gosec // not for secrets
}

// uuid is random, of version 4.
func uuid(f Facts, nth uint64) string {
	r := f.random(nth)
	high, low := r.Uint64()&^0xf000|0x4000, r.Uint64()&^(3<<62)|1<<63
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&(1<<48-1))
}

// Fill is the text with its places filled.
func (t Template) Fill(f Facts) string {
	if len(t) == 1 {
		return t[0].text
	}
	var b strings.Builder
	for i, p := range t {
		if p.fill == nil {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(p.fill(f, uint64(i)))
	}
	return b.String()
}
