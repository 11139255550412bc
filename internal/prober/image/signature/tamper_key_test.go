package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func TestWhatAKeyDidNotSign(t *testing.T) {
	another := func(name string) func(*testing.T, world, *stage) {
		return func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.referrers = beside(w.keyholder(name).bundle(t, statement(predicateSign, ours, object{})))
		}
	}
	asks := func(name string) func(*testing.T, world, *stage) {
		return func(_ *testing.T, w world, st *stage) { st.spec = signatureOf(byKeys(w.keys[name])) }
	}
	hinted := func(hint any) func(*testing.T, object) {
		return func(_ *testing.T, b object) { at(b, "verificationMaterial", "publicKey").(object)["hint"] = hint }
	}
	unhinted := in(hinted(""))
	refusesAll(t, map[string]tampering{
		"the signature changed":     {"a statement by key", flip("dsseEnvelope", "signatures", 0, "sig"), ReasonInvalid, "names the right key"},
		"and names no key":          {"a statement by key", both(flip("dsseEnvelope", "signatures", 0, "sig"), unhinted), ReasonMismatch, "another key (or it was changed"},
		"the payload changed":       {"a statement by key", payload(`"acme/app"`, `"acme/aqp"`), ReasonInvalid, "names the right key"},
		"another digest put in":     {"a statement by key", payload(ours[7:], theirs[7:]), ReasonInvalid, "about something else"},
		"signed by another key":     {"a statement by key", another("other"), ReasonMismatch, "another key"},
		"that pretends to be ours":  {"a statement by key", pretender, ReasonInvalid, "names the right key"},
		"asked of another curve":    {"a statement by key", asks("p384"), ReasonMismatch, "another key"},
		"asked of an edwards key":   {"a statement by key", asks("ed25519"), ReasonMismatch, "another key"},
		"asked of an RSA key":       {"a statement by key", asks("rsa"), ReasonMismatch, "another key"},
		"asked of an identity":      {"a statement by key", identified, ReasonMismatch, "a key instead of a certificate"},
		"a certificate's":           {"a statement by key", certified, ReasonMismatch, "a certificate instead of a key"},
		"two signatures, one wrong": {"a statement by key", in(second), ReasonInvalid, "exactly one signature"},
		"twice the same signature":  {"a statement by key", in(twice), ReasonInvalid, "exactly one signature"},
		"not signed":                {"a statement by key", in(signatures([]any{})), ReasonInvalid, "exactly one signature"},
		"signed with nothing":       {"a statement by key", in(signatures([]any{object{"sig": ""}})), ReasonInvalid, "names the right key"},
		"another payload type":      {"a statement by key", in(func(_ *testing.T, b object) { b["dsseEnvelope"].(object)["payloadType"] = "application/json" }), ReasonInvalid, "no in-toto statement"},

		"the signature of a bare one changed": {"a bare one by key", flip("messageSignature", "signature"), ReasonInvalid, "names the right key"},
		"a bare one's digest changed":         {"a bare one by key", flip("messageSignature", "messageDigest", "digest"), ReasonInvalid, "does not match"},
		"a bare one of another image": {"a bare one by key", func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.referrers = beside(w.keyholder("ours").bare(t, []byte("another image")))
		}, ReasonInvalid, "does not match"},
		"a bare one of another image, renamed": {"a bare one by key", func(t *testing.T, w world, st *stage) {
			t.Helper()
			b := w.keyholder("ours").bare(t, []byte("another image"))
			sum := sha256.Sum256(image)
			at(b, "messageSignature", "messageDigest").(object)["digest"] = sum[:]
			st.referrers = beside(b)
		}, ReasonInvalid, "names the right key"},
		"a bare one by another key": {"a bare one by key", func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.referrers = beside(w.keyholder("other").bare(t, image))
		}, ReasonMismatch, "another key"},
	})
}

func TestStatementsThatSignSomethingElse(t *testing.T) {
	plain := func(fields object) object {
		s := statement(predicateSign, ours, object{})
		maps.Copy(s, fields)
		return s
	}
	subject := func(digest any) object { return plain(object{"subject": []any{object{"digest": digest}}}) }
	raw := encoded(t, plain(nil))
	sum := sha256.Sum256(image)
	refusesAll(t, map[string]tampering{
		"another digest":                  {"a statement by key", signedAnew(statement(predicateSign, theirs, object{})), ReasonInvalid, "about something else"},
		"no subject":                      {"a statement by key", signedAnew(plain(object{"subject": []any{}})), ReasonInvalid, "about something else"},
		"a subject without digest":        {"a statement by key", signedAnew(subject(object{})), ReasonInvalid, "about something else"},
		"in another algorithm":            {"a statement by key", signedAnew(subject(object{"sha512": hex.EncodeToString(sum[:])})), ReasonInvalid, "about something else"},
		"in capitals":                     {"a statement by key", signedAnew(subject(object{"sha256": strings.ToUpper(ours[7:])})), ReasonInvalid, "about something else"},
		"a digit less":                    {"a statement by key", signedAnew(subject(object{"sha256": ours[7:70]})), ReasonInvalid, "about something else"},
		"in the name alone":               {"a statement by key", signedAnew(plain(object{"subject": []any{object{"name": ours, "digest": object{"sha256": theirs[7:]}}}})), ReasonInvalid, "about something else"},
		"another predicate type":          {"a statement by key", signedAnew(statement(provenance, ours, object{})), ReasonMissing, "sign this digest"},
		"another type, of another digest": {"a statement by key", signedAnew(statement(provenance, theirs, object{})), ReasonMissing, "sign this digest"},
		"nearly the type":                 {"a statement by key", signedAnew(statement(predicateSign+"1", ours, object{})), ReasonMissing, "sign this digest"},
		"no type":                         {"a statement by key", signedAnew(statement("", ours, object{})), ReasonMissing, "sign this digest"},
		"no JSON":                         {"a statement by key", signedAnew([]byte("signed")), ReasonInvalid, "no in-toto statement"},
		"no object":                       {"a statement by key", signedAnew([]byte("[]")), ReasonInvalid, "no in-toto statement"},
		"half of one":                     {"a statement by key", signedAnew(raw[:len(raw)/2]), ReasonInvalid, "no in-toto statement"},
		"something after it":              {"a statement by key", signedAnew(append(append([]byte{}, raw...), "{}"...)), ReasonInvalid, "no in-toto statement"},
		"two lists of subjects":           {"a statement by key", signedAnew([]byte(strings.Replace(string(raw), "{", `{"subject":[],`, 1))), ReasonInvalid, "no in-toto statement"},
	})
}

// both tampers twice.
func both(all ...func(*testing.T, world, *stage)) func(*testing.T, world, *stage) {
	return func(t *testing.T, w world, st *stage) {
		t.Helper()
		for _, do := range all {
			do(t, w, st)
		}
	}
}

// payload replaces something in the payload of an envelope, which keeps its signature.
func payload(from, to string) func(*testing.T, world, *stage) {
	return in(func(t *testing.T, b object) {
		t.Helper()
		b["dsseEnvelope"].(object)["payload"] = []byte(swapped(t, string(bytesAt(t, b, "dsseEnvelope", "payload")), from, to))
	})
}

func signatures(all []any) func(*testing.T, object) {
	return func(_ *testing.T, b object) { b["dsseEnvelope"].(object)["signatures"] = all }
}

func second(t *testing.T, b object) {
	t.Helper()
	signatures([]any{at(b, "dsseEnvelope", "signatures", 0), object{"sig": []byte("wrong")}})(t, b)
}

func twice(t *testing.T, b object) {
	t.Helper()
	one := at(b, "dsseEnvelope", "signatures", 0)
	signatures([]any{one, one})(t, b)
}

func pretender(t *testing.T, w world, st *stage) {
	t.Helper()
	h := w.keyholder("other")
	h.hint = w.keyholder("ours").hint
	st.referrers = beside(h.bundle(t, statement(predicateSign, ours, object{})))
}

func identified(t *testing.T, w world, st *stage) {
	t.Helper()
	*st = w.trusting(t, *st)
	st.spec = signatureOf(keylessly())
}

// certified has our key sign, with a certificate in its stead.
func certified(t *testing.T, w world, st *stage) {
	t.Helper()
	h := w.keyless(t, w.ci())
	st.spec.Signatures[0].Signer = v1alpha1.Signer{PublicKeys: []v1alpha1.PublicKey{{PEM: public(h.key)}}}
	st.referrers = beside(h.bundle(t, statement(predicateSign, ours, object{})))
}
