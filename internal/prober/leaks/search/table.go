package search

import (
	"bytes"
	"encoding/binary"
)

const (
	window = 8  // bytes by which a needle is recognised
	bits   = 20 // of the filter before the table
)

// needle is one way to write a secret.
type needle struct {
	text     []byte
	key      int  // where the bytes are by which it is recognised
	bounded  bool // no digit may be beside it
	secret   int
	encoding Encoding
}

// table recognises needles by eight bytes of theirs, so that a text is gone
// through once however many there are.
type table struct {
	filter [1 << bits / 64]uint64
	at     map[uint64][]needle
	size   int
}

func newTable() *table { return &table{at: map[uint64][]needle{}} }

func (t *table) add(n needle) {
	word := binary.BigEndian.Uint64(n.text[n.key : n.key+window])
	t.at[word] = append(t.at[word], n)
	h := hash(word)
	t.filter[h/64] |= 1 << (h % 64)
	t.size++
}

func hash(word uint64) uint64 { return word * 0x9E3779B97F4A7C15 >> (64 - bits) }

// scan calls found for every needle that is in the text; with fold, whatever
// the case of its letters.
func (t *table) scan(text []byte, fold bool, found func(start, end int, n *needle)) {
	var word uint64
	for i, b := range text {
		if fold && b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		word = word<<8 | uint64(b)
		if h := hash(word); t.filter[h/64]&(1<<(h%64)) == 0 || i < window-1 {
			continue
		}
		known := t.at[word]
		for k := range known {
			n := &known[k]
			start := i - window + 1 - n.key
			end := start + len(n.text)
			if start >= 0 && end <= len(text) && n.is(text, start, end, fold) {
				found(start, end, n)
			}
		}
	}
}

func (n *needle) is(text []byte, start, end int, fold bool) bool {
	if fold {
		return bytes.EqualFold(text[start:end], n.text)
	}
	if !bytes.Equal(text[start:end], n.text) {
		return false
	}
	before, after := start > 0 && digit(text[start-1]), end < len(text) && digit(text[end])
	return !n.bounded || !before && !after
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
