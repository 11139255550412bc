// Package watermark marks answers of a service so that whoever asked can prove
// which release gave an answer, that it is the answer to this very request, and
// that nobody changed it on the way. The mark is an HTTP message signature
// (RFC 9421, hmac-sha256) of the status, the body's digest (RFC 9530) and a
// value that the request brought along. A service marks with Sign; the
// operator's Jobs check with Verify. It proves nothing against a service that
// holds the key and lies about its own name.
//
// It needs nothing but the standard library, so that a service can take it as
// it is.
package watermark

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
)

const (
	// HeaderNonce has the value that makes a request unlike all others. Only
	// requests with it are marked.
	HeaderNonce = "X-Signal-Nonce"
	// Tag tells the watermark from other signatures of the same answer.
	Tag = "signal-watermark"
	// MaxBody is the largest answer that is marked, in bytes.
	MaxBody = 1 << 20

	algorithm = "hmac-sha256"
	label     = "watermark" // of our own signature; others may call theirs differently
	minKey    = sha256.Size // RFC 2104: a shorter one weakens the code
	maxKey    = 1 << 12
)

var (
	nonceForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)
	releaseForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`) // what a label's value may be
)

// Key is the key that a file or a variable holds: all of it, without the white
// space around it.
func Key(text []byte) ([]byte, error) {
	key := bytes.TrimSpace(text)
	if len(key) < minKey || len(key) > maxKey {
		return nil, fmt.Errorf("the key has %d bytes: give it %d to %d", len(key), minKey, maxKey)
	}
	return bytes.Clone(key), nil
}

// code is the message authentication code of a signature base.
func code(key []byte, base string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(base))
	return h.Sum(nil)
}

// digest is the Content-Digest of a body.
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=" + encode(sum[:])
}

// encode writes a byte sequence as structured fields have it.
func encode(value []byte) string {
	return ":" + base64.StdEncoding.EncodeToString(value) + ":"
}

// decode reads one. Every byte sequence has one form alone: another that means
// the same is refused.
func decode(text string) ([]byte, error) {
	if len(text) < 2 || text[0] != ':' || text[len(text)-1] != ':' {
		return nil, errors.New("not a byte sequence")
	}
	return base64.StdEncoding.Strict().DecodeString(text[1 : len(text)-1])
}
