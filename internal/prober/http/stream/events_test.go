package stream

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// all reads events until the stream ends, and says how it did.
func all(t *testing.T, text string) (data []string, err error) {
	t.Helper()
	events := Read(io.NopCloser(strings.NewReader(text)))
	for {
		event, err := events.Next(t.Context())
		if err != nil {
			return data, err
		}
		data = append(data, string(event))
	}
}

func TestEvents(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want []string
		end  error
	}{
		"none":                             {"", nil, ErrEnded},
		"one":                              {"data: a\n\n", []string{"a"}, ErrEnded},
		"of several lines":                 {"data: a\ndata:b\ndata:  c\n\n", []string{"a\nb\n c"}, ErrEnded},
		"of an empty line":                 {"data\n\ndata:\n\n", []string{"", ""}, ErrEnded},
		"with a name and an id":            {"event: x\nid: 1\ndata: a\nretry: 5\n\n", []string{"a"}, ErrEnded},
		"without data":                     {"event: x\n\ndata: a\n\n", []string{"a"}, ErrEnded},
		"with a colon in it":               {"data: a:b\n\n", []string{"a:b"}, ErrEnded},
		"after comments":                   {": x\n\n:\n\n:data: y\ndata: a\n\n", []string{"a"}, ErrEnded},
		"of fields that only look like it": {"Data: a\ndata-x: b\n\ndata: c\n\n", []string{"c"}, ErrEnded},
		"with carriage returns":            {"data: a\r\rdata: b\r\r", []string{"a", "b"}, ErrEnded},
		"with both":                        {"data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}, ErrEnded},
		"after a byte order mark":          {"\xef\xbb\xbfdata: a\n\n", []string{"a"}, ErrEnded},
		"with one later":                   {"data: a\n\n\xef\xbb\xbfdata: b\n\n", []string{"a"}, ErrEnded},
		"cut off":                          {"data: a\n\ndata: b\n", []string{"a"}, ErrEnded},
		"as long as may be":                {"data: " + strings.Repeat("a", maxMessage-6) + "\n\n", []string{strings.Repeat("a", maxMessage-6)}, ErrEnded},
		"longer":                           {"data: " + strings.Repeat("a", maxMessage-5) + "\n\n", nil, ErrTooLong},
		"of more lines than may be":        {strings.Repeat("data: a\n", maxMessage/7+1) + "\n", nil, ErrTooLong},
		"after many comments":              {strings.Repeat(": beat\n\n", maxMessage/6) + "data: a\n\n", []string{"a"}, ErrEnded},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := all(t, tc.text)
			if diff := cmp.Diff(tc.want, got); diff != "" || !errors.Is(err, tc.end) {
				t.Errorf("it ends with %v: %s", err, diff)
			}
		})
	}
}
