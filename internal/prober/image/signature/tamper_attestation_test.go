package signature

import (
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func ruled(rules ...string) func(*testing.T, world, *stage) {
	return func(_ *testing.T, _ world, st *stage) {
		st.spec = attestationOf(st.spec.Attestations[0].Signer, rules...)
	}
}

func saying(all ...any) func(*testing.T, world, *stage) {
	return func(t *testing.T, w world, st *stage) {
		t.Helper()
		st.referrers = nil
		for _, predicate := range all {
			st.referrers = append(st.referrers, beside(w.keyholder("ours").bundle(t, statement(provenance, ours, predicate)))...)
		}
	}
}

func TestStatementsThatDoNotSayIt(t *testing.T) {
	of := "an attestation by key"
	ten := "[1,2,3,4,5,6,7,8,9,0].all(x, "
	expensive := strings.Repeat(ten, 7) + "true" + strings.Repeat(")", 7)
	refusesAll(t, map[string]tampering{
		"a rule is false":         {of, ruled("predicate.count == 4"), ReasonAttestationRefused, "predicate.count == 4: it is false"},
		"the last rule is false":  {of, ruled(builtByUs, "predicate.count > 3"), ReasonAttestationRefused, "predicate.count > 3"},
		"the first rule is false": {of, ruled("false", builtByUs), ReasonAttestationRefused, "false: it is false"},
		"a rule has no answer":    {of, ruled("predicate.missing == 'x'"), ReasonAttestationRefused, "no such key: missing"},
		"a rule of no truth":      {of, ruled("predicate.count"), ReasonAttestationRefused, "gives a double, not true or false"},
		"a rule that says true":   {of, ruled("predicate.runDetails.builder.id"), ReasonAttestationRefused, "gives a string"},
		"a rule without end":      {of, ruled(expensive), ReasonAttestationRefused, "cost limit"},
		"a rule of no CEL":        {of, ruled("predicate."), ReasonTrustUnusable, "rules[0].expression is not CEL"},
		"a rule of no bool":       {of, ruled("true", "1 + 1"), ReasonTrustUnusable, "rules[1].expression gives a int"},
		"with a message": {of, func(_ *testing.T, _ world, st *stage) {
			st.spec.Attestations[0].Rules = []v1alpha1.AttestationRule{{Expression: "predicate.count == 4", Message: "must count to four"}}
		}, ReasonAttestationRefused, "must count to four (predicate.count == 4: it is false)"},
		"two halves of the truth": {of, saying(object{"count": 3}, object{"runDetails": object{"builder": object{"id": builderID}}}), ReasonAttestationRefused, "no such key"},
		"another builder":         {of, saying(object{"count": 3, "runDetails": object{"builder": object{"id": "https://evil.example"}}}), ReasonAttestationRefused, builtByUs},
		"no predicate":            {of, saying(nil), ReasonAttestationRefused, "no such key"},
		"a predicate of words":    {of, saying(builderID), ReasonInvalid, "no in-toto statement"},
		"a predicate of a list":   {of, saying([]any{built()}), ReasonInvalid, "no in-toto statement"},
	})
}

func TestStatementsThatAreNotSigned(t *testing.T) {
	of := "an attestation by key"
	att := func(change func(*testing.T, world, *layer)) func(*testing.T, world, *stage) {
		return layered(".att", change)
	}
	refusesAll(t, map[string]tampering{
		"the predicate changed": {of, payload(`"count":3`, `"count":4`), ReasonInvalid, "names the right key"},
		"the signature changed": {of, flip("dsseEnvelope", "signatures", 0, "sig"), ReasonInvalid, "names the right key"},
		"not signed":            {of, in(signatures([]any{})), ReasonInvalid, "exactly one signature"},
		"another digest":        {of, signedAnew(statement(provenance, theirs, built())), ReasonInvalid, "about something else"},
		"no subject": {of, func(t *testing.T, w world, st *stage) {
			t.Helper()
			s := statement(provenance, ours, built())
			s["subject"] = []any{}
			signedAnew(s)(t, w, st)
		}, ReasonInvalid, "about something else"},
		"another type":        {of, signedAnew(statement("https://slsa.dev/provenance/v0.2", ours, built())), ReasonAttestationMissing, "there are only https://slsa.dev/provenance/v0.2"},
		"another type put in": {of, payload("provenance/v1", "provenance/v2"), ReasonAttestationMissing, "provenance/v2"},
		"our type put in":     {of, both(signedAnew(statement("https://slsa.dev/provenance/v2", ours, built())), payload("provenance/v2", "provenance/v1")), ReasonInvalid, "names the right key"},
		"nothing":             {of, func(_ *testing.T, _ world, st *stage) { st.referrers = nil }, ReasonAttestationMissing, "no statement is"},
		"a signature alone":   {of, signedAnew(statement(predicateSign, ours, built())), ReasonAttestationMissing, predicateSign},
		"a bare signature alone": {of, func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.referrers = beside(w.keyholder("ours").bare(t, image))
		}, ReasonAttestationMissing, "no statement is"},
		"a bare signature, asked as a statement": {of, func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.spec.Attestations[0].PredicateType = predicateSign
			st.referrers = beside(w.keyholder("ours").bare(t, image))
		}, ReasonAttestationMissing, "no statement is"},
		"by another key": {of, func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.referrers = beside(w.keyholder("other").bundle(t, statement(provenance, ours, built())))
		}, ReasonMismatch, "another key"},
		"true by another, false by ours": {of, func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.referrers = beside(w.keyholder("other").bundle(t, statement(provenance, ours, built())), w.keyholder("ours").bundle(t, statement(provenance, ours, object{"count": 3})))
		}, ReasonAttestationRefused, "no such key"},
		"keyless by another": {"a keyless attestation", func(t *testing.T, w world, st *stage) {
			t.Helper()
			l := w.ci()
			l.uri += "2"
			st.referrers = beside(w.keyless(t, l).bundle(t, statement(provenance, ours, built())))
		}, ReasonMismatch, ciSubject + "2"},
		"keyless and changed": {"a keyless attestation", payload(`"count":3`, `"count":4`), ReasonInvalid, "no transparency log"},

		"an old one's predicate changed": {"an old attestation", att(func(t *testing.T, w world, l *layer) {
			t.Helper()
			*l = w.keyholder("ours").attested(t, statement(provenance, ours, built()))
			other := w.keyholder("ours").attested(t, statement(provenance, ours, object{}))
			var mine, theirs object
			unmarshal(t, l.content, &mine)
			unmarshal(t, other.content, &theirs)
			mine["signatures"] = theirs["signatures"]
			l.content = encoded(t, mine)
		}), ReasonMismatch, "another key (or it was changed"},
		"an old one of another image": {"an old attestation", att(func(t *testing.T, w world, l *layer) {
			t.Helper()
			*l = w.keyholder("ours").attested(t, statement(provenance, theirs, built()))
		}), ReasonInvalid, "about something else"},
		"an old one of no JSON":  {"an old attestation", att(func(_ *testing.T, _ world, l *layer) { l.content = []byte("x") }), ReasonInvalid, "no envelope"},
		"an old one of nothing":  {"an old attestation", att(func(_ *testing.T, _ world, l *layer) { l.content = []byte("{}") }), ReasonInvalid, "holds no"},
		"an old one, half of it": {"an old attestation", att(func(_ *testing.T, _ world, l *layer) { l.content = l.content[:len(l.content)/2] }), ReasonInvalid, "no envelope"},
		"an old keyless one, not logged": {
			"an old keyless attestation", att(annotated(annotationLog, "")), ReasonInvalid, "no transparency log",
		},
		"an old keyless one, another's entry": {"an old keyless attestation", att(func(t *testing.T, w world, l *layer) {
			t.Helper()
			l.annotations[annotationLog] = w.keyless(t, w.ci()).attested(t, statement(provenance, ours, built())).annotations[annotationLog]
		}), ReasonInvalid, "no transparency log"},
	})
}
