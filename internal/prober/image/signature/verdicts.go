package signature

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/prober/image/policy"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	maxShown  = 200 // bytes of what others wrote, in a message
	maxListed = 3   // things that a message lists
)

// refusal is why one thing that was found does not satisfy a policy.
type refusal struct {
	reason string
	who    string // that signed, where that is what is wrong or is known
	rule   string // that is not true
	says   string
	source string // where it was found
}

// refusals are of a policy that nothing satisfies, in the order in which
// things were found.
type refusals []refusal

// decisive is the refusal that says most: a rule that is not true of what the
// right one signed, else a signature of somebody else, else whatever there is.
func (all refusals) decisive() (refusal, bool) {
	for _, reason := range []string{ReasonAttestationRefused, ReasonMismatch, ReasonInvalid} {
		if i := slices.IndexFunc(all, func(r refusal) bool { return r.reason == reason }); i >= 0 {
			return all[i], true
		}
	}
	return refusal{}, false
}

// signers are those who signed instead.
func (all refusals) signers() []string {
	var who []string
	for _, r := range all {
		if r.reason == ReasonMismatch && !slices.Contains(who, r.who) {
			who = append(who, r.who)
		}
	}
	return who
}

func (q inquiry) compile() ([]policy.Rule, error) {
	rules := make([]policy.Rule, 0, len(q.rules))
	for i, r := range q.rules {
		rule, err := policy.Compile(r.Expression)
		if err != nil {
			return nil, fmt.Errorf("rules[%d].expression %w", i, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// explain is what a rule that is not true says.
func (q inquiry) explain(r v1alpha1.AttestationRule, why error) string {
	if r.Message != "" {
		return fmt.Sprintf("%s (%s: %s)", r.Message, verdict.Clip(r.Expression, maxShown), shown(why.Error()))
	}
	return fmt.Sprintf("%s: %s", verdict.Clip(r.Expression, 2*maxShown), shown(why.Error()))
}

func (q inquiry) passed(p proof, asked string) verdict.Verdict {
	v := verdict.Pass(v1alpha1.SignalArtifact, ReasonVerified, "%s is signed by %s", q.subject, p.who)
	if q.attests {
		v = verdict.Pass(v1alpha1.SignalArtifact, ReasonAttested, "A statement %s about %s is signed by %s%s", q.predicate, q.subject, p.who, rulesHold(len(q.rules)))
	}
	return q.with(v, p.who, "", asked, p.source)
}

func rulesHold(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", and the rule is true of it"
	}
	return fmt.Sprintf(", and all %d rules are true of it", n)
}

// unusable says that the policy itself is of no use.
func (q inquiry) unusable(err error) verdict.Verdict {
	source := "spec.artifact.signatures"
	if q.attests {
		source = "spec.artifact.attestations"
	}
	return verdict.With(q.fail(ReasonTrustUnusable, "Policy %q cannot be verified of %s: %v", q.name, q.subject, err), verdict.Evidence{Source: source})
}

// refuse says what there was instead of what the policy asks for.
func (q inquiry) refuse(found shelf, all refusals, asked string) verdict.Verdict {
	if found.trouble != nil {
		return q.with(q.troubled(found.trouble), "", "", asked, q.subject.Context().String())
	}
	no, some := all.decisive()
	if !some {
		return q.with(q.missing(found), "", "", asked, q.subject.Context().String())
	}
	rest := found.beyond()
	if others := len(all) - 1; others > 0 && no.reason == ReasonInvalid {
		rest = fmt.Sprintf("; %d more cannot be verified either%s", others, rest)
	}
	var v verdict.Verdict
	switch no.reason {
	case ReasonAttestationRefused:
		v = q.fail(no.reason, "The statement %s about %s, signed by %s, is not what policy %q asks for: %s%s", q.predicate, q.subject, no.who, q.name, no.says, rest)
	case ReasonMismatch:
		who := all.signers()
		no.who = strings.Join(who[:min(len(who), maxListed)], ", ")
		v = q.fail(no.reason, "%s of %s is not signed by whom policy %q asks for but by %s: have the right one sign this digest, or correct the policy's signer%s", q.thing(), q.subject, q.name, no.who, rest)
	default:
		v = q.fail(no.reason, "%s of %s does not count for policy %q: %s; sign the digest anew, and find out what changed it%s", q.thing(), q.subject, q.name, no.says, rest)
	}
	return q.with(v, no.who, no.rule, asked, no.source)
}

func (q inquiry) thing() string {
	if q.attests {
		return "The statement " + q.predicate
	}
	return "The signature"
}

func (q inquiry) missing(found shelf) verdict.Verdict {
	if !q.attests {
		return q.fail(ReasonMissing, "Nothing beside %s signs it, as policy %q asks: sign this digest with cosign or another Sigstore client, or correct artifact.signatures%s", q.subject, q.name, found.beyond())
	}
	there := "no statement is"
	if types := found.types(); len(types) > 0 {
		there = "there are only " + strings.Join(types[:min(len(types), maxListed)], ", ")
	}
	return q.fail(ReasonAttestationMissing, "There is no statement %s about %s, which policy %q asks for (%s): have the build attest this digest, or correct artifact.attestations%s", q.predicate, q.subject, q.name, there, found.beyond())
}

func (q inquiry) troubled(err error) verdict.Verdict {
	host := q.subject.RegistryStr()
	if denied(err) {
		return q.fail(ReasonDenied, "Registry %s does not let the Job see what is signed about %s (%s), and nothing that it does see satisfies policy %q: put a secret that may read all of the repository into spec.template.spec.imagePullSecrets", host, q.subject, cause(err), q.name)
	}
	return verdict.Wait(v1alpha1.SignalArtifact, ReasonUnavailable, "Registry %s does not say all that is signed about %s (%s), and nothing that it does say satisfies policy %q; it is asked again until the deadline", host, q.subject, cause(err), q.name)
}

func (q inquiry) fail(reason, format string, args ...any) verdict.Verdict {
	return verdict.Fail(v1alpha1.SignalArtifact, reason, format, args...)
}

// with is the verdict, resting on what was seen; all of it fits the schema.
func (q inquiry) with(v verdict.Verdict, who, rule, asked, source string) verdict.Verdict {
	query := asked
	if q.attests {
		query = q.predicate + " by " + asked
	}
	return verdict.With(v, verdict.Evidence{Value: verdict.Clip(who, 256), Threshold: verdict.Clip(rule, 256), Query: verdict.Clip(query, 512), Source: verdict.Clip(source, 512)})
}

// shown is what others wrote, as it may stand in a message: bounded, and
// without what is not printed.
func shown(text string) string {
	printed := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "?"))
	return verdict.Clip(printed, maxShown)
}
