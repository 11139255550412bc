package signature

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

// layered changes the layer under cosign's tag.
func layered(suffix string, change func(t *testing.T, w world, l *layer)) func(*testing.T, world, *stage) {
	return func(t *testing.T, w world, st *stage) { t.Helper(); change(t, w, &st.tags[suffix][0]) }
}

func annotated(key, value string) func(*testing.T, world, *layer) {
	return func(_ *testing.T, _ world, l *layer) { l.annotations[key] = value }
}

// overPayload signs another payload with our key.
func overPayload(text string) func(*testing.T, world, *layer) {
	return func(t *testing.T, w world, l *layer) {
		t.Helper()
		*l = w.keyholder("ours").over(t, []byte(strings.ReplaceAll(text, "OURS", ours)))
	}
}

func replaced(from, to string) func(*testing.T, world, *layer) {
	return func(t *testing.T, _ world, l *layer) {
		t.Helper()
		l.content = []byte(swapped(t, string(l.content), from, to))
	}
}

func TestOldSignaturesThatSignSomethingElse(t *testing.T) {
	sig := func(change func(*testing.T, world, *layer)) func(*testing.T, world, *stage) {
		return layered(".sig", change)
	}
	of := "an old one by key"
	refusesAll(t, map[string]tampering{
		"the signature changed": {of, sig(func(t *testing.T, w world, l *layer) {
			t.Helper()
			l.annotations[annotationSignature] = w.keyholder("ours").simple(t, theirs).annotations[annotationSignature]
		}), ReasonMismatch, "another key (or it was changed"},
		"the payload changed":   {of, sig(replaced(`"optional":null`, `"optional":{}`)), ReasonMismatch, "another key (or it was changed"},
		"another digest put in": {of, sig(replaced(ours, theirs)), ReasonInvalid, "signs another digest, " + theirs},
		"of another image":      {of, sig(func(t *testing.T, w world, l *layer) { t.Helper(); *l = w.keyholder("ours").simple(t, theirs) }), ReasonInvalid, "signs another digest, " + theirs},
		"of another image, its digest put in": {of, func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.tags[".sig"] = []layer{w.keyholder("ours").simple(t, theirs)}
			replaced(theirs, ours)(t, w, &st.tags[".sig"][0])
		}, ReasonMismatch, "another key (or it was changed"},
		"by another key":           {of, sig(func(t *testing.T, w world, l *layer) { t.Helper(); *l = w.keyholder("other").simple(t, ours) }), ReasonMismatch, "another key"},
		"no annotation":            {of, sig(func(_ *testing.T, _ world, l *layer) { l.annotations = nil }), ReasonInvalid, "holds no signature"},
		"an empty annotation":      {of, sig(annotated(annotationSignature, "")), ReasonInvalid, "holds no signature"},
		"an annotation of garbage": {of, sig(annotated(annotationSignature, "%%%")), ReasonInvalid, "holds no signature"},
		"no layers":                {of, func(_ *testing.T, _ world, st *stage) { st.tags[".sig"] = nil }, ReasonMissing, "sign this digest"},
		"a layer of another type":  {of, sig(func(_ *testing.T, _ world, l *layer) { l.media = "application/json" }), ReasonMissing, "sign this digest"},
		"under the tag of attestations": {of, func(_ *testing.T, _ world, st *stage) {
			st.tags = map[string][]layer{".att": st.tags[".sig"]}
		}, ReasonMissing, "sign this digest"},
		"a huge payload": {of, sig(func(t *testing.T, w world, l *layer) {
			t.Helper()
			*l = w.keyholder("ours").over(t, append(l.content, strings.Repeat(" ", maxBlob)...))
		}), ReasonInvalid, "larger than 1048576 bytes"},
		"signed words":             {of, sig(overPayload("OURS")), ReasonInvalid, "not that of a cosign signature"},
		"a payload of nothing":     {of, sig(overPayload("{}")), ReasonInvalid, "not that of a cosign signature"},
		"a payload of no type":     {of, sig(overPayload(`{"critical":{"image":{"docker-manifest-digest":"OURS"}}}`)), ReasonInvalid, "not that of a cosign signature"},
		"a payload of no digest":   {of, sig(overPayload(`{"critical":{"type":"cosign container image signature"}}`)), ReasonInvalid, "signs another digest"},
		"a digest but elsewhere":   {of, sig(overPayload(`{"critical":{"type":"cosign container image signature"},"docker-manifest-digest":"OURS"}`)), ReasonInvalid, "signs another digest"},
		"a certificate of garbage": {of, sig(annotated(annotationCertificate, "x")), ReasonInvalid, "holds no certificate"},
		"a key for a certificate":  {of, sig(func(_ *testing.T, w world, l *layer) { l.annotations[annotationCertificate] = public(w.keys["ours"]) }), ReasonInvalid, "holds no certificate"},
		"a log entry of garbage":   {of, sig(annotated(annotationLog, "x")), ReasonInvalid, "holds no entry of a log"},
		"a log entry of no body":   {of, sig(annotated(annotationLog, "{}")), ReasonInvalid, "its body is not JSON"},
		"a timestamp of garbage":   {of, sig(annotated(annotationTimestamp, "x")), ReasonInvalid, "holds no timestamp"},
	})
}

func TestOldKeylessSignaturesThatAreNotProven(t *testing.T) {
	of, says := "an old keyless one", "no transparency log"
	sig := func(change func(*testing.T, world, *layer)) func(*testing.T, world, *stage) {
		return layered(".sig", change)
	}
	logged := func(change func(entry object)) func(*testing.T, world, *stage) {
		return sig(func(t *testing.T, _ world, l *layer) {
			t.Helper()
			var e object
			unmarshal(t, []byte(l.annotations[annotationLog]), &e)
			change(e)
			l.annotations[annotationLog] = string(encoded(t, e))
		})
	}
	by := func(change func(w world, l *leaf)) func(*testing.T, world, *stage) {
		return sig(func(t *testing.T, w world, l *layer) {
			t.Helper()
			asked := w.ci()
			change(w, &asked)
			*l = w.keyless(t, asked).simple(t, ours)
		})
	}
	swap := func(key string) func(*testing.T, world, *stage) {
		return sig(func(t *testing.T, w world, l *layer) {
			t.Helper()
			l.annotations[key] = w.keyless(t, w.ci()).simple(t, ours).annotations[key]
		})
	}
	refusesAll(t, map[string]tampering{
		"not logged":            {of, sig(annotated(annotationLog, "")), ReasonInvalid, says},
		"without certificate":   {of, sig(annotated(annotationCertificate, "")), ReasonMismatch, "a key instead of a certificate"},
		"another's entry":       {of, swap(annotationLog), ReasonInvalid, says},
		"another's certificate": {of, swap(annotationCertificate), ReasonInvalid, says},
		"another's signature":   {of, swap(annotationSignature), ReasonInvalid, says},
		"two certificates": {of, sig(func(_ *testing.T, _ world, l *layer) {
			l.annotations[annotationCertificate] += l.annotations[annotationCertificate]
		}), ReasonInvalid, "holds no certificate"},
		"a certificate of no DER": {of, sig(annotated(annotationCertificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})))), ReasonInvalid, "by what it can be verified"},
		"the promise changed":     {of, logged(func(e object) { e["SignedEntryTimestamp"] = base64.StdEncoding.EncodeToString([]byte("x")) }), ReasonInvalid, says},
		"no promise":              {of, logged(func(e object) { delete(e, "SignedEntryTimestamp") }), ReasonInvalid, "inclusion promise"},
		"the time changed":        {of, logged(func(e object) { e["Payload"].(object)["integratedTime"] = time.Now().Unix() - 1 }), ReasonInvalid, says},
		"another log":             {of, logged(func(e object) { e["Payload"].(object)["logID"] = strings.Repeat("00", 32) }), ReasonInvalid, says},
		"a log of no name":        {of, logged(func(e object) { e["Payload"].(object)["logID"] = "x" }), ReasonInvalid, "no readable name"},
		"another issuer":          {of, by(func(_ world, l *leaf) { l.issuer += "/" }), ReasonMismatch, ciIssuer + "/"},
		"another subject":         {of, by(func(_ world, l *leaf) { l.uri += "/" }), ReasonMismatch, ciSubject + "/"},
		"another authority":       {of, by(func(w world, l *leaf) { l.by = w.otherFulcio }), ReasonInvalid, "of no authority"},
		"expired":                 {of, by(func(_ world, l *leaf) { l.from, l.to = -90*time.Second, -time.Second }), ReasonInvalid, "outside certificate validity"},
		"for servers":             {of, by(func(_ world, l *leaf) { l.usage = x509.ExtKeyUsageServerAuth }), ReasonInvalid, "of no authority"},
		"in no certificate log":   {of, by(func(_ world, l *leaf) { l.certLog = nil }), ReasonInvalid, "no certificate log"},
		"not stamped":             {"an old stamped one", sig(annotated(annotationTimestamp, "")), ReasonInvalid, "says when it was signed"},
		"stamped for another":     {"an old stamped one", swap(annotationTimestamp), ReasonInvalid, "says when it was signed"},
		"of another image": {of, sig(func(t *testing.T, w world, l *layer) {
			t.Helper()
			*l = w.keyless(t, w.ci()).simple(t, theirs)
		}), ReasonInvalid, "signs another digest"},
	})
}
