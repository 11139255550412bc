package search

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	block = 1 << 20  // bytes that are searched at once
	carry = 16 << 10 // that are searched again with the next
)

// Stream searches what may be long. It reports how much there was, and whether
// that was all: what is beyond the limit is not read.
func (x *Index) Stream(r io.Reader, limit int64) (finds []Find, read int64, whole bool, err error) {
	found := map[place]Encoding{}
	limited := &io.LimitedReader{R: r, N: limit + 1}
	buffer, line := make([]byte, 0, block+carry), 0
	for {
		n, err := io.ReadFull(limited, buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		read += int64(n)
		for _, f := range x.Search(buffer) {
			at := place{f.Secret, line + f.Line}
			if was, known := found[at]; !known || f.Encoding < was {
				found[at] = f.Encoding
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return listed(found), min(read, limit), read <= limit, nil
		case err != nil:
			return listed(found), read, false, fmt.Errorf("read on after %d bytes: %w", read, err)
		}
		from := len(buffer) - carry
		if i := bytes.IndexByte(buffer[from:], '\n'); i >= 0 {
			from += i + 1
		}
		line += bytes.Count(buffer[:from], []byte{'\n'})
		buffer = append(buffer[:0], buffer[from:]...)
	}
}

func listed(found map[place]Encoding) []Find {
	all := make([]Find, 0, len(found))
	for at, e := range found {
		all = append(all, Find{at.secret, e, at.line})
	}
	slices.SortFunc(all, func(a, b Find) int { return cmp.Or(a.Line-b.Line, a.Secret-b.Secret) })
	return all
}
