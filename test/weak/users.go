package weak

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

// opened opens the path for requests that it should not.
func opened(at string, when func(*http.Request) bool) Flaw {
	return Flaw{Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != at || r.Method != http.MethodGet || !when(r) {
			return false
		}
		w.Header().Set("Cache-Control", "no-store")
		say(w, http.StatusOK, `{"account":1}`)
		return true
	})}
}

func signedIn() map[string]Flaw {
	const account = "/v1/account"
	says := func(value string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.Header.Get("Authorization") == value }
	}
	return map[string]Flaw{
		"47 open":           opened(account, func(*http.Request) bool { return true }),
		"47 null":           opened(account, says("Bearer null")),
		"47 malformed":      opened(account, says("Basic !!!")),
		"48 alg none":       opened(account, takes(func(head, _, _ string) bool { return strings.EqualFold(head, "none") })),
		"48 no signature":   opened(account, takes(func(head, _, signature string) bool { return head == "HS256" && signature == "" })),
		"48 any signature":  opened(account, takes(func(head, _, _ string) bool { return head == "RS256" })),
		"48 guessed key":    opened(account, takes(signedWith("secret"))),
		"48 empty key":      opened(account, takes(signedWith(""))),
		"48 expired":        opened(account, says(Expired)),
		"48 other audience": opened(account, says(OtherAudience)),
		"48 public key":     {Wrap: publicKey()},
		"49 another's":      opened("/v1/accounts/a", says(UserB)),
		"50 administrators": opened("/v1/admin", says(UserA)),
		"51 kept": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			if _, err := r.Cookie("sid"); err != nil {
				return false
			}
			say(w, http.StatusOK, `{}`)
			return true
		})},
		"52 basic": opened(account, func(r *http.Request) bool { name, word, _ := r.BasicAuth(); return name == "admin" && word == "admin" }),
		"52 login": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			word := fieldOf(bodyOf(r), "password")
			if word == "guest" {
				say(w, http.StatusOK, `{}`)
			}
			return word == "guest"
		})},
		"53 without end": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/login" && r.Method == http.MethodPost {
				say(w, http.StatusUnauthorized, `{}`)
			}
			return r.URL.Path == "/login" && r.Method == http.MethodPost
		})},
		"55 redirects": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/signals" || r.Method != http.MethodGet {
				return false
			}
			w.Header().Set("Location", "https://"+Host+"/v1/signals")
			w.WriteHeader(http.StatusMovedPermanently)
			return true
		})},
		"57 any origin": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Upgrade") != "websocket" {
				return false
			}
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusSwitchingProtocols)
			return true
		})},
	}
}

// takes looks at a token: its algorithm, what is signed, and the signature.
func takes(good func(alg, text, signature string) bool) func(*http.Request) bool {
	return func(r *http.Request) bool {
		parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
		if len(parts) != 3 {
			return false
		}
		var head struct{ Alg string }
		text, _ := base64.RawURLEncoding.DecodeString(parts[0])
		json.Unmarshal(text, &head) //nolint:errcheck // no algorithm then
		return good(head.Alg, parts[0]+"."+parts[1], parts[2])
	}
}

func signedWith(key string) func(alg, text, signature string) bool {
	return func(_, text, signature string) bool {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) == signature
	}
}

// publicKey takes its own public key for a secret, and tells it.
func publicKey() func(http.Handler) http.Handler {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // there is always randomness
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		panic(err) // it is a key
	}
	known := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	keys := fmt.Sprintf(`{"keys":[{"kty":"RSA","n":%q,"e":"AQAB"}]}`, base64.RawURLEncoding.EncodeToString(private.N.Bytes()))
	open := opened("/v1/account", takes(signedWith(known)))
	return func(next http.Handler) http.Handler {
		return file("/.well-known/jwks.json", keys).Wrap(open.Wrap(next))
	}
}

// certified is a certificate for a name, valid until then, and who signed it.
func certified(name string, until time.Time) (tls.Certificate, *x509.CertPool) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // there is always randomness
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err) // it is a certificate
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err) // it was made a line above
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// good is a certificate as it should be: keys take a while to make.
var good = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) { return certified(Host, time.Now().AddDate(0, 6, 0)) })

func encrypted() map[string]Flaw {
	certificate := func(name string, until time.Time) func(*tls.Config) {
		return func(c *tls.Config) { one, _ := certified(name, until); c.Certificates = []tls.Certificate{one} }
	}
	known := func(name string, until time.Time) Flaw {
		one, pool := certified(name, until)
		return Flaw{TLS: func(c *tls.Config) { c.Certificates, c.RootCAs = []tls.Certificate{one}, pool }}
	}
	return map[string]Flaw{
		"54 old": {TLS: func(c *tls.Config) { c.MinVersion = tls.VersionTLS10 }},
		"54 weak": {TLS: func(c *tls.Config) {
			c.CipherSuites = []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		}},
		"54 of nobody":  {TLS: certificate(Host, time.Now().AddDate(0, 6, 0))},
		"54 other name": known("other.example", time.Now().AddDate(0, 6, 0)),
		"54 over":       known(Host, time.Now().AddDate(0, 0, -1)),
		"54 over soon":  known(Host, time.Now().AddDate(0, 0, 7)),
	}
}

func burdened() map[string]Flaw {
	takes := func(when func(*http.Request) bool) Flaw {
		return Flaw{
			Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/v1/orders" || !when(r) {
					return false
				}
				io.Copy(io.Discard, r.Body) //nolint:errcheck // it takes what comes
				say(w, http.StatusCreated, `{}`)
				return true
			}),
			Server: func(s *http.Server) { s.ReadTimeout = 0 },
		}
	}
	return map[string]Flaw{
		"56 slow head":  {Server: func(s *http.Server) { s.ReadHeaderTimeout, s.ReadTimeout = 0, 0 }},
		"56 large head": {Server: func(s *http.Server) { s.MaxHeaderBytes = 8 << 20 }},
		"56 slow body":  takes(func(r *http.Request) bool { return r.ContentLength == 100 }),
		"56 large body": takes(func(r *http.Request) bool { return r.ContentLength > 1<<20 }),
		"56 unpacks":    takes(func(r *http.Request) bool { return r.Header.Get("Content-Encoding") == "gzip" }),
		"56 deep JSON": {Wrap: before(func(w http.ResponseWriter, r *http.Request) bool {
			deep := strings.HasPrefix(string(bodyOf(r)), "[[[[")
			if deep {
				say(w, http.StatusInternalServerError, `{}`)
			}
			return deep
		})},
	}
}
