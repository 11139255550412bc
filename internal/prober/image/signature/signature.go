// Package signature holds an image's digest against signature and attestation
// policies: who signed it, and what signed statements say of it. It looks for
// both beside the image, where Sigstore clients put them, and believes nothing
// that it finds there before it is verified: with the keys or the trust root
// that the policy names, and of exactly the digest that is to run. It fetches no
// trust from anywhere, signs nothing, and what it does not understand does not
// pass.
package signature

import (
	"context"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/image/policy"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on signatures and attestations.
const (
	ReasonVerified           = "SignatureVerified"   // signed as the policy asks
	ReasonMissing            = "SignatureMissing"    // nothing signs the digest
	ReasonMismatch           = "SignerMismatch"      // others signed it
	ReasonInvalid            = "SignatureInvalid"    // what there is cannot be verified
	ReasonAttested           = "AttestationVerified" // a signed statement satisfies the policy
	ReasonAttestationMissing = "AttestationMissing"  // no such statement is there
	ReasonAttestationRefused = "AttestationRefused"  // a rule is not true of the signed statement
	ReasonTrustUnusable      = "TrustUnusable"       // the policy's keys, trust root or rules cannot be used
	ReasonUnavailable        = "RegistryUnavailable" // the registry does not say all that there is
	ReasonDenied             = "AccessDenied"        // the registry does not let the Job look
)

// predicateSign is the type of the statement with which cosign signs an image.
const predicateSign = "https://sigstore.dev/cosign/sign/v1"

// Result is what became of the policies.
type Result struct {
	Verdicts []verdict.Verdict // one of each policy, named for it
	Signer   string            // who signed, as the signature policies verified; several are joined by a comma
	Builder  string            // that the first verified provenance names
}

// Verify holds the digest against every signature and attestation policy of the
// spec. The verdicts have the order of the policies, those that passed first: an
// answer that must be cut loses its beginning, which is then no refusal.
func Verify(ctx context.Context, subject name.Digest, spec v1alpha1.ArtifactSpec, files Files, options []remote.Option) Result {
	inquiries := inquire(subject, spec)
	if len(inquiries) == 0 {
		return Result{}
	}
	found := look(ctx, subject, options, len(spec.Signatures) > 0, len(spec.Attestations) > 0)
	var r Result
	var signers []string
	for _, q := range inquiries {
		v, p := q.judge(ctx, found, files)
		r.Verdicts = append(r.Verdicts, verdict.Named(v, q.name))
		if v.Outcome != verdict.Passed {
			continue
		}
		if !q.attests && !slices.Contains(signers, p.who) {
			signers = append(signers, p.who)
		}
		if r.Builder == "" {
			r.Builder = builder(p)
		}
	}
	r.Signer = strings.Join(signers, ", ")
	slices.SortStableFunc(r.Verdicts, func(a, b verdict.Verdict) int { return refused(a) - refused(b) })
	return r
}

func refused(v verdict.Verdict) int {
	if v.Outcome == verdict.Passed {
		return 0
	}
	return 1
}

// inquiry is what one policy asks.
type inquiry struct {
	subject   name.Digest
	name      string // of the policy
	attests   bool   // whether it asks for a statement; else for a signature
	predicate string // type of the statement
	signer    v1alpha1.Signer
	rules     []v1alpha1.AttestationRule
}

func inquire(subject name.Digest, spec v1alpha1.ArtifactSpec) []inquiry {
	all := make([]inquiry, 0, len(spec.Signatures)+len(spec.Attestations))
	for _, p := range spec.Signatures {
		all = append(all, inquiry{subject: subject, name: p.Name, predicate: predicateSign, signer: p.Signer})
	}
	for _, p := range spec.Attestations {
		all = append(all, inquiry{subject: subject, name: p.Name, attests: true, predicate: p.PredicateType, signer: p.Signer, rules: p.Rules})
	}
	return all
}

// judge holds all that was found against the policy: one thing that satisfies
// it wholly is enough.
func (q inquiry) judge(ctx context.Context, found shelf, files Files) (verdict.Verdict, proof) {
	about, ok := digest(q.subject)
	if !ok {
		return q.fail(ReasonInvalid, "Policy %q cannot be held against %s: only sha256 digests are understood", q.name, q.subject), proof{}
	}
	who, err := newSigner(q.signer, files)
	if err != nil {
		return q.unusable(err), proof{}
	}
	rules, err := q.compile()
	if err != nil {
		return q.unusable(err), proof{}
	}
	var all refusals
	for _, c := range found.candidates {
		if !q.concerns(c) {
			continue
		}
		p, no := who.hold(c, about)
		if no == nil {
			no = q.accept(ctx, p, rules)
		}
		if no == nil {
			return q.passed(p, who.asks()), p
		}
		no.source = c.source
		all = append(all, *no)
	}
	if err := ctx.Err(); err != nil { // a rule that is interrupted is not false
		found.trouble = err
	}
	return q.refuse(found, all, who.asks()), proof{}
}

// digest is what everything must be about.
func digest(subject name.Digest) (v1.Hash, bool) {
	h, err := v1.NewHash(subject.DigestStr())
	return h, err == nil && h.Algorithm == "sha256"
}

// concerns tells whether a candidate could be what the policy asks for. Of
// what cannot be read nobody knows.
func (q inquiry) concerns(c candidate) bool {
	if c.problem != "" && c.predicate == "" {
		return true
	}
	return c.predicate == q.predicate && (c.statement || !q.attests)
}

// accept tells whether what was signed satisfies the policy. It asks the
// verified statement again for its type: so far it was only claimed.
func (q inquiry) accept(ctx context.Context, p proof, rules []policy.Rule) *refusal {
	if p.statement == nil {
		if q.attests {
			return &refusal{reason: ReasonInvalid, says: "it is no statement"}
		}
		return nil
	}
	if p.statement.GetPredicateType() != q.predicate {
		return &refusal{reason: ReasonInvalid, says: "its statement is of another type"}
	}
	predicate := p.statement.GetPredicate().AsMap()
	for i, rule := range rules {
		if err := rule.Holds(ctx, predicate); err != nil {
			return &refusal{reason: ReasonAttestationRefused, who: p.who, rule: q.rules[i].Expression, says: q.explain(q.rules[i], err)}
		}
	}
	return nil
}
