package watermark

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of RFC 9421: the request and the secret of its appendix B, and the response
// of section 2.4.
const (
	rfcSecret  = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
	rfcPublic  = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\nw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----\n"
	rfcBody    = `{"hello": "world"}`
	rfcDigest  = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
	busyBody   = `{"busy": true, "message": "Your call is very important to us"}`
	busyDigest = "sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:"
)

// TestRFC9421HMAC is appendix B.2.5: the signature base and the code of it.
func TestRFC9421HMAC(t *testing.T) {
	all, err := signatures(`sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`)
	if err != nil {
		t.Fatal(err)
	}
	request := map[string]string{"date": "Tue, 20 Apr 2021 02:07:55 GMT", "@authority": "example.com", "content-type": "application/json"}
	base, err := all["sig-b25"].base(func(c component) (string, error) { return request[c.name], nil })
	if err != nil {
		t.Fatal(err)
	}
	want := `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@authority": example.com
"content-type": application/json
"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`
	if diff := cmp.Diff(want, base); diff != "" {
		t.Error(diff)
	}
	secret, err := base64.StdEncoding.DecodeString(rfcSecret)
	if err != nil {
		t.Fatal(err)
	}
	if got := encode(code(secret, base)); got != ":pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:" {
		t.Errorf("got %s", got)
	}
}

// TestRFC9421Response is section 2.4: an answer that is bound to its request.
// It is signed with another algorithm, whose signature proves the base.
func TestRFC9421Response(t *testing.T) {
	all, err := signatures(`reqres=("@status" "content-digest" "content-type" "@authority";req "@method";req "@path";req "content-digest";req);created=1618884479;keyid="test-key-ecc-p256"`)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/foo?param=Value&Pet=dog", strings.NewReader(rfcBody))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Digest", rfcDigest)
	answer := Answer{Status: http.StatusServiceUnavailable, Request: request, Header: http.Header{"Content-Type": {"application/json"}, "Content-Digest": {busyDigest}}}
	base, err := all["reqres"].base(func(c component) (string, error) { return valueOf(c, answer, "") })
	if err != nil {
		t.Fatal(err)
	}
	sum, err := decode(":dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQgQPgQp8wq2ive3tV5Ag==:")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(rfcPublic))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256([]byte(base))
	if !ecdsa.Verify(public.(*ecdsa.PublicKey), hash[:], new(big.Int).SetBytes(sum[:32]), new(big.Int).SetBytes(sum[32:])) {
		t.Errorf("the RFC's signature is not of\n%s", base)
	}
	if err := digested(answer.Header, []byte(busyBody)); err != nil {
		t.Error(err)
	}
}

// TestRFC9530Digests are the ones of its appendices D, and of RFC 9421.
func TestRFC9530Digests(t *testing.T) {
	const world = "{\"hello\": \"world\"}\n"
	for name, tc := range map[string]struct{ field, body string }{
		"sha-256":              {"sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", world},
		"sha-256 of no line":   {"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", rfcBody},
		"sha-512":              {rfcDigest, rfcBody},
		"beside one unknown":   {"md5=:abcd:, " + rfcDigest, rfcBody},
		"of nothing":           {"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", ""},
		"two, each with a tab": {"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\t,\t" + rfcDigest, rfcBody},
	} {
		t.Run(name, func(t *testing.T) {
			if err := digested(http.Header{"Content-Digest": {tc.field}}, []byte(tc.body)); err != nil {
				t.Error(err)
			}
			if err := digested(http.Header{"Content-Digest": {tc.field}}, []byte(tc.body+" ")); err == nil {
				t.Error("another body passed")
			}
		})
	}
}
