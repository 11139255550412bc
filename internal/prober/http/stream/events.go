package stream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// Events are server-sent events, as the HTML standard has them: their data,
// without names and ids. Comments are no events.
type Events struct {
	lines  *bufio.Reader
	body   io.Closer
	begun  bool
	cr     bool // the line before ended with a carriage return
	length int  // of the event that is being read
}

// Read reads events of an answer. It ends when the request's context does.
func Read(body io.ReadCloser) *Events {
	return &Events{lines: bufio.NewReaderSize(body, 4096), body: body}
}

// Next is the data of the next event.
func (e *Events) Next(ctx context.Context) ([]byte, error) {
	var data []byte
	has := false
	for e.length = 0; ; {
		line, err := e.line()
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			return nil, err
		case len(line) == 0 && has:
			return data, nil
		case len(line) == 0:
			e.length = 0
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		if string(field) != "data" {
			continue
		}
		if has {
			data = append(data, '\n')
		}
		data, has = append(data, bytes.TrimPrefix(value, []byte(" "))...), true
	}
}

// Close ends the stream.
func (e *Events) Close() { _ = e.body.Close() } // it was only read

// line is the next line, which ends with a line feed, a carriage return, or
// both. What follows the last of them is no line.
func (e *Events) line() ([]byte, error) {
	var line []byte
	for {
		b, err := e.lines.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil, ErrEnded
		case err != nil:
			return nil, errors.Join(ErrEnded, err)
		}
		after := e.cr
		e.cr = b == '\r'
		if b == '\n' && after {
			continue
		}
		if b == '\n' || b == '\r' {
			return e.unmarked(line), nil
		}
		if e.length++; e.length > maxMessage {
			return nil, ErrTooLong
		}
		line = append(line, b)
	}
}

// unmarked is the line without the byte order mark that a stream may begin with.
func (e *Events) unmarked(line []byte) []byte {
	if !e.begun {
		e.begun = true
		return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line
}
