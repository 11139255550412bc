// Package token makes tokens that no service may take: nobody has issued them.
package token

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
)

// claims are those of someone who may do everything, for ever.
const claims = `{"sub":"admin","role":"admin","admin":true,"iss":"signal-probe","aud":"signal-probe","iat":1700000000,"exp":4102444800}`

// Most is how many forgeries there are, at most.
const Most = 9

// Forged is a token that nobody has issued, and what is wrong with it.
type Forged struct{ What, Token string }

// Forgeries are tokens that a service must not take. Of a user's own token, if
// that is one, the claims are kept.
func Forgeries(user string) []Forged {
	body := segment(claims)
	all := []Forged{
		{"alg none", segment(`{"alg":"none","typ":"JWT"}`) + "." + body + "."},
		{"alg nOnE", segment(`{"alg":"nOnE","typ":"JWT"}`) + "." + body + "."},
		{"no signature", segment(`{"alg":"HS256","typ":"JWT"}`) + "." + body + "."},
		{"a signature of nobody's", segment(`{"alg":"RS256","typ":"JWT"}`) + "." + body + "." + segment("signal-probe")},
		{"a guessed key", signed(`{"alg":"HS256","typ":"JWT"}`, body, []byte("secret"))},
		{"an empty key", signed(`{"alg":"HS256","typ":"JWT"}`, body, nil)},
		{"a key that is a file", signed(`{"alg":"HS256","typ":"JWT","kid":"../../../../../../../../dev/null"}`, body, nil)},
	}
	if parts := strings.Split(strings.TrimPrefix(user, "Bearer "), "."); len(parts) == 3 && strings.HasPrefix(user, "Bearer ey") && len(parts[2]) > 1 {
		turned := "A" + parts[2][1:]
		if turned == parts[2] {
			turned = "B" + parts[2][1:]
		}
		all = append(all,
			Forged{"userA's claims and alg none", segment(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + "."},
			Forged{"userA's claims and another signature", parts[0] + "." + parts[1] + "." + turned})
	}
	return all
}

// Confused are tokens that are signed with a public key as if it were secret.
func Confused(keys string) []string {
	var set struct {
		Keys []struct{ N, E string } `json:"keys"`
	}
	if json.Unmarshal([]byte(keys), &set) != nil {
		return nil
	}
	var all []string
	for _, key := range set.Keys {
		n, err := base64.RawURLEncoding.DecodeString(key.N)
		e, bad := base64.RawURLEncoding.DecodeString(key.E)
		if err != nil || bad != nil || len(n) == 0 || len(e) == 0 || len(e) > 4 {
			continue
		}
		der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())})
		if err != nil {
			continue
		}
		all = append(all, signed(`{"alg":"HS256","typ":"JWT"}`, segment(claims), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	}
	return all
}

func signed(head, body string, key []byte) string {
	text := segment(head) + "." + body
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + segment(string(mac.Sum(nil)))
}

func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
