package policy

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// Bounds of RSA keys, in bits: what is shorter can be broken, and what is
// longer takes a verifier's time.
const (
	minRSA = 2048
	maxRSA = 8192
)

// ParseKey reads one public key: PKIX in PEM, of ECDSA (P-256, P-384 or
// P-521), Ed25519 or RSA. An error says what is there instead, and repeats
// nothing of it.
func ParseKey(text []byte) (crypto.PublicKey, error) {
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("-----BEGIN ")) {
		return nil, errors.New("is not PEM: it must begin with -----BEGIN PUBLIC KEY-----")
	}
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, errors.New("is not PEM of a public key: it is cut off or damaged")
	case block.Type != "PUBLIC KEY":
		return nil, fmt.Errorf("is not a public key but %s: give the PKIX public key, which begins with -----BEGIN PUBLIC KEY-----", described(block.Type))
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("has something after the public key: give each key an entry of its own")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("is not a PKIX public key of ECDSA, Ed25519 or RSA: it is damaged, or of another kind")
	}
	return key, fit(key)
}

// Fingerprint names a key: the SHA-256 of its PKIX form, as
// openssl pkey -pubin -outform DER | sha256sum prints it.
func Fingerprint(key crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("encode a public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return "SHA256:" + hex.EncodeToString(sum[:]), nil
}

// fit refuses keys that nothing should be signed with.
func fit(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P224() {
			return errors.New("is an ECDSA key on curve P-224: take P-256, P-384 or P-521")
		}
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return fmt.Errorf("is an RSA key of %d bits: take one of %d to %d", bits, minRSA, maxRSA)
		}
	case ed25519.PublicKey:
	default:
		return errors.New("is a key of another kind than ECDSA, Ed25519 and RSA")
	}
	return nil
}

// described is what a PEM block of a kind holds, in words of ours.
func described(kind string) string {
	switch kind {
	case "CERTIFICATE":
		return "a certificate"
	case "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY", "OPENSSH PRIVATE KEY":
		return "a private key, which must be given to nobody"
	case "RSA PUBLIC KEY":
		return "an RSA key in PKCS #1"
	}
	return "something else"
}
