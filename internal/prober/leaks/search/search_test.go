package search

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
	"github.com/signal-delivery/operator/test/leaky"
)

// some are secrets of every class, for a few channels.
func some(key string, channels int) []fake.Secret {
	var all []fake.Secret
	for n := range channels {
		for _, c := range fake.Classes() {
			all = append(all, fake.Mint([]byte(key), "v2", "1", c, fmt.Sprint("channel ", n)))
		}
	}
	return all
}

func of(t testing.TB, class string) fake.Secret {
	t.Helper()
	for _, s := range some("key", 1) {
		if s.Class == class {
			return s
		}
	}
	t.Fatalf("there is no class %s", class)
	return fake.Secret{}
}

func TestWaysToWriteASecret(t *testing.T) {
	token, card, ssn, session := of(t, "GitHubToken"), of(t, "CardNumber"), of(t, "SSN"), of(t, "SessionCookie")
	one := func(e Encoding) []Find { return []Find{{0, e, 0}} }
	for name, tc := range map[string]struct {
		secret fake.Secret
		text   string
		want   []Find
	}{
		"nothing":                        {token, "", nil},
		"alone":                          {token, token.Text, one(Raw)},
		"without its lead":               {token, "x" + token.Body + "y", one(Raw)},
		"twice on a line is once":        {token, token.Text + token.Text, one(Raw)},
		"on two lines":                   {token, token.Text + "\n\n" + token.Text, []Find{{0, Raw, 0}, {0, Raw, 2}}},
		"two ways on a line":             {token, hex.EncodeToString([]byte(token.Text)) + token.Text, one(Raw)},
		"basic":                          {token, "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+token.Text)), one(Base64)},
		"base64 of many lines":           {token, "aGVs\r\n" + wrapped(base64.StdEncoding.EncodeToString([]byte(token.Text)), 20), []Find{{0, Split, 1}}},
		"upper hex":                      {token, strings.ToUpper(hex.EncodeToString([]byte(token.Text))), one(Hex)},
		"JSON in JSON in a line of JSON": {token, strings.ReplaceAll(leaky.JSON.Of(token, leaky.Log), `\`, `\\\\`), one(JSON)},
		"an escaped end of a line":       {token, token.Text[:20] + `\n  ` + token.Text[20:], one(JSON)},
		"quoted twice":                   {token, strings.ReplaceAll(leaky.URL.Of(token, leaky.Log), "%", "%25"), one(URL)},
		"some letters quoted":            {token, strings.ReplaceAll(token.Text, "A", "%41"), one(URL)},
		"escapes that are none":          {token, `\u00zz %zz \` + token.Text + `\u00`, one(Raw)},
		"in capitals":                    {token, strings.ToLower(token.Text), one(Case)},
		"over three lines":               {token, token.Text[:14] + "\n\t" + token.Text[14:25] + "\r\n" + token.Text[25:], one(Split)},
		"four last letters":              {token, "****" + token.Body[len(token.Body)-4:], nil},
		"five last letters":              {token, "****" + token.Body[len(token.Body)-5:], one(Last)},
		"five first letters":             {token, "ghp_FAKE" + token.Body[:5] + "…", one(First)},
		"four first letters":             {token, "ghp_FAKE" + token.Body[:4] + "…", nil},
		"twelve first, and no mask":      {token, "ghp_FAKE" + token.Body[:8], one(First)},
		"eight last, and no mask":        {token, token.Body[len(token.Body)-8:], one(Last)},
		"both ends":                      {token, token.Text[:16] + "..." + token.Body[len(token.Body)-8:], one(First)},
		"first six and last four":        {card, card.Text[:6] + "******" + card.Text[12:], nil},
		"first eleven and a mask":        {card, card.Text[:11] + "*****", one(First)},
		"last five after a mask":         {card, "***********" + card.Text[11:], one(Last)},
		"last five after nothing":        {card, "x" + card.Text[11:], nil},
		"a card in groups":               {card, card.Text[:4] + " " + card.Text[4:8] + " " + card.Text[8:12] + " " + card.Text[12:], one(Raw)},
		"a card within a longer number":  {card, "00" + card.Text + "00", one(Raw)},
		"an SSN without dashes":          {ssn, strings.ReplaceAll(ssn.Text, "-", ""), one(Raw)},
		"its digits in a longer number":  {ssn, "1" + strings.ReplaceAll(ssn.Text, "-", ""), nil},
		"an SSN's last four":             {ssn, "***-**-" + ssn.Text[7:], nil},
		"the same, masked throughout":    {ssn, "*******" + ssn.Text[6:], nil},
		"an SSN's last six":              {ssn, "***-" + ssn.Text[4:], one(Last)},
		"the same, after a long mask":    {ssn, "****" + ssn.Text[4:], one(Last)},
		"eight last hex digits":          {session, session.Body[len(session.Body)-8:], nil},
		"twelve last hex digits":         {session, session.Body[len(session.Body)-12:], one(Last)},
		"another's":                      {token, fake.Mint([]byte("key"), "v2", "2", fake.Classes()[2], "channel 0").Text, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := New([]fake.Secret{tc.secret}).Search([]byte(tc.text))
			if len(got) == 0 {
				got = nil
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("in %q: %s", tc.text, diff)
			}
		})
	}
}

func wrapped(text string, n int) string {
	var b strings.Builder
	for i := 0; i < len(text); i += n {
		b.WriteString(text[i:min(i+n, len(text))] + "\n")
	}
	return b.String()
}

// Whatever is around it, a secret is found in every encoding, and none that is
// not there.
func TestASecretIsFoundWhateverIsAround(t *testing.T) {
	secrets := some("key", 3)
	index := New(secrets)
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	noise := func(n int) string {
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567 \n\\%*.-=/+{}\":,0189abcxyz\x00\xff"
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[random.IntN(len(letters))]
		}
		return string(b) + " "
	}
	for range 2000 {
		i := random.IntN(len(secrets))
		s, e := secrets[i], leaky.Encodings()[random.IntN(len(leaky.Encodings()))]
		text := noise(random.IntN(300)) + e.Of(s, leaky.Log) + " " + noise(random.IntN(300))
		finds := index.Search([]byte(text))
		if len(finds) == 0 {
			t.Fatalf("%s of %s is not found in %q", e, s.Class, text)
		}
		for _, f := range finds {
			if f.Secret != i {
				t.Fatalf("%s is found where %s is: %q", secrets[f.Secret].Class, s.Class, text)
			}
		}
	}
}

// Nothing is found in what has nothing, of as many letters as a log has.
func TestNothingIsFoundInNoise(t *testing.T) {
	index := New(some("key", 17))
	random := rand.New(rand.NewPCG(3, 4)) // the same each time
	for _, letters := range []string{"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdef", "0123456789", "*x.#…0123456789-"} {
		text := make([]byte, 1<<20)
		for i := range text {
			text[i] = letters[random.IntN(len(letters))]
		}
		if finds := index.Search(text); len(finds) != 0 {
			t.Errorf("%d finds in a MiB of %s", len(finds), letters)
		}
	}
}

// A long text is searched in blocks; what lies across two is found once, on
// its line.
func TestStreams(t *testing.T) {
	s := of(t, "GitHubToken")
	index := New([]fake.Secret{s})
	for _, at := range []int{0, 1, block - 30, block - 5, block + carry - 30, block + carry - 5, block + carry, 2*block + 17, 3 * block} {
		for name, line := range map[string]int{"lines": 100, "one line": 10 * block} {
			t.Run(fmt.Sprint(name, " ", at), func(t *testing.T) {
				text := bytes.Repeat([]byte{'a'}, 3*block+100)
				for i := line; i < len(text); i += line {
					text[i] = '\n'
				}
				copy(text[at:], s.Text)
				finds, read, whole, err := index.Stream(iotest.HalfReader(bytes.NewReader(text)), 1<<30)
				if want := []Find{{0, Raw, bytes.Count(text[:at+8], []byte{'\n'})}}; cmp.Diff(want, finds) != "" || read != int64(len(text)) || !whole || err != nil {
					t.Errorf("%+v, not %+v; %d bytes, %t, %v", finds, want, read, whole, err)
				}
			})
		}
	}
	text := s.Text + "\n"
	for limit, want := range map[int64]bool{int64(len(text)): true, int64(len(text)) - 1: false} {
		if _, read, whole, err := index.Stream(strings.NewReader(text), limit); whole != want || err != nil || read != limit {
			t.Errorf("up to %d: %d bytes, %t, %v", limit, read, whole, err)
		}
	}
	broken := io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("reset")))
	if finds, _, whole, err := index.Stream(broken, 1<<20); len(finds) != 1 || whole || err == nil || err.Error() != "read on after 41 bytes: reset" {
		t.Errorf("%v, %t, %v", finds, whole, err)
	}
}

// What is packed is unpacked within bounds.
func TestWhatIsPackedIsBounded(t *testing.T) {
	s := of(t, "GitHubToken")
	packed := leaky.Gzip.Of(s, leaky.Log)
	index := New([]fake.Secret{s})
	for name, tc := range map[string]struct {
		text string
		want int
	}{
		"whole":             {packed, 1},
		"base64, of URLs":   {strings.NewReplacer("+", "-", "/", "_").Replace(leaky.Gzip.Of(s, leaky.Event)), 1},
		"its beginning":     {packed[:12], 0},
		"no such thing":     {"\x1f\x8b\x08 H4sI H4sI!", 0},
		"after many others": {strings.Repeat("\x1f\x8b\x08 ", 255) + packed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := index.Search([]byte(tc.text)); len(got) != tc.want {
				t.Errorf("%d finds", len(got))
			}
		})
	}
}

// FuzzSearch: whatever the text, what is found is there, and a secret that is
// put into it is found.
func FuzzSearch(f *testing.F) {
	secrets := some("key", 2)
	index := New(secrets)
	for _, e := range leaky.Encodings() {
		f.Add([]byte("before "+e.Of(secrets[2], leaky.Log)+" after"), 3)
	}
	f.Add([]byte("\\u00\\x4\\"), 0)
	f.Add([]byte("%4%%41\x1f\x8b\x08H4sI"), 7)
	f.Fuzz(func(t *testing.T, text []byte, i int) {
		for _, found := range index.Search(text) {
			if found.Secret < 0 || found.Secret >= len(secrets) || found.Line > bytes.Count(text, []byte{'\n'}) {
				t.Fatalf("%+v", found)
			}
		}
		s := secrets[((i%len(secrets))+len(secrets))%len(secrets)]
		if got := index.Search(append(append(text, '\n'), s.Line()...)); len(got) == 0 {
			t.Fatalf("%s is not found after %q", s.Class, text)
		}
	})
}

// The time is that of going through the text a few times, whether there is one
// secret or five hundred.
func BenchmarkSearch(b *testing.B) {
	var log bytes.Buffer
	for i := range 10_000 {
		fmt.Fprintf(&log, `{"ts":"2026-01-01T00:00:%02d.%06dZ","level":"info","msg":"request done","path":"/v1/signals","trace":"%016x%016x","ms":%d}`+"\n", i%60, i, i*2654435761, i*40503, i%97)
	}
	for _, n := range []int{1, 17} {
		secrets := some("key", n)
		index := New(secrets)
		b.Run(fmt.Sprintf("%d secrets, %d needles", len(secrets), index.Needles()), func(b *testing.B) {
			b.SetBytes(int64(log.Len()))
			for b.Loop() {
				if len(index.Search(log.Bytes())) != 0 {
					b.Fatal("found")
				}
			}
		})
	}
}
