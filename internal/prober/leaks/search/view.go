package search

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
)

const (
	maxMember  = 1 << 20 // bytes that are unpacked of one
	maxMembers = 256     // that are unpacked of one text
	nested     = 3       // escapes of escapes that are undone: JSON in a line of JSON
)

// lines are where lines of a text end.
type lines []int

func newLines(text []byte) lines {
	var ends lines
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return ends
		}
		at += i + 1
		ends = append(ends, at)
	}
}

// of is the line that has the place.
func (l lines) of(at int) int {
	i, exact := slices.BinarySearch(l, at)
	if exact {
		return i + 1
	}
	return i
}

// unescaped undoes \u0041, \x41 and the like, but no end of a line, which goes
// with what indents the next: what is split by an escaped one is whole again.
func unescaped(text []byte) []byte {
	view := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			view = append(view, text[i])
			continue
		}
		i++
		switch text[i] {
		case 'u':
			i += coded(&view, text[i+1:], 4)
		case 'x':
			i += coded(&view, text[i+1:], 2)
		case 'n', 'r', 't':
			for i+1 < len(text) && text[i+1] == ' ' {
				i++
			}
		default:
			view = append(view, text[i])
		}
	}
	return view
}

// unquoted undoes %41.
func unquoted(text []byte) []byte {
	view := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' {
			if n := coded(&view, text[i+1:], 2); n > 0 {
				i += n
				continue
			}
		}
		view = append(view, text[i])
	}
	return view
}

// coded appends the letter that so many hex digits stand for, and says how
// many there were. What is no letter stays out.
func coded(view *[]byte, text []byte, n int) int {
	if len(text) < n {
		return 0
	}
	var b [2]byte
	if _, err := hex.Decode(b[2-n/2:], text[:n]); err != nil {
		return 0
	}
	if b[0] == 0 && b[1] != '\n' {
		*view = append(*view, b[1])
	}
	return n
}

// joined is the text in one line, without what indents lines, and where its
// lines were.
func joined(text []byte) ([]byte, lines) {
	view := make([]byte, 0, len(text))
	var ends lines
	indent := false
	for _, b := range text {
		switch {
		case b == '\n':
			ends, indent = append(ends, len(view)), true
		case b == '\r', indent && (b == ' ' || b == '\t'):
		default:
			view, indent = append(view, b), false
		}
	}
	return view, ends
}

// member is what was packed, and where.
type member struct {
	at   int
	text []byte
}

// members unpacks what is packed in a text, and what is base64 of that.
func members(text []byte) []member {
	var all []member
	each(text, "\x1f\x8b\x08", func(at int) { all = unpack(all, at, text[at:]) })
	each(text, "H4sI", func(at int) {
		run := text[at:]
		if end := bytes.IndexFunc(run, func(r rune) bool { return !base64Letter(r) }); end >= 0 {
			run = run[:end]
		}
		run = run[:min(len(run), maxMember)]
		run = bytes.Map(func(r rune) rune { // both alphabets are one
			switch r {
			case '-':
				return '+'
			case '_':
				return '/'
			}
			return r
		}, run)
		packed := make([]byte, base64.RawStdEncoding.DecodedLen(len(run)))
		n, _ := base64.RawStdEncoding.Decode(packed, run) // as far as it goes
		all = unpack(all, at, packed[:n])
	})
	return all
}

func each(text []byte, mark string, found func(at int)) {
	for at, n := 0, 0; n < maxMembers; n++ {
		i := bytes.Index(text[at:], []byte(mark))
		if i < 0 {
			return
		}
		found(at + i)
		at += i + len(mark)
	}
}

// unpack adds what was packed, as far as it is whole.
func unpack(all []member, at int, packed []byte) []member {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return all
	}
	reader.Multistream(false)
	text, _ := io.ReadAll(io.LimitReader(reader, maxMember)) // what was read before it broke off counts
	if len(text) == 0 {
		return all
	}
	return append(all, member{at, text})
}

func base64Letter(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '/' || r == '-' || r == '_'
}
