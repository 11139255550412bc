package jobs

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCredentialsAreNotRepeated(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"nothing to hide":         {"GET /token was answered with 401, not 200", "GET /token was answered with 401, not 200"},
		"authorization":           {"Authorization: Bearer hunter2, ok", "Authorization: [redacted]"},
		"authorization in JSON":   {`{"authorization":"Basic aHVudGVyMg=="}`, `{"authorization":[redacted]`},
		"another scheme":          {`proxy-authorization: Digest username="hunter2"`, "proxy-authorization: [redacted]"},
		"the next line is kept":   {"Authorization: hunter2\nexit 1", "Authorization: [redacted] exit 1"},
		"bearer":                  {"sent bearer hunter2hunter2 to it", "sent bearer [redacted] to it"},
		"no bearer":               {"the bearer of news", "the bearer of news"},
		"password":                {"PASSWORD=hunter2 level=3", "PASSWORD=[redacted] level=3"},
		"password in JSON":        {`{"passwd": "hunter2 and more", "level": 3}`, `{"passwd": [redacted], "level": 3}`},
		"quoted by one":           {"pwd='hunter2 and more' level=3", "pwd=[redacted] level=3"},
		"variable":                {"MY_API_KEY=hunter2; ACCESS_TOKEN=hunter2", "MY_API_KEY=[redacted]; ACCESS_TOKEN=[redacted]"},
		"query":                   {"/a?token=hunter2&b=c", "/a?token=[redacted]&b=c"},
		"secret with a space":     {"client secret : hunter2", "client secret : [redacted]"},
		"URL":                     {"postgres://app:hunter2@db:5432/x", "postgres://app:[redacted]@db:5432/x"},
		"URL without credentials": {"https://app.example:443/a@b", "https://app.example:443/a@b"},
		"cookie":                  {"Set-Cookie: session=hunter2; Path=/", "Set-Cookie: [redacted]"},
		"private key":             {"a -----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY----- b", "a [redacted] b"},
		"end of a private key":    {"hunter2\n-----END PRIVATE KEY-----\nb", "[redacted] b"},
		"start of a private key":  {"a -----BEGIN PRIVATE KEY-----\nhunter2", "a [redacted]"},
		"token of GitHub":         {"ghp_hunter2hunter2hunter2x", "[redacted]"},
		"key of AWS":              {"AKIAHUNTER2HUNTER200", "[redacted]"},
		"JSON web token":          {"eyJhbGciOiJub25lIn0.eyJodW50ZXIiOjJ9.c2ln x", "[redacted] x"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Quote(tc.in); got != tc.want {
				t.Errorf("quote: got %q, want %q", got, tc.want)
			}
			if got := LastLines(tc.in); got != tc.want {
				t.Errorf("last lines: got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWhatIsRepeatedIsPrintable(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"colours":          {"\x1b[1;31mred\x1b[0m", "red"},
		"controls":         {"a\x00b\tc\r\nd\x7f", "a b c d"},
		"writing reversed": {"a\u202eb", "a b"},
		"not UTF-8":        {"a\xffb", "a?b"},
		"letters of all":   {"grün 値", "grün 値"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Quote(tc.in); got != tc.want {
				t.Errorf("quote: got %q, want %q", got, tc.want)
			}
			if got := LastLines(tc.in); got != tc.want {
				t.Errorf("last lines: got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOfManyWordsTheLastAreRepeated(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"none":                   {"", ""},
		"empty lines":            {"\n\n", ""},
		"all that fit":           {strings.Repeat("a", 255) + "\n" + strings.Repeat("b", 256), strings.Repeat("a", 255) + " " + strings.Repeat("b", 256)},
		"whole lines only":       {strings.Repeat("a", 256) + "\n" + strings.Repeat("b", 256), strings.Repeat("b", 256)},
		"one long line":          {"first\n" + strings.Repeat("a", 600) + "end\n", "…" + strings.Repeat("a", 506) + "end"},
		"never inside of a rune": {strings.Repeat("ä", 300), "…" + strings.Repeat("ä", 254)},
	} {
		t.Run(name, func(t *testing.T) {
			got := LastLines(tc.in)
			if got != tc.want {
				t.Errorf("got %d bytes %q, want %q", len(got), got, tc.want)
			}
			if len(got) > 512 || !utf8.ValidString(got) {
				t.Errorf("%d bytes, valid %t", len(got), utf8.ValidString(got))
			}
		})
	}
	if got := Quote(strings.Repeat("a", 600)); got != strings.Repeat("a", 509)+"…" {
		t.Errorf("of a verdict the beginning is: %q", got)
	}
}
