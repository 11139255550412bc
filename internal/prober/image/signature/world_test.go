package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
)

// object is JSON.
type object = map[string]any

// world is all that vouches for anything: two of each, of which nobody trusts
// the second.
type world struct {
	fulcio, otherFulcio authority
	log, otherLog       *ca.VirtualSigstore // Rekor, and a timestamp authority
	certLog, otherCerts *ecdsa.PrivateKey
	keys                map[string]crypto.Signer
}

type authority struct {
	top, between *x509.Certificate
	key          *ecdsa.PrivateKey
}

var theWorld = sync.OnceValue(func() world {
	w := world{
		fulcio: newAuthority(), otherFulcio: newAuthority(),
		log: got(ca.NewVirtualSigstoreWithExistingRekorEntry()), otherLog: got(ca.NewVirtualSigstore()),
		certLog: curve(elliptic.P256()), otherCerts: curve(elliptic.P256()),
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	w.keys = map[string]crypto.Signer{
		"ours": curve(elliptic.P256()), "other": curve(elliptic.P256()), "p384": curve(elliptic.P384()), "p521": curve(elliptic.P521()),
		"rsa": got(rsa.GenerateKey(rand.Reader, 2048)), "ed25519": got(edwards, err),
	}
	return w
})

func got[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func curve(c elliptic.Curve) *ecdsa.PrivateKey { return got(ecdsa.GenerateKey(c, rand.Reader)) }

func newAuthority() authority {
	top, topKey, err := ca.GenerateRootCa()
	got(top, err)
	between, key, err := ca.GenerateFulcioIntermediate(top, topKey)
	return authority{top, got(between, err), key}
}

// signed is the signature of a message, as clients make it with such a key.
func signed(t *testing.T, key crypto.Signer, message []byte, hash crypto.Hash) []byte {
	t.Helper()
	if _, edwards := key.(ed25519.PrivateKey); edwards {
		return must(key.Sign(rand.Reader, message, crypto.Hash(0)))(t)
	}
	h := hash.New()
	h.Write(message)
	return must(key.Sign(rand.Reader, h.Sum(nil), hash))(t)
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func public(key crypto.Signer) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der(key)}))
}

func der(key crypto.Signer) []byte { return got(x509.MarshalPKIXPublicKey(key.Public())) }

func fingerprint(key crypto.Signer) string {
	sum := sha256.Sum256(der(key))
	return "SHA256:" + hex.EncodeToString(sum[:])
}

// leaf is a certificate that is asked for.
type leaf struct {
	issuer     string
	uri, email string
	dns        []string
	ips        []net.IP
	from, to   time.Duration // from now
	by         authority
	certLog    *ecdsa.PrivateKey // nil: none
	certHand   *ecdsa.PrivateKey // that signs in the log\'s name; absent: the log\'s
	usage      x509.ExtKeyUsage
}

const (
	ciIssuer  = "https://token.actions.example"
	ciSubject = "https://ci.example/acme/app/.github/workflows/release.yaml@refs/heads/main"
)

func (w world) ci() leaf {
	return leaf{issuer: ciIssuer, uri: ciSubject, from: -time.Minute, to: 9 * time.Minute, by: w.fulcio, certLog: w.certLog, usage: x509.ExtKeyUsageCodeSigning}
}

// issue makes the certificate, as Fulcio does.
func (l leaf) issue(t *testing.T) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key := curve(elliptic.P256())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(l.from), NotAfter: time.Now().Add(l.to), DNSNames: l.dns, IPAddresses: l.ips,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{l.usage},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}, Value: []byte(l.issuer)}},
	}
	if l.uri != "" {
		template.URIs = []*url.URL{must(url.Parse(l.uri))(t)}
	}
	if l.email != "" {
		template.EmailAddresses = []string{l.email}
	}
	if l.certLog != nil {
		promised := l.create(t, template, key)
		template.ExtraExtensions = append(template.ExtraExtensions, l.promise(t, promised))
	}
	return l.create(t, template, key), key
}

func (l leaf) create(t *testing.T, template *x509.Certificate, key crypto.Signer) *x509.Certificate {
	t.Helper()
	raw := must(x509.CreateCertificate(rand.Reader, template, l.by.between, key.Public(), l.by.key))(t)
	return must(x509.ParseCertificate(raw))(t)
}

// promise is a signed certificate timestamp (RFC 6962, 3.2) of a certificate
// that has none yet.
func (l leaf) promise(t *testing.T, of *x509.Certificate) pkix.Extension {
	t.Helper()
	now := uint64(time.Now().UnixMilli())
	issuer := sha256.Sum256(l.by.between.RawSubjectPublicKeyInfo)
	var text bytes.Buffer
	text.Write([]byte{0, 0})
	_ = binary.Write(&text, binary.BigEndian, now)
	text.Write([]byte{0, 1})
	text.Write(issuer[:])
	n := len(of.RawTBSCertificate)
	text.Write([]byte{byte(n >> 16), byte(n >> 8), byte(n)})
	text.Write(of.RawTBSCertificate)
	text.Write([]byte{0, 0})
	signs := l.certLog
	if l.certHand != nil {
		signs = l.certHand
	}
	mark := signed(t, signs, text.Bytes(), crypto.SHA256)

	name := sha256.Sum256(der(l.certLog))
	var one bytes.Buffer
	one.WriteByte(0)
	one.Write(name[:])
	_ = binary.Write(&one, binary.BigEndian, now)
	one.Write([]byte{0, 0, 4, 3})
	_ = binary.Write(&one, binary.BigEndian, uint16(len(mark)))
	one.Write(mark)

	var list bytes.Buffer
	_ = binary.Write(&list, binary.BigEndian, uint16(one.Len()+2))
	_ = binary.Write(&list, binary.BigEndian, uint16(one.Len()))
	list.Write(one.Bytes())
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: must(asn1.Marshal(list.Bytes()))(t)}
}

// root is the trusted_root.json of the world.
func (w world) root() object {
	since := object{"start": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}
	var rekor []byte
	for _, l := range w.log.RekorLogs() {
		rekor = got(x509.MarshalPKIXPublicKey(l.PublicKey))
	}
	stamps := w.log.TimestampingAuthorities()[0].(*root.SigstoreTimestampingAuthority)
	return object{
		"mediaType": root.TrustedRootMediaType01,
		"tlogs":     []any{logOf(since, rekor)}, "ctlogs": []any{logOf(since, der(w.certLog))},
		"certificateAuthorities": []any{chain(since, w.fulcio.between, w.fulcio.top)},
		"timestampAuthorities":   []any{chain(since, stamps.Leaf, stamps.Intermediates[0], stamps.Root)},
	}
}

func logOf(since object, key []byte) object {
	id := sha256.Sum256(key)
	return object{
		"baseUrl": "https://log.example", "hashAlgorithm": "SHA2_256", "logId": object{"keyId": id[:]},
		"publicKey": object{"rawBytes": key, "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": since},
	}
}

func chain(since object, all ...*x509.Certificate) object {
	var certificates []any
	for _, c := range all {
		certificates = append(certificates, object{"rawBytes": c.Raw})
	}
	return object{"uri": "https://ca.example", "validFor": since, "certChain": object{"certificates": certificates}}
}
