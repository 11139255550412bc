// Package policy reads what is asked of an image's signatures: keys, patterns
// of identities and rules about statements. It says what is wrong with them
// before anything is verified. It verifies nothing, and asks no registry.
package policy

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Validate finds the first thing in the policies that the schema cannot see
// and that could never be satisfied: a key that is none, a pattern or a rule
// that does not compile. The error begins with the path of the field. Keys and
// trust roots in ConfigMaps are read where they are mounted, not here.
func Validate(spec v1alpha1.ArtifactSpec) error {
	for i, p := range spec.Signatures {
		if err := validateSigner(p.Signer); err != nil {
			return fmt.Errorf("spec.artifact.signatures[%d].signer%w", i, err)
		}
	}
	for i, p := range spec.Attestations {
		if err := validateSigner(p.Signer); err != nil {
			return fmt.Errorf("spec.artifact.attestations[%d].signer%w", i, err)
		}
		for j, rule := range p.Rules {
			if _, err := Compile(rule.Expression); err != nil {
				return fmt.Errorf("spec.artifact.attestations[%d].rules[%d].expression: %w", i, j, err)
			}
		}
	}
	return nil
}

// validateSigner begins its errors with the rest of the field's path.
func validateSigner(s v1alpha1.Signer) error {
	if (len(s.PublicKeys) == 0) == (s.Keyless == nil) {
		return errors.New(": needs exactly one of publicKeys and keyless")
	}
	for i, key := range s.PublicKeys {
		if (key.PEM == "") == (key.ConfigMap == nil) {
			return fmt.Errorf(".publicKeys[%d]: needs exactly one of pem and configMap", i)
		}
		if key.ConfigMap != nil {
			continue
		}
		if _, err := ParseKey([]byte(key.PEM)); err != nil {
			return fmt.Errorf(".publicKeys[%d].pem: %w", i, err)
		}
	}
	if s.Keyless == nil {
		return nil
	}
	return validateIdentity(*s.Keyless)
}

func validateIdentity(k v1alpha1.KeylessIdentity) error {
	if (k.Issuer == "") == (k.IssuerPattern == "") {
		return errors.New(".keyless: needs exactly one of issuer and issuerPattern")
	}
	if (k.Subject == "") == (k.SubjectPattern == "") {
		return errors.New(".keyless: needs exactly one of subject and subjectPattern")
	}
	if _, err := Anchored(k.IssuerPattern); err != nil {
		return fmt.Errorf(".keyless.issuerPattern: %w", err)
	}
	if _, err := Anchored(k.SubjectPattern); err != nil {
		return fmt.Errorf(".keyless.subjectPattern: %w", err)
	}
	return nil
}

// Anchored is the pattern (RE2) as it must match a whole text; of no pattern
// it is none.
func Anchored(pattern string) (string, error) {
	if pattern == "" {
		return "", nil
	}
	anchored := `\A(?:` + pattern + `)\z`
	// The pattern by itself first, for it could else end the group it is put in.
	for _, text := range []string{pattern, anchored} {
		if _, err := regexp.Compile(text); err != nil {
			return "", fmt.Errorf("is not a regular expression (RE2): %w", err)
		}
	}
	return anchored, nil
}
