package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// candidate is one thing that was found beside the image. What it says of
// itself is not verified: it serves to choose, and to explain a refusal.
type candidate struct {
	source      string         // repository@digest of the manifest that holds it
	entity      *bundle.Bundle // nil where there is a problem
	payload     []byte         // that a bare signature is over; nil: the digest itself
	statement   bool           // whether it is one; else a bare signature
	predicate   string         // its type; that of a signature for a bare one; empty when it cannot be read
	certificate *x509.Certificate
	hint        string // of the key, where there is no certificate
	problem     string // why it cannot be verified at all
}

func broken(source, predicate, format string, args ...any) candidate {
	return candidate{source: source, predicate: predicate, problem: fmt.Sprintf(format, args...)}
}

func (c candidate) refused() *refusal {
	return &refusal{reason: ReasonInvalid, says: c.problem}
}

// fromBundle reads a Sigstore bundle.
func fromBundle(source string, content []byte, about v1.Hash) candidate {
	var entity bundle.Bundle
	if err := entity.UnmarshalJSON(content); err != nil {
		return broken(source, "", "it is no Sigstore bundle: %s", shown(err.Error()))
	}
	return fromEntity(source, &entity, about)
}

// fromEntity reads what a bundle says of itself.
func fromEntity(source string, entity *bundle.Bundle, about v1.Hash) candidate {
	c := candidate{source: source, predicate: predicateSign}
	content, err := entity.SignatureContent()
	if err != nil {
		return broken(source, "", "it holds no signature: %s", shown(err.Error()))
	}
	if envelope := content.EnvelopeContent(); envelope != nil {
		said, err := envelope.Statement()
		if err != nil {
			return broken(source, "", "it holds no in-toto statement: %s", shown(err.Error()))
		}
		c.statement, c.predicate = true, said.GetPredicateType()
		if !names(said, about) {
			return c.because("it is a statement about something else than this digest")
		}
	}
	material, err := entity.VerificationContent()
	if err != nil {
		return c.because("it does not say by what it can be verified: " + shown(err.Error()))
	}
	if public := material.PublicKey(); public != nil {
		c.hint = public.Hint()
	}
	c.certificate = material.Certificate()
	if c.certificate != nil && subjects(c.certificate) > 1 {
		return c.because("its certificate names more than one subject, so that it is nobody's")
	}
	c.entity = entity
	return c
}

// because is the candidate, which cannot be verified.
func (c candidate) because(problem string) candidate {
	c.problem = problem
	return c
}

// names tells whether a statement is about the digest, among others.
func names(said *intoto.Statement, about v1.Hash) bool {
	return slices.ContainsFunc(said.GetSubject(), func(s *intoto.ResourceDescriptor) bool {
		return s.GetDigest()[about.Algorithm] == about.Hex
	})
}

func subjects(c *x509.Certificate) int {
	return len(c.URIs) + len(c.EmailAddresses) + len(c.DNSNames) + len(c.IPAddresses)
}

// artifact is what the signature must be of.
func (c candidate) artifact(about v1.Hash) verify.ArtifactPolicyOption {
	if c.payload != nil {
		return verify.WithArtifact(bytes.NewReader(c.payload))
	}
	sum, err := hex.DecodeString(about.Hex)
	if err != nil {
		return func(*verify.PolicyConfig) error { return fmt.Errorf("read digest %s: %w", about, err) }
	}
	return verify.WithArtifactDigest(about.Algorithm, sum)
}

// identity is whom the certificate names.
func (c candidate) identity() string {
	said, err := certificate.SummarizeCertificate(c.certificate)
	if err != nil {
		return "a certificate of nobody"
	}
	return shown(said.Issuer) + " " + shown(said.SubjectAlternativeName)
}
