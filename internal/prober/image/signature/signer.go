package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	sign "github.com/sigstore/sigstore/pkg/signature"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/image/policy"
)

// signer is who must have signed.
type signer interface {
	// hold verifies a candidate: that it is of the digest, and by the signer.
	hold(c candidate, about v1.Hash) (proof, *refusal)
	// asks is who that is, in words.
	asks() string
}

// proof is what was verified.
type proof struct {
	who       string            // signed: a key's fingerprint, or issuer and subject
	statement *intoto.Statement // that was signed; nil of a bare signature
	source    string            // where it was found
}

func newSigner(s v1alpha1.Signer, files Files) (signer, error) {
	switch {
	case (len(s.PublicKeys) == 0) == (s.Keyless == nil):
		return nil, errors.New("its signer needs exactly one of publicKeys and keyless")
	case s.Keyless != nil:
		return newIdentity(*s.Keyless, files)
	}
	return newKeys(s.PublicKeys, files)
}

// keys are public keys of which any one must have signed.
type keys []key

type key struct {
	fingerprint string
	hint        string             // by which a bundle names it
	verifiers   []*verify.Verifier // one for each hash that it may have been used with
}

func newKeys(given []v1alpha1.PublicKey, files Files) (signer, error) {
	all := make(keys, 0, len(given))
	for i, g := range given {
		text := []byte(g.PEM)
		where := fmt.Sprintf("publicKeys[%d].pem", i)
		if g.ConfigMap != nil {
			where = fmt.Sprintf("key %q of ConfigMap %q", g.ConfigMap.Key, g.ConfigMap.Name)
			content, err := files.read(*g.ConfigMap)
			if err != nil {
				return nil, err
			}
			text = content
		}
		public, err := policy.ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s %w", where, err)
		}
		k, err := newKey(public)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		all = append(all, k)
	}
	return all, nil
}

func newKey(public crypto.PublicKey) (key, error) {
	fingerprint, err := policy.Fingerprint(public)
	if err != nil {
		return key{}, err
	}
	sum, err := hex.DecodeString(strings.TrimPrefix(fingerprint, "SHA256:"))
	if err != nil {
		return key{}, fmt.Errorf("read the fingerprint of a key: %w", err)
	}
	k := key{fingerprint: fingerprint, hint: base64.StdEncoding.EncodeToString(sum)}
	for _, hash := range hashes(public) {
		verifier, err := sign.LoadVerifier(public, hash)
		if err != nil {
			return key{}, fmt.Errorf("read a public key: %w", err)
		}
		trusted := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { // whatever a bundle calls it
			return root.NewExpiringKey(verifier, time.Time{}, time.Time{}), nil
		})
		holds, err := verify.NewVerifier(trusted, verify.WithNoObserverTimestamps())
		if err != nil {
			return key{}, fmt.Errorf("build a verifier: %w", err)
		}
		k.verifiers = append(k.verifiers, holds)
	}
	return k, nil
}

// hashes are those that clients use with a key. Cosign once took SHA-256
// whatever the curve.
func hashes(public crypto.PublicKey) []crypto.Hash {
	if k, ok := public.(*ecdsa.PublicKey); ok {
		switch k.Curve {
		case elliptic.P384():
			return []crypto.Hash{crypto.SHA384, crypto.SHA256}
		case elliptic.P521():
			return []crypto.Hash{crypto.SHA512, crypto.SHA256}
		}
	}
	return []crypto.Hash{crypto.SHA256}
}

func (k keys) asks() string {
	prints := make([]string, 0, len(k))
	for _, one := range k {
		prints = append(prints, one.fingerprint)
	}
	return strings.Join(prints, " or ")
}

func (k keys) hold(c candidate, about v1.Hash) (proof, *refusal) {
	switch {
	case c.problem != "":
		return proof{}, c.refused()
	case c.certificate != nil:
		return proof{}, &refusal{reason: ReasonMismatch, who: "a certificate instead of a key"}
	}
	no := refusal{reason: ReasonMismatch, who: "another key (or it was changed since)"}
	for _, one := range k {
		for _, verifier := range one.verifiers {
			result, err := verifier.Verify(c.entity, verify.NewPolicy(c.artifact(about), verify.WithKey()))
			if err == nil {
				return proof{one.fingerprint, result.Statement, c.source}, nil
			}
			if c.hint == one.hint {
				no = refusal{reason: ReasonInvalid, says: "it names the right key, but " + explained(err)}
			}
		}
	}
	return proof{}, &no
}

// identity is one that a certificate authority of a trust root vouches for.
type identity struct {
	verifier *verify.Verifier
	wanted   verify.CertificateIdentity
	words    string
}

func newIdentity(k v1alpha1.KeylessIdentity, files Files) (signer, error) {
	issuer, err := policy.Anchored(k.IssuerPattern)
	if err != nil {
		return nil, fmt.Errorf("issuerPattern %w", err)
	}
	subject, err := policy.Anchored(k.SubjectPattern)
	if err != nil {
		return nil, fmt.Errorf("subjectPattern %w", err)
	}
	wanted, err := verify.NewShortCertificateIdentity(k.Issuer, issuer, k.Subject, subject)
	if err != nil {
		return nil, errors.New("its keyless signer needs an issuer and a subject")
	}
	content, err := files.read(k.TrustRoot)
	if err != nil {
		return nil, err
	}
	verifier, err := newVerifier(content)
	if err != nil {
		return nil, fmt.Errorf("key %q of ConfigMap %q %w", k.TrustRoot.Key, k.TrustRoot.Name, err)
	}
	return identity{verifier, wanted, k.Issuer + k.IssuerPattern + " " + k.Subject + k.SubjectPattern}, nil
}

// newVerifier asks for all that the trust root can tell: when it was signed
// always, and that the transparency log and the certificate log know of it
// where there are such.
func newVerifier(content []byte) (*verify.Verifier, error) {
	trusted, err := root.NewTrustedRootFromJSON(content)
	if err != nil {
		return nil, fmt.Errorf("is no trusted_root.json of Sigstore: %s", shown(err.Error()))
	}
	logs := len(trusted.RekorLogs())
	switch {
	case len(trusted.FulcioCertificateAuthorities()) == 0:
		return nil, errors.New("is a trust root without certificate authorities, so that nobody vouches for an identity")
	case logs+len(trusted.TimestampingAuthorities()) == 0:
		return nil, errors.New("is a trust root with neither transparency logs nor timestamp authorities, so that nobody says when something was signed")
	}
	options := []verify.VerifierOption{verify.WithObserverTimestamps(1)}
	if logs > 0 {
		options = append(options, verify.WithTransparencyLog(1))
	}
	if len(trusted.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	return verify.NewVerifier(trusted, options...)
}

func (i identity) asks() string { return i.words }

func (i identity) hold(c candidate, about v1.Hash) (proof, *refusal) {
	switch {
	case c.problem != "":
		return proof{}, c.refused()
	case c.certificate == nil:
		return proof{}, &refusal{reason: ReasonMismatch, who: "a key instead of a certificate"}
	}
	result, err := i.verifier.Verify(c.entity, verify.NewPolicy(c.artifact(about), verify.WithCertificateIdentity(i.wanted)))
	var other *verify.ErrNoMatchingCertificateIdentity // the last thing that is asked: all else is verified then
	switch {
	case errors.As(err, &other):
		return proof{}, &refusal{reason: ReasonMismatch, who: c.identity()}
	case err != nil:
		return proof{}, &refusal{reason: ReasonInvalid, says: explained(err)}
	}
	return proof{c.identity(), result.Statement, c.source}, nil
}
