package signature

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// entry is the path to the entry of the log.
func entry(path ...any) []any {
	return append([]any{"verificationMaterial", "tlogEntries", 0}, path...)
}

// signedBy signs anew, as another hand or in another way.
func signedBy(change func(w world, h *hand)) func(*testing.T, world, *stage) {
	return func(t *testing.T, w world, st *stage) {
		t.Helper()
		h := w.keyless(t, w.ci())
		change(w, &h)
		st.referrers = beside(h.bundle(t, statement(predicateSign, ours, object{})))
	}
}

// theirEntry takes the entry of another signature, by the same hand's twin.
func theirEntry(t *testing.T, w world, st *stage) {
	t.Helper()
	other := w.keyless(t, w.ci()).bundle(t, statement(predicateSign, ours, object{}))
	at(st.referrers[0].bundle, "verificationMaterial").(object)["tlogEntries"] = at(other, "verificationMaterial", "tlogEntries")
}

func TestWhatTheTransparencyLogDoesNotKnow(t *testing.T) {
	of, says := "a keyless statement", "no transparency log"
	set := func(key string, value any) func(*testing.T, world, *stage) {
		return in(func(_ *testing.T, b object) { at(b, entry()...).(object)[key] = value })
	}
	refusesAll(t, map[string]tampering{
		"not logged":              {of, signedBy(func(_ world, h *hand) { h.log = nil }), ReasonInvalid, says},
		"the entry left out":      {of, in(func(_ *testing.T, b object) { delete(b["verificationMaterial"].(object), "tlogEntries") }), ReasonInvalid, says},
		"in another log":          {of, signedBy(func(w world, h *hand) { h.log = &tlogger{w.otherLog, time.Now()} }), ReasonInvalid, says},
		"promised by another log": {of, promisedBy, ReasonInvalid, says},
		"the promise changed":     {of, flip(entry("inclusionPromise", "signedEntryTimestamp")...), ReasonInvalid, says},
		"the promise left out":    {of, set("inclusionPromise", nil), ReasonInvalid, "says when it was signed"},
		"the time changed":        {of, set("integratedTime", "1700000000"), ReasonInvalid, says},
		"the index changed":       {of, set("logIndex", "2"), ReasonInvalid, says},
		"the entry twice": {of, in(func(_ *testing.T, b object) {
			e := at(b, entry()...)
			b["verificationMaterial"].(object)["tlogEntries"] = []any{e, e}
		}), ReasonInvalid, "duplicate"},
		"another's entry": {of, theirEntry, ReasonInvalid, says},
		"the entry's body changed": {of, in(func(t *testing.T, b object) {
			t.Helper()
			at(b, entry()...).(object)["canonicalizedBody"] = []byte(swapped(t, string(bytesAt(t, b, entry("canonicalizedBody")...)), "sha256", "sha257"))
		}), ReasonInvalid, "does not count"},
		"an entry of nothing":        {of, set("canonicalizedBody", []byte("{}")), ReasonInvalid, "no Sigstore bundle"},
		"the proof left out":         {of, set("inclusionProof", nil), ReasonInvalid, "inclusion proof missing"},
		"a hash of the proof moved":  {of, flip(entry("inclusionProof", "hashes", 0)...), ReasonInvalid, says},
		"the root of the proof":      {of, flip(entry("inclusionProof", "rootHash")...), ReasonInvalid, says},
		"the proof of another index": {of, in(func(_ *testing.T, b object) { at(b, entry("inclusionProof")...).(object)["logIndex"] = "1" }), ReasonInvalid, says},
		"the checkpoint changed": {of, in(func(t *testing.T, b object) {
			t.Helper()
			c := at(b, entry("inclusionProof", "checkpoint")...).(object)
			c["envelope"] = swapped(t, c["envelope"].(string), "\n42\n", "\n43\n")
		}), ReasonInvalid, says},
		"the checkpoint unsigned": {of, in(func(_ *testing.T, b object) {
			c := at(b, entry("inclusionProof", "checkpoint")...).(object)
			c["envelope"], _, _ = strings.Cut(c["envelope"].(string), "\n\n")
		}), ReasonInvalid, says},
		"logged too late":            {of, signedBy(func(_ world, h *hand) { h.log.at = time.Now().Add(20 * time.Minute) }), ReasonInvalid, "outside certificate validity"},
		"logged before there was it": {of, signedBy(func(_ world, h *hand) { h.log.at = time.Now().Add(-20 * time.Minute) }), ReasonInvalid, "outside certificate validity"},
		"before the log was ours":    {of, signedBy(func(_ world, h *hand) { h.log.at = time.Now().Add(-2 * time.Hour) }), ReasonInvalid, says},
		"the signature changed":      {of, flip("dsseEnvelope", "signatures", 0, "sig"), ReasonInvalid, says},
		"the payload changed":        {of, payload(`"acme/app"`, `"acme/aqp"`), ReasonInvalid, says},
		"a bare one's changed":       {"a bare keyless one", flip("messageSignature", "signature"), ReasonInvalid, says},
	})
}

// swapped replaces something that must be there.
func swapped(t *testing.T, text, from, to string) string {
	t.Helper()
	after := strings.Replace(text, from, to, 1)
	if after == text {
		t.Fatalf("no %q in %s", from, text)
	}
	return after
}

func promisedBy(t *testing.T, w world, st *stage) {
	t.Helper()
	b := st.referrers[0].bundle
	promise, _ := tlogger{w.otherLog, time.Now()}.promise(t, bytesAt(t, b, entry("canonicalizedBody")...))
	at(b, entry("inclusionPromise")...).(object)["signedEntryTimestamp"] = promise
}

func TestTimestampsThatAreNone(t *testing.T) {
	of, says := "a stamped one", "says when it was signed"
	stamps := []any{"verificationMaterial", "timestampVerificationData", "rfc3161Timestamps"}
	stamp := append(append([]any{}, stamps...), 0, "signedTimestamp")
	refusesAll(t, map[string]tampering{
		"none":    {of, in(func(_ *testing.T, b object) { delete(b["verificationMaterial"].(object), "timestampVerificationData") }), ReasonInvalid, says},
		"of no":   {of, in(func(_ *testing.T, b object) { at(b, stamps[:2]...).(object)["rfc3161Timestamps"] = []any{} }), ReasonInvalid, says},
		"changed": {of, flip(stamp...), ReasonInvalid, says},
		"cut off": {of, in(func(t *testing.T, b object) {
			t.Helper()
			all := bytesAt(t, b, stamp...)
			at(b, stamp[:4]...).(object)["signedTimestamp"] = all[:len(all)/2]
		}), ReasonInvalid, says},
		"of another signature": {of, signedBy(func(w world, h *hand) {
			h.stamp = func([]byte) ([]byte, error) { return w.log.TimestampResponse([]byte("another")) }
		}), ReasonInvalid, says},
		"by another authority":       {of, signedBy(func(w world, h *hand) { h.stamp = w.otherLog.TimestampResponse }), ReasonInvalid, says},
		"after the certificate":      {of, certifiedAs(func(_ world, l *leaf) { l.from, l.to = -90*time.Second, -time.Second }), ReasonInvalid, "was not valid when it signed"},
		"before the certificate":     {of, certifiedAs(func(_ world, l *leaf) { l.from, l.to = time.Minute, 5*time.Minute }), ReasonInvalid, "was not valid when it signed"},
		"of a log that is not asked": {of, signedBy(func(_ world, h *hand) { h.stamp = nil }), ReasonInvalid, says},
		"before there was an authority": {of, func(t *testing.T, w world, st *stage) {
			t.Helper()
			trusted := w.root()
			delete(trusted, "tlogs")
			trusted["timestampAuthorities"].([]any)[0].(object)["validFor"] = object{"start": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
			st.files["trust/trusted_root.json"] = string(must(json.Marshal(trusted))(t))
		}, ReasonInvalid, says},
	})
}
