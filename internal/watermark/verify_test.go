package watermark

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	secret   = "0123456789abcdef0123456789abcdef"
	earlier  = "fedcba9876543210fedcba9876543210"
	newHash  = "7f3a9c0d1e"
	oneNonce = "AAAAAAAAAAAAAAAAAAAAAA"
	twoNonce = "BBBBBBBBBBBBBBBBBBBBBB"
)

var keys = [][]byte{[]byte(secret), []byte(earlier)}

// ask asks a release that signs with the key, in memory.
func ask(t *testing.T, key, release, nonce string, answer http.HandlerFunc) Answer {
	t.Helper()
	signed, err := Sign([]byte(key), release)
	if err != nil {
		t.Fatal(err)
	}
	return through(t, signed(answer), nonce)
}

func through(t *testing.T, handler http.Handler, nonce string) Answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://signals.example/v1/signals?n=1", nil)
	if nonce != "" {
		r.Header.Set(HeaderNonce, nonce)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return Answer{Request: r, Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
}

func signals(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"signals":[{"symbol":"EURUSD","strength":0.81}]}`)
}

func TestVerify(t *testing.T) {
	edit := func(name, old, replacement string) func(*Answer) {
		return func(res *Answer) {
			res.Header.Set(name, strings.Replace(res.Header.Get(name), old, replacement, 1))
		}
	}
	for name, tc := range map[string]struct {
		key    string
		change func(*Answer)
		body   string // appended
		want   error
	}{
		"as it was signed":              {},
		"with the key before":           {key: earlier},
		"with a key of nobody's":        {key: strings.Repeat("x", 32), want: ErrForged},
		"another status":                {change: func(res *Answer) { res.Status = 200 }, want: ErrForged},
		"another body":                  {body: " ", want: ErrAltered},
		"another body, with its digest": {change: func(res *Answer) { res.Header.Set("Content-Digest", digest([]byte("{}"))) }, want: ErrForged},
		"another release":               {change: edit("Signature-Input", newHash, "0000000000"), want: ErrForged},
		"another time":                  {change: edit("Signature-Input", "created=", "created=1"), want: ErrForged},
		"another code":                  {change: func(res *Answer) { res.Header.Set("Signature", "watermark="+encode(make([]byte, 32))) }, want: ErrForged},
		"an empty code":                 {change: func(res *Answer) { res.Header.Set("Signature", "watermark=::") }, want: ErrMissing},
		"an answer to another request":  {change: func(res *Answer) { res.Request.Header.Set(HeaderNonce, twoNonce) }, want: ErrReplayed},
		"replayed, and changed":         {change: func(res *Answer) { res.Request.Header.Set(HeaderNonce, twoNonce); res.Status = 200 }, want: ErrForged},
		"replayed, and said to be ours": {change: func(res *Answer) {
			res.Request.Header.Set(HeaderNonce, twoNonce)
			edit("Signature-Input", oneNonce, twoNonce)(res)
		}, want: ErrForged},
		"no signature":                         {change: func(res *Answer) { res.Header.Del("Signature") }, want: ErrMissing},
		"no input":                             {change: func(res *Answer) { res.Header.Del("Signature-Input") }, want: ErrMissing},
		"no digest":                            {change: func(res *Answer) { res.Header.Del("Content-Digest") }, want: ErrMissing},
		"status not covered":                   {change: edit("Signature-Input", `"@status" `, ""), want: ErrMissing},
		"digest not covered":                   {change: edit("Signature-Input", ` "content-digest"`, ""), want: ErrMissing},
		"request not covered":                  {change: edit("Signature-Input", ` "x-signal-nonce";req`, ""), want: ErrMissing},
		"nonce of the answer, not the request": {change: edit("Signature-Input", `;req`, ""), want: ErrMissing},
		"covered twice":                        {change: edit("Signature-Input", `"@status"`, `"@status" "@status"`), want: ErrMissing},
		"another tag":                          {change: edit("Signature-Input", Tag, "someone-else"), want: ErrMissing},
		"another algorithm":                    {change: edit("Signature-Input", algorithm, "rsa-pss-sha512"), want: ErrMissing},
		"no release":                           {change: edit("Signature-Input", `keyid="`+newHash, `keyid="`), want: ErrMissing},
		"a field that is not there":            {change: edit("Signature-Input", `"@status"`, `"@status" "x-more"`), want: ErrMissing},
		"a part that is not understood":        {change: edit("Signature-Input", `"@status"`, `"@status" "@query-param";name="n"`), want: ErrMissing},
		"input cut off":                        {change: edit("Signature-Input", `)`, ""), want: ErrMissing},
		"code cut off":                         {change: edit("Signature", "=:", "="), want: ErrMissing},
		"someone else's signature beside it": {change: func(res *Answer) {
			res.Header["Signature-Input"] = append([]string{`proxy=("@status");keyid="gateway";tag="proxy"`}, res.Header["Signature-Input"]...)
			res.Header["Signature"] = append(res.Header["Signature"], "proxy="+encode([]byte("theirs")))
		}},
		"two watermarks": {change: func(res *Answer) {
			res.Header.Add("Signature-Input", `more=("@status");tag="signal-watermark"`)
		}, want: ErrMissing},
		"spaces that mean nothing": {change: edit("Signature-Input", `"@status" "content-digest"`, `  "@status"   "content-digest"`)},
		"another label": {change: func(res *Answer) {
			edit("Signature-Input", label+"=", "sig1=")(res)
			edit("Signature", label+"=", "sig1=")(res)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.key == "" {
				tc.key = secret
			}
			res := ask(t, tc.key, newHash, oneNonce, signals)
			if tc.change != nil {
				tc.change(&res)
			}
			res.Body = append(res.Body, tc.body...)
			release, err := Verify(keys, res)
			if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			if want := map[bool]string{true: newHash}[err == nil]; release != want {
				t.Errorf("release %q, want %q", release, want)
			}
		})
	}
}

// TestAnotherSignersForm verifies what another implementation may send: its own
// label, order and parameters, more that is covered, and another digest.
func TestAnotherSignersForm(t *testing.T) {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://Signals.Example/v1/signals?n=1", nil)
	request.Header.Set(HeaderNonce, oneNonce)
	answer := Answer{Status: http.StatusServiceUnavailable, Body: []byte(busyBody), Request: request, Header: http.Header{
		"Content-Type": {"application/json"}, "Content-Digest": {busyDigest},
		"Signature-Input": {`sig1=("x-signal-nonce";req "content-digest" "content-type" "@authority";req "@method";req "@path";req "@status");keyid="` + newHash + `";tag="signal-watermark";created=1618884479`},
	}}
	base := `"x-signal-nonce";req: ` + oneNonce + `
"content-digest": ` + busyDigest + `
"content-type": application/json
"@authority";req: signals.example
"@method";req: GET
"@path";req: /v1/signals
"@status": 503
"@signature-params": ("x-signal-nonce";req "content-digest" "content-type" "@authority";req "@method";req "@path";req "@status");keyid="` + newHash + `";tag="signal-watermark";created=1618884479`
	answer.Header.Set("Signature", "sig1="+encode(code([]byte(secret), base)))
	if release, err := Verify(keys, answer); release != newHash || err != nil {
		t.Errorf("got %q, %v", release, err)
	}
	answer.Header.Set("Content-Type", "text/html")
	if _, err := Verify(keys, answer); !errors.Is(err, ErrForged) {
		t.Errorf("got %v", err)
	}
}

// TestOneBit changes each bit of all that is sent, one at a time.
func TestOneBit(t *testing.T) {
	fresh := func() Answer { return ask(t, secret, newHash, oneNonce, signals) }
	refused := func(t *testing.T, what string, res Answer) {
		t.Helper()
		if release, err := Verify(keys, res); err == nil {
			t.Errorf("%s: passed as %q", what, release)
		}
	}
	for _, name := range []string{"Signature-Input", "Signature", "Content-Digest"} {
		res := fresh()
		text := []byte(res.Header.Get(name))
		for bit := range len(text) * 8 {
			text[bit/8] ^= 1 << (bit % 8)
			res.Header.Set(name, string(text))
			refused(t, name+": "+string(text), res)
			text[bit/8] ^= 1 << (bit % 8)
		}
	}
	res := fresh()
	body := res.Body
	for bit := range len(body) * 8 {
		body[bit/8] ^= 1 << (bit % 8)
		refused(t, "body "+string(body), res)
		body[bit/8] ^= 1 << (bit % 8)
	}
	nonce := []byte(oneNonce)
	for bit := range len(nonce) * 8 {
		nonce[bit/8] ^= 1 << (bit % 8)
		res.Request.Header.Set(HeaderNonce, string(nonce))
		refused(t, "nonce "+string(nonce), res)
		nonce[bit/8] ^= 1 << (bit % 8)
	}
	res.Request.Header.Set(HeaderNonce, oneNonce)
	for bit := range 10 {
		res.Status ^= 1 << bit
		refused(t, "status", res)
		res.Status ^= 1 << bit
	}
	if _, err := Verify(keys, res); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

// TestRandomAnswers signs what nobody thought of, and lets no byte of it be
// taken away, added or moved.
func TestRandomAnswers(t *testing.T) {
	random := rand.New(rand.NewPCG(9421, 9530))
	for range 500 {
		sent := make([]byte, random.IntN(200))
		for i := range sent {
			sent[i] = byte(random.Uint32())
		}
		status := 200 + random.IntN(4)*100
		res := ask(t, secret, newHash, oneNonce, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write(sent)
		})
		if release, err := Verify(keys, res); release != newHash || err != nil {
			t.Fatalf("%d %q: %q, %v", status, sent, release, err)
		}
		body := res.Body
		changed := append([]byte{}, body...)
		switch at := random.IntN(len(body) + 1); {
		case at < len(body) && random.IntN(2) == 0:
			changed = append(changed[:at], changed[at+1:]...)
		default:
			changed = append(append(append([]byte{}, body[:at]...), byte(random.Uint32())), body[at:]...)
		}
		res.Body = changed
		if _, err := Verify(keys, res); !errors.Is(err, ErrAltered) {
			t.Fatalf("%d %q for %q: %v", status, changed, sent, err)
		}
	}
}

// FuzzVerify reads whatever is sent without falling over, and believes none of
// it.
func FuzzVerify(f *testing.F) {
	f.Add(`watermark=("@status" "content-digest" "x-signal-nonce";req);created=1;keyid="a";tag="signal-watermark"`, "watermark=:AAAA:", "sha-256=:AAAA:")
	f.Add(`a=("\"" "@status";req;bs);b=?0;c=:AA==:;d=-1.5;e=*t/k:n, b=()`, "", "")
	f.Add(`a=(`, "a=", "=")
	f.Fuzz(func(t *testing.T, input, sum, digest string) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.Header.Set(HeaderNonce, oneNonce)
		answer := Answer{Status: http.StatusOK, Request: request, Header: http.Header{"Signature-Input": {input}, "Signature": {sum}, "Content-Digest": {digest}}}
		if release, err := Verify(keys, answer); err == nil {
			t.Errorf("passed as %q", release)
		}
		if all, err := signatures(input); err == nil {
			for name, s := range all {
				if again, err := signatures(name + "=" + s.input()); err != nil || again[name].input() != s.input() {
					t.Errorf("%q is not read as it is written: %v", s.input(), err)
				}
			}
		}
	})
}
