package watermark

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// Environment of a service that marks its answers.
const (
	EnvRelease = "WATERMARK_RELEASE"  // the pod's label delivery.signal.dev/release
	EnvKeyFile = "WATERMARK_KEY_FILE" // path of the key
	EnvKey     = "WATERMARK_KEY"      // the key itself, where there is no file
)

// Middleware is a handler around another.
type Middleware func(http.Handler) http.Handler

// FromEnv is what the environment asks for: answers are left as they are when
// it names no key.
func FromEnv(getenv func(string) string) (Middleware, error) {
	text, from := []byte(getenv(EnvKey)), EnvKey
	if path := getenv(EnvKeyFile); path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil { //nolint:gosec // whoever starts the service says where its key is
			return nil, fmt.Errorf("read %s: %w", EnvKeyFile, err)
		}
		from = EnvKeyFile
	}
	if len(text) == 0 && from == EnvKey {
		return func(next http.Handler) http.Handler { return next }, nil
	}
	key, err := Key(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return Sign(key, getenv(EnvRelease))
}

// Sign marks every answer to a request that has a nonce as one of this release.
// It belongs around everything that changes an answer, such as compression. An
// answer to such a request is held back until it is whole; one that is flushed,
// taken over or larger than MaxBody goes out as it comes, without a mark.
func Sign(key []byte, release string) (Middleware, error) {
	if _, err := Key(key); err != nil {
		return nil, err
	}
	if !releaseForm.MatchString(release) {
		return nil, fmt.Errorf("release %q: must be the value of the pod's label delivery.signal.dev/release", release)
	}
	key = bytes.Clone(key)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			nonce := r.Header.Values(HeaderNonce)
			if len(nonce) != 1 || !nonceForm.MatchString(nonce[0]) {
				next.ServeHTTP(w, r)
				return
			}
			whole := &answer{ResponseWriter: w}
			next.ServeHTTP(whole, r)
			whole.end(func(status int, body []byte) {
				mark(w.Header(), key, release, nonce[0], status, body)
			})
		})
	}, nil
}

// mark adds the watermark to the header of an answer.
func mark(header http.Header, key []byte, release, nonce string, status int, body []byte) {
	header.Set("Content-Digest", digest(body))
	s := signature{
		components: []component{{name: "@status"}, {name: "content-digest"}, {name: "x-signal-nonce", request: true}},
		parameters: []parameter{
			{"created", strconv.FormatInt(time.Now().Unix(), 10)}, //nolint:forbidigo // a service has no other clock
			{"keyid", strconv.Quote(release)},
			{"alg", strconv.Quote(algorithm)},
			{"nonce", strconv.Quote(nonce)},
			{"tag", strconv.Quote(Tag)},
		},
	}
	base, _ := s.base(func(c component) (string, error) { // of what is always there
		switch {
		case c.request:
			return nonce, nil
		case c.name == "@status":
			return strconv.Itoa(status), nil
		}
		return header.Get(c.name), nil
	})
	header.Add("Signature-Input", label+"="+s.input())
	header.Add("Signature", label+"="+encode(code(key, base)))
}

// answer holds an answer back until it is whole.
type answer struct {
	http.ResponseWriter
	status  int
	body    bytes.Buffer
	passing bool // it goes out as it comes
}

// WriteHeader notes the status; informational ones go out at once.
func (a *answer) WriteHeader(status int) {
	switch {
	case a.passing || status < 200:
		a.ResponseWriter.WriteHeader(status)
	case a.status == 0:
		a.status = status
	}
}

// Write keeps a part of the body, up to what is marked at all.
func (a *answer) Write(part []byte) (int, error) {
	if !a.passing && a.body.Len()+len(part) > MaxBody {
		if err := a.pass(); err != nil {
			return 0, err
		}
	}
	if a.passing {
		return a.ResponseWriter.Write(part)
	}
	a.WriteHeader(http.StatusOK)
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed // it would be signed, and never sent
	}
	return a.body.Write(part)
}

// Hijack gives the connection away, and with it the answer.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, both, err := http.NewResponseController(a.ResponseWriter).Hijack()
	a.passing = a.passing || err == nil
	return conn, both, err
}

// SetReadDeadline is for http.ResponseController.
func (a *answer) SetReadDeadline(deadline time.Time) error {
	return http.NewResponseController(a.ResponseWriter).SetReadDeadline(deadline)
}

// SetWriteDeadline is for http.ResponseController.
func (a *answer) SetWriteDeadline(deadline time.Time) error {
	return http.NewResponseController(a.ResponseWriter).SetWriteDeadline(deadline)
}

// Flush sends what there is: the answer is a stream.
func (a *answer) Flush() {
	if a.pass() == nil {
		_ = http.NewResponseController(a.ResponseWriter).Flush() // one that cannot be flushed need not be
	}
}

// pass sends what was held back, and from then on all there is.
func (a *answer) pass() error {
	if a.passing {
		return nil
	}
	a.passing = true
	return a.send()
}

// end marks a whole answer and sends it.
func (a *answer) end(mark func(status int, body []byte)) {
	if a.passing {
		return
	}
	a.WriteHeader(http.StatusOK)
	mark(a.status, a.body.Bytes())
	_ = a.send() // the client may be gone
}

func (a *answer) send() error {
	if a.status != 0 {
		a.ResponseWriter.WriteHeader(a.status)
	}
	if a.body.Len() == 0 {
		return nil
	}
	_, err := a.body.WriteTo(a.ResponseWriter)
	return err
}
