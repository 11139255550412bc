package policy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"regexp"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func got[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func curve(c elliptic.Curve) string {
	return block("PUBLIC KEY", got(x509.MarshalPKIXPublicKey(got(ecdsa.GenerateKey(c, rand.Reader)).Public())))
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func rsaOf(bits int) string {
	return block("PUBLIC KEY", got(x509.MarshalPKIXPublicKey(got(rsa.GenerateKey(rand.Reader, bits)).Public())))
}

func TestParseKey(t *testing.T) {
	good := curve(elliptic.P256())
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	got(edwards, err)
	long := got(rsa.GenerateKey(rand.Reader, 2048)).PublicKey
	long.N = long.N.Lsh(long.N, 8193-2048)
	for name, tc := range map[string]struct{ text, says string }{
		"P-256":                  {good, ""},
		"P-384":                  {curve(elliptic.P384()), ""},
		"P-521":                  {curve(elliptic.P521()), ""},
		"Ed25519":                {block("PUBLIC KEY", got(x509.MarshalPKIXPublicKey(edwards))), ""},
		"RSA":                    {rsaOf(2048), ""},
		"space around it":        {"\n  " + good + "\n", ""},
		"P-224":                  {curve(elliptic.P224()), "P-224"},
		"short RSA":              {rsaOf(2047), "2047 bits: take one of 2048 to 8192"},
		"long RSA":               {block("PUBLIC KEY", got(x509.MarshalPKIXPublicKey(&long))), "8193 bits"},
		"nothing":                {"", "is not PEM"},
		"words before it":        {"ours: " + good, "is not PEM"},
		"words after it":         {good + "ours", "something after"},
		"two":                    {good + good, "something after"},
		"half of it":             {good[:len(good)/2], "cut off or damaged"},
		"garbage inside":         {block("PUBLIC KEY", []byte("x")), "not a PKIX public key"},
		"a private key":          {block("PRIVATE KEY", []byte("x")), "a private key, which must be given to nobody"},
		"cosign's private key":   {block("ENCRYPTED SIGSTORE PRIVATE KEY", []byte("x")), "a private key"},
		"a certificate":          {block("CERTIFICATE", []byte("x")), "a certificate"},
		"an RSA key in PKCS #1":  {block("RSA PUBLIC KEY", []byte("x")), "PKCS #1"},
		"a block of another":     {block("SECRET WORDS", []byte("x")), "but something else"},
		"a key for another use":  {block("PUBLIC KEY", must25519(t)), "of another kind than ECDSA"},
		"capitals, or not quite": {strings.ToLower(good), "is not PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := ParseKey([]byte(tc.text))
			if tc.says == "" && (err != nil || key == nil) || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("it repeats what it was given: %v", err)
			}
		})
	}
}

// must25519 is a PKIX key of X25519, which signs nothing.
func must25519(t *testing.T) []byte {
	t.Helper()
	return got(hex.DecodeString("302a300506032b656e032100" + strings.Repeat("42", 32)))
}

func TestFingerprint(t *testing.T) {
	key := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	sum := sha256.Sum256(got(x509.MarshalPKIXPublicKey(key.Public())))
	if named := got(Fingerprint(key.Public())); named != "SHA256:"+hex.EncodeToString(sum[:]) {
		t.Error(named)
	}
	if named, err := Fingerprint(crypto.PublicKey("x")); err == nil {
		t.Error(named)
	}
}

func TestAnchored(t *testing.T) {
	for name, tc := range map[string]struct {
		pattern   string
		yes       []string
		no        []string
		says      string
		noPattern bool
	}{
		"none":               {noPattern: true},
		"a word":             {pattern: "abc", yes: []string{"abc"}, no: []string{"xabc", "abcx", "abc\n", "\nabc", "ABC", ""}},
		"one of two":         {pattern: "ab|cd", yes: []string{"ab", "cd"}, no: []string{"abx", "xcd", "abcd"}},
		"by lines":           {pattern: "(?m)^ab$", yes: []string{"ab"}, no: []string{"ab\nx", "x\nab"}},
		"whatever the case":  {pattern: "(?i)ab", yes: []string{"AB"}, no: []string{"ABx"}},
		"anything":           {pattern: ".*", yes: []string{"", "x"}, no: []string{"a\nb"}},
		"not closed":         {pattern: "(", says: "is not a regular expression (RE2)"},
		"closed twice":       {pattern: "a)|(b", says: "is not a regular expression (RE2)"},
		"a quote, not ended": {pattern: `\Qab`, says: "is not a regular expression (RE2)"},
		"looking ahead":      {pattern: "(?=a)", says: "is not a regular expression (RE2)"},
	} {
		t.Run(name, func(t *testing.T) {
			anchored, err := Anchored(tc.pattern)
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) || anchored != "" {
					t.Errorf("%q, %v", anchored, err)
				}
				return
			}
			if err != nil || (anchored == "") != tc.noPattern {
				t.Fatalf("%q, %v", anchored, err)
			}
			for _, text := range tc.yes {
				if !regexp.MustCompile(anchored).MatchString(text) {
					t.Errorf("%s does not match %q", anchored, text)
				}
			}
			for _, text := range tc.no {
				if regexp.MustCompile(anchored).MatchString(text) {
					t.Errorf("%s matches %q", anchored, text)
				}
			}
		})
	}
}

func TestValidate(t *testing.T) {
	file := v1alpha1.ConfigMapFile{Name: "trust", Key: "root"}
	good := v1alpha1.Signer{Keyless: &v1alpha1.KeylessIdentity{IssuerPattern: "a.*", Subject: "(", TrustRoot: file}}
	key := v1alpha1.PublicKey{PEM: curve(elliptic.P256())}
	signed := func(all ...v1alpha1.Signer) (spec v1alpha1.ArtifactSpec) {
		for _, s := range all {
			spec.Signatures = append(spec.Signatures, v1alpha1.SignaturePolicy{Signer: s})
		}
		return spec
	}
	keyless := func(k v1alpha1.KeylessIdentity) v1alpha1.ArtifactSpec {
		return signed(good, v1alpha1.Signer{Keyless: &k})
	}
	keyed := func(all ...v1alpha1.PublicKey) v1alpha1.ArtifactSpec { return signed(v1alpha1.Signer{PublicKeys: all}) }
	attested := func(s v1alpha1.Signer, rules ...string) v1alpha1.ArtifactSpec {
		spec := signed(good)
		p := v1alpha1.AttestationPolicy{Signer: s}
		for _, r := range rules {
			p.Rules = append(p.Rules, v1alpha1.AttestationRule{Expression: r})
		}
		spec.Attestations = []v1alpha1.AttestationPolicy{{Signer: good}, p}
		return spec
	}
	for name, tc := range map[string]struct {
		spec v1alpha1.ArtifactSpec
		want string // how the error begins
	}{
		"nothing":           {v1alpha1.ArtifactSpec{}, ""},
		"an identity":       {signed(good), ""},
		"keys":              {keyed(key, v1alpha1.PublicKey{ConfigMap: &file}), ""},
		"rules":             {attested(good, "predicate.a == 1", "predicate.b"), ""},
		"nobody":            {signed(v1alpha1.Signer{}), "spec.artifact.signatures[0].signer: needs exactly one of publicKeys and keyless"},
		"both":              {signed(v1alpha1.Signer{Keyless: good.Keyless, PublicKeys: []v1alpha1.PublicKey{key}}), "spec.artifact.signatures[0].signer: needs"},
		"no key":            {keyed(key, v1alpha1.PublicKey{}), "spec.artifact.signatures[0].signer.publicKeys[1]: needs exactly one of pem and configMap"},
		"two keys in one":   {keyed(v1alpha1.PublicKey{PEM: key.PEM, ConfigMap: &file}), "spec.artifact.signatures[0].signer.publicKeys[0]: needs"},
		"a broken key":      {keyed(key, v1alpha1.PublicKey{PEM: "x"}), "spec.artifact.signatures[0].signer.publicKeys[1].pem: is not PEM"},
		"no issuer":         {keyless(v1alpha1.KeylessIdentity{Subject: "a"}), "spec.artifact.signatures[1].signer.keyless: needs exactly one of issuer and issuerPattern"},
		"two issuers":       {keyless(v1alpha1.KeylessIdentity{Issuer: "a", IssuerPattern: "a", Subject: "a"}), "spec.artifact.signatures[1].signer.keyless: needs exactly one of issuer"},
		"no subject":        {keyless(v1alpha1.KeylessIdentity{Issuer: "a"}), "spec.artifact.signatures[1].signer.keyless: needs exactly one of subject and subjectPattern"},
		"two subjects":      {keyless(v1alpha1.KeylessIdentity{Issuer: "a", Subject: "a", SubjectPattern: "a"}), "spec.artifact.signatures[1].signer.keyless: needs exactly one of subject"},
		"a broken issuer":   {keyless(v1alpha1.KeylessIdentity{IssuerPattern: "(", Subject: "a"}), "spec.artifact.signatures[1].signer.keyless.issuerPattern: is not a regular expression (RE2)"},
		"a broken subject":  {keyless(v1alpha1.KeylessIdentity{Issuer: "a", SubjectPattern: "["}), "spec.artifact.signatures[1].signer.keyless.subjectPattern: is not a regular expression (RE2)"},
		"who attests":       {attested(v1alpha1.Signer{}), "spec.artifact.attestations[1].signer: needs"},
		"a broken rule":     {attested(good, "true", "predicate."), "spec.artifact.attestations[1].rules[1].expression: is not CEL: line 1, column 11"},
		"a rule of no bool": {attested(good, "1"), "spec.artifact.attestations[1].rules[0].expression: gives a int, not true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(tc.spec)
			if (err == nil) != (tc.want == "") || err != nil && !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
