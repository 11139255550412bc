package signature

import (
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// certifiedAs signs anew with another certificate.
func certifiedAs(change func(w world, l *leaf)) func(*testing.T, world, *stage) {
	return func(t *testing.T, w world, st *stage) {
		t.Helper()
		l := w.ci()
		change(w, &l)
		st.referrers = beside(w.keyless(t, l).bundle(t, statement(predicateSign, ours, object{})))
	}
}

func asking(change func(k *v1alpha1.KeylessIdentity)) func(*testing.T, world, *stage) {
	return func(_ *testing.T, _ world, st *stage) { change(st.spec.Signatures[0].Signer.Keyless) }
}

func TestIdentitiesThatAreNotQuiteIt(t *testing.T) {
	of := "a keyless statement"
	issuer := func(to string) func(*testing.T, world, *stage) {
		return certifiedAs(func(_ world, l *leaf) { l.issuer = to })
	}
	subject := func(to string) func(*testing.T, world, *stage) {
		return certifiedAs(func(_ world, l *leaf) { l.uri = to })
	}
	issuerPattern := func(p string) func(*testing.T, world, *stage) {
		return asking(func(k *v1alpha1.KeylessIdentity) { k.Issuer, k.IssuerPattern = "", p })
	}
	subjectPattern := func(p string) func(*testing.T, world, *stage) {
		return asking(func(k *v1alpha1.KeylessIdentity) { k.Subject, k.SubjectPattern = "", p })
	}
	host := strings.TrimPrefix(ciSubject, "https://")
	refusesAll(t, map[string]tampering{
		"issuer off by one":        {of, issuer("https://token.actions.examplf"), ReasonMismatch, "https://token.actions.examplf " + ciSubject},
		"issuer with more":         {of, issuer(ciIssuer + "/"), ReasonMismatch, ciIssuer + "/ "},
		"issuer with more before":  {of, issuer("x" + ciIssuer), ReasonMismatch, "x" + ciIssuer},
		"issuer with less":         {of, issuer(ciIssuer[:len(ciIssuer)-1]), ReasonMismatch, "correct the policy's signer"},
		"issuer in capitals":       {of, issuer(strings.ToUpper(ciIssuer)), ReasonMismatch, strings.ToUpper(ciIssuer)},
		"issuer and a line":        {of, issuer(ciIssuer + "\n"), ReasonMismatch, "correct the policy's signer"},
		"no issuer":                {of, issuer(""), ReasonMismatch, ciSubject},
		"issuer and subject alike": {of, both(issuer(ciSubject)), ReasonMismatch, ciSubject + " " + ciSubject},
		"subject off by one":       {of, subject(strings.Replace(ciSubject, "acme", "acne", 1)), ReasonMismatch, "acne"},
		"subject with more":        {of, subject(ciSubject + "/"), ReasonMismatch, ciSubject + "/"},
		"subject with more before": {of, subject("https://evil.example/" + ciSubject), ReasonMismatch, "evil"},
		"subject with less":        {of, subject(ciSubject[:len(ciSubject)-1]), ReasonMismatch, "correct the policy's signer"},
		"subject in capitals":      {of, subject(strings.Replace(ciSubject, "acme", "ACME", 1)), ReasonMismatch, "ACME"},
		"another branch":           {of, subject(strings.Replace(ciSubject, "main", "dev", 1)), ReasonMismatch, "heads/dev"},
		"an email of it":           {of, certifiedAs(func(_ world, l *leaf) { l.uri, l.email = "", "release@ci.example" }), ReasonMismatch, "release@ci.example"},
		"a name of another kind":   {of, certifiedAs(func(_ world, l *leaf) { l.uri, l.dns = "", []string{ciSubject} }), ReasonInvalid, "Subject Alternative Name"},
		"two names, ours first":    {of, certifiedAs(func(_ world, l *leaf) { l.email = "evil@ci.example" }), ReasonInvalid, "more than one subject"},
		"a host besides":           {of, certifiedAs(func(_ world, l *leaf) { l.dns = []string{"evil.example"} }), ReasonInvalid, "more than one subject"},
		"an address besides":       {of, certifiedAs(func(_ world, l *leaf) { l.ips = []net.IP{{127, 0, 0, 1}} }), ReasonInvalid, "more than one subject"},
		"no name at all":           {of, certifiedAs(func(_ world, l *leaf) { l.uri = "" }), ReasonInvalid, "Subject Alternative Name"},

		"issuer pattern without its beginning":  {of, issuerPattern(`token\.actions\.example`), ReasonMismatch, ciIssuer},
		"issuer pattern without its end":        {of, issuerPattern(`https://token\.`), ReasonMismatch, ciIssuer},
		"issuer pattern of nothing":             {of, issuerPattern(`x*`), ReasonMismatch, ciIssuer},
		"subject pattern without its beginning": {of, subjectPattern(host), ReasonMismatch, ciSubject},
		"subject pattern without its end":       {of, subjectPattern(`https://ci\.example/`), ReasonMismatch, ciSubject},
		"subject pattern of two, each half":     {of, subjectPattern(`https://ci\.example|refs/heads/main`), ReasonMismatch, ciSubject},
		"subject pattern by lines":              {of, subjectPattern(`(?m)^https://ci\.example/$`), ReasonMismatch, ciSubject},
		"subject pattern in capitals":           {of, subjectPattern(`HTTPS://.*`), ReasonMismatch, ciSubject},
		"subject pattern that breaks out":       {of, subjectPattern(`x)|(.*`), ReasonTrustUnusable, "subjectPattern is not a regular expression"},
		"issuer pattern that breaks out":        {of, issuerPattern(`x)|(.*`), ReasonTrustUnusable, "issuerPattern is not a regular expression"},
		"no issuer asked for":                   {of, asking(func(k *v1alpha1.KeylessIdentity) { k.Issuer = "" }), ReasonTrustUnusable, "needs an issuer and a subject"},
		"no subject asked for":                  {of, asking(func(k *v1alpha1.KeylessIdentity) { k.Subject = "" }), ReasonTrustUnusable, "needs an issuer and a subject"},
	})
}

func TestCertificatesThatVouchForNobody(t *testing.T) {
	of := "a keyless statement"
	another := certifiedAs
	refusesAll(t, map[string]tampering{
		"of another authority":    {of, another(func(w world, l *leaf) { l.by = w.otherFulcio }), ReasonInvalid, "of no authority"},
		"expired when it signs":   {of, another(func(_ world, l *leaf) { l.from, l.to = -90*time.Second, -time.Second }), ReasonInvalid, "outside certificate validity"},
		"not valid yet":           {of, another(func(_ world, l *leaf) { l.from, l.to = time.Minute, time.Hour }), ReasonInvalid, "outside certificate validity"},
		"not for signing code":    {of, another(func(_ world, l *leaf) { l.usage = x509.ExtKeyUsageServerAuth }), ReasonInvalid, "of no authority"},
		"in no certificate log":   {of, another(func(_ world, l *leaf) { l.certLog = nil }), ReasonInvalid, "no certificate log"},
		"in another's log":        {of, another(func(w world, l *leaf) { l.certLog = w.otherCerts }), ReasonInvalid, "no certificate log"},
		"in ours by another hand": {of, another(func(w world, l *leaf) { l.certHand = w.otherCerts }), ReasonInvalid, "no certificate log"},
		"a bit of it changed":     {of, flip("verificationMaterial", "certificate", "rawBytes"), ReasonInvalid, "does not count"},
		"swapped for another's": {of, func(t *testing.T, w world, st *stage) {
			t.Helper()
			at(st.referrers[0].bundle, "verificationMaterial", "certificate").(object)["rawBytes"] = w.keyless(t, w.ci()).certificate.Raw
		}, ReasonInvalid, "transparency log"},
		"swapped, where there is no log": {"a stamped one", func(t *testing.T, w world, st *stage) {
			t.Helper()
			at(st.referrers[0].bundle, "verificationMaterial", "certificate").(object)["rawBytes"] = w.keyless(t, w.ci()).certificate.Raw
		}, ReasonInvalid, "or was changed"},
		"no certificate in it": {of, in(func(_ *testing.T, b object) {
			at(b, "verificationMaterial", "certificate").(object)["rawBytes"] = []byte("x")
		}), ReasonInvalid, "by what it can be verified"},
		"a chain, as none may be": {of, in(func(_ *testing.T, b object) {
			m := b["verificationMaterial"].(object)
			m["x509CertificateChain"] = object{"certificates": []any{m["certificate"]}}
			delete(m, "certificate")
		}), ReasonInvalid, "certificate chain"},
		"the signature changed":     {"a stamped one", flip("dsseEnvelope", "signatures", 0, "sig"), ReasonInvalid, "says when it was signed"},
		"the payload changed":       {"a stamped one", payload(`"acme/app"`, `"acme/aqp"`), ReasonInvalid, "or was changed"},
		"a bare one's digest moved": {"a bare keyless one", flip("messageSignature", "messageDigest", "digest"), ReasonInvalid, "does not match"},
		"a bare one of another image": {"a bare keyless one", func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.referrers = beside(w.keyless(t, w.ci()).bare(t, []byte("another image")))
		}, ReasonInvalid, "artifact does not match digest"},
	})
}
