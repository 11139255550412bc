package watermark

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Why an answer is not what it should be.
var (
	// ErrMissing: it has no watermark, or one that covers too little.
	ErrMissing = errors.New("the answer has no watermark")
	// ErrForged: the signature is of no key that is known, or of another status
	// or header.
	ErrForged = errors.New("the watermark is not of this key, status and header")
	// ErrReplayed: the signature is good, and of the answer to another request.
	ErrReplayed = errors.New("the watermark is of an answer to another request")
	// ErrAltered: the signature is good, and of another body.
	ErrAltered = errors.New("the watermark is of another body")
)

// Answer is an answer whose body has been read to its end.
type Answer struct {
	Request *http.Request // that it is the answer to
	Status  int
	Header  http.Header
	Body    []byte
}

// Verify says which release gave the answer. The keys are those that may have been used: while one is replaced, two
// are. The error is one of the above, with what is wrong.
func Verify(keys [][]byte, answer Answer) (release string, err error) {
	s, sum, err := claimed(answer.Header)
	if err != nil {
		return "", err
	}
	nonce := answer.Request.Header.Get(HeaderNonce)
	good, err := s.signed(keys, sum, answer, nonce)
	if err != nil {
		return "", err
	}
	if !good {
		if other := s.parameter("nonce"); other != nonce && nonceForm.MatchString(other) {
			if replayed, err := s.signed(keys, sum, answer, other); err == nil && replayed {
				return "", ErrReplayed
			}
		}
		return "", ErrForged
	}
	if err := digested(answer.Header, answer.Body); err != nil {
		return "", err
	}
	return s.parameter("keyid"), nil
}

// claimed is the watermark that the header has, and its code.
func claimed(header http.Header) (signature, []byte, error) {
	missing := func(why string, args ...any) (signature, []byte, error) {
		return signature{}, nil, fmt.Errorf("%w: %s", ErrMissing, fmt.Sprintf(why, args...))
	}
	field := list(header, "Signature-Input")
	if field == "" {
		return missing("there is no Signature-Input")
	}
	all, err := signatures(field)
	if err != nil {
		return missing("Signature-Input cannot be read")
	}
	codes, err := values(list(header, "Signature"))
	if err != nil {
		return missing("Signature cannot be read")
	}
	var ours []string
	for name, s := range all {
		if s.parameter("tag") == Tag {
			ours = append(ours, name)
		}
	}
	if len(ours) != 1 {
		return missing("%d signatures have the tag %s", len(ours), Tag)
	}
	s, sum := all[ours[0]], codes[ours[0]]
	if alg := s.parameter("alg"); alg != "" && alg != algorithm {
		return missing("its algorithm is not %s", algorithm)
	}
	for _, c := range []component{{name: "@status"}, {name: "content-digest"}, {name: strings.ToLower(HeaderNonce), request: true}} {
		if !s.covers(c) {
			return missing("it does not cover %s", c)
		}
	}
	if len(sum) == 0 || !releaseForm.MatchString(s.parameter("keyid")) {
		return missing("it has no code, or names no release as its keyid")
	}
	return s, sum, nil
}

// signed reports whether the code is that of one of the keys, for an answer to
// a request with this nonce.
func (s signature) signed(keys [][]byte, sum []byte, answer Answer, nonce string) (bool, error) {
	base, err := s.base(func(c component) (string, error) { return valueOf(c, answer, nonce) })
	if err != nil {
		return false, err
	}
	for _, key := range keys {
		if hmac.Equal(sum, code(key, base)) {
			return true, nil
		}
	}
	return false, nil
}

// valueOf is a component of the answer, or of its request (RFC 9421, sections
// 2.1, 2.2 and 2.4).
func valueOf(c component, answer Answer, nonce string) (string, error) {
	header := answer.Header
	if c.request {
		header = answer.Request.Header
		switch c.name {
		case strings.ToLower(HeaderNonce):
			return nonce, nil
		case "@method":
			return answer.Request.Method, nil
		case "@authority":
			if host := answer.Request.Host; host != "" {
				return strings.ToLower(host), nil
			}
			return strings.ToLower(answer.Request.URL.Host), nil
		case "@path":
			return answer.Request.URL.EscapedPath(), nil
		}
	} else if c.name == "@status" {
		return strconv.Itoa(answer.Status), nil
	}
	if strings.HasPrefix(c.name, "@") || len(header.Values(c.name)) == 0 {
		return "", fmt.Errorf("%w: it covers %s, which is not there", ErrMissing, c)
	}
	return list(header, c.name), nil
}

// digested compares the body with every digest of it that is understood; there
// must be one.
func digested(header http.Header, body []byte) error {
	all, err := values(list(header, "Content-Digest"))
	if err != nil {
		return fmt.Errorf("%w: Content-Digest cannot be read", ErrMissing)
	}
	known := 0
	short, long := sha256.Sum256(body), sha512.Sum512(body)
	for name, sum := range map[string][]byte{"sha-256": short[:], "sha-512": long[:]} {
		claimed, has := all[name]
		if !has {
			continue
		}
		if known++; !hmac.Equal(claimed, sum) {
			return ErrAltered
		}
	}
	if known == 0 {
		return fmt.Errorf("%w: Content-Digest has neither sha-256 nor sha-512", ErrMissing)
	}
	return nil
}

// list is all lines of a field as one (RFC 9421, section 2.1).
func list(header http.Header, name string) string {
	lines := header.Values(name)
	trimmed := make([]string, len(lines))
	for i, line := range lines {
		trimmed[i] = strings.Trim(line, " \t")
	}
	return strings.Join(trimmed, ", ")
}
