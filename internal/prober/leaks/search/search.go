// Package search finds fake secrets in what was written, in whatever way they
// were written. It finds those that it was given and nothing that merely looks
// like one.
package search

import (
	"bytes"

	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
)

// Encoding is how a secret was written. The plainer comes first.
type Encoding int

// Encodings that are told apart. Base64 is of both alphabets: they differ in no
// letter of a body.
const (
	Raw Encoding = iota
	Base64
	Hex
	JSON    // \u0041
	URL     // %41
	Case    // in other letters
	Gzip    // packed, and perhaps base64 of that
	Split   // over several lines
	First   // only its beginning
	Last    // only its end
	numbers // of encodings
)

var names = [numbers]string{"unchanged", "base64-encoded", "hex-encoded", "JSON-escaped", "URL-encoded", "in other letters", "gzipped", "split over lines", "in its first letters", "in its last letters"}

// String is how a sentence says it.
func (e Encoding) String() string { return names[e] }

// Encodings are all of them.
func Encodings() []Encoding {
	all := make([]Encoding, numbers)
	for i := range all {
		all[i] = Encoding(i)
	}
	return all
}

// Find is a secret that was found on a line.
type Find struct {
	Secret   int // of those that were given
	Encoding Encoding
	Line     int // from 0
}

// Index finds secrets.
type Index struct{ exact, folded *table }

// New is an index of secrets.
func New(secrets []fake.Secret) *Index {
	x := &Index{newTable(), newTable()}
	for i, s := range secrets {
		for _, n := range needles(s) {
			n.secret = i
			x.exact.add(n)
		}
		if folded := bytes.ToLower(anchored(s)); !bytes.Equal(folded, bytes.ToUpper(folded)) {
			x.folded.add(needle{text: folded, key: len(folded) - window, secret: i, encoding: Case})
		}
	}
	return x
}

// Needles is how many ways to write secrets are looked for at once.
func (x *Index) Needles() int { return x.exact.size + x.folded.size }

// Search finds each secret once on a line, in the plainest of the ways in which
// it is there.
func (x *Index) Search(text []byte) []Find {
	f := finder{index: x, found: map[place]Encoding{}}
	lines := newLines(text)
	f.exact(text, lines, Raw)
	x.folded.scan(text, true, func(start, _ int, n *needle) { f.add(n.secret, lines.of(start), Case) })
	for view, n := text, 0; n < nested && bytes.IndexByte(view, '\\') >= 0; n++ {
		view = unescaped(view)
		f.exact(view, newLines(view), JSON)
	}
	for view, n := text, 0; n < nested && bytes.IndexByte(view, '%') >= 0; n++ {
		view = unquoted(view)
		f.exact(view, newLines(view), URL)
	}
	for _, member := range members(text) {
		inner := finder{index: x, found: map[place]Encoding{}}
		inner.exact(member.text, newLines(member.text), Raw)
		for at := range inner.found {
			f.add(at.secret, lines.of(member.at), Gzip)
		}
	}
	f.joined(text)
	return listed(f.found)
}

// place is a secret on a line.
type place struct{ secret, line int }

// finder gathers what is found.
type finder struct {
	index *Index
	found map[place]Encoding
}

func (f *finder) add(secret, line int, e Encoding) {
	at := place{secret, line}
	if was, known := f.found[at]; !known || e < was {
		f.found[at] = e
	}
}

// exact looks for needles in a view of the text. What a view had to be made for
// is written in the way that it undoes.
func (f *finder) exact(text []byte, lines lines, view Encoding) {
	f.index.exact.scan(text, false, func(start, _ int, n *needle) {
		f.add(n.secret, lines.of(start), max(n.encoding, view))
	})
}

// joined looks for what goes on in another line. Its parts are then not told as
// well.
func (f *finder) joined(text []byte) {
	view, ends := joined(text)
	if len(ends) == 0 {
		return
	}
	f.index.exact.scan(view, false, func(start, end int, n *needle) {
		first, last := ends.of(start), ends.of(end-1)
		if first == last || n.encoding >= First {
			return
		}
		for line := first; line <= last; line++ {
			if at := (place{n.secret, line}); f.found[at] >= First {
				delete(f.found, at)
			}
		}
		f.add(n.secret, first, Split)
	})
}
