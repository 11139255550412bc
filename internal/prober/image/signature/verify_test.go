package signature

import (
	"crypto"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestEveryKindOfKeyVerifies(t *testing.T) {
	for name, tc := range map[string]struct {
		key  string
		hash crypto.Hash
	}{
		"P-256":                 {"ours", crypto.SHA256},
		"P-384":                 {"p384", crypto.SHA384},
		"P-384 as cosign did":   {"p384", crypto.SHA256},
		"P-521":                 {"p521", crypto.SHA512},
		"P-521 as cosign did":   {"p521", crypto.SHA256},
		"RSA":                   {"rsa", crypto.SHA256},
		"Ed25519, at all times": {"ed25519", crypto.SHA256},
	} {
		t.Run(name, func(t *testing.T) {
			w := theWorld()
			h := w.keyholder(tc.key)
			h.hash = tc.hash
			asked := signatureOf(byKeys(w.keys["other"], w.keys[tc.key])) // any one of them
			passes(t, stage{spec: asked, referrers: beside(h.bundle(t, statement(predicateSign, ours, object{})))})
			passes(t, stage{spec: asked, tags: map[string][]layer{".sig": {h.simple(t, ours)}}})
		})
	}
}

func TestIdentitiesByPattern(t *testing.T) {
	for name, k := range map[string]v1alpha1.KeylessIdentity{
		"issuer":           {IssuerPattern: `https://token\.actions\.[a-z]+`, Subject: ciSubject},
		"subject":          {Issuer: ciIssuer, SubjectPattern: `https://ci\.example/acme/app/.*@refs/heads/(main|release-.*)`},
		"one of two":       {IssuerPattern: `https://accounts\.example|https://token\.actions\.example`, SubjectPattern: `x|https://ci\.example/.*`},
		"anchored already": {IssuerPattern: `^https://token\.actions\.example$`, SubjectPattern: `^.*$`},
	} {
		t.Run(name, func(t *testing.T) {
			st := originals["a keyless statement"](t, theWorld())
			k.TrustRoot = st.spec.Signatures[0].Signer.Keyless.TrustRoot
			st.spec.Signatures[0].Signer.Keyless = &k
			passes(t, st)
		})
	}
}

func TestAnIdentityMayBeAnEmail(t *testing.T) {
	w := theWorld()
	l := w.ci()
	l.uri, l.email = "", "release@ci.example"
	st := w.trusting(t, stage{spec: signatureOf(keylessly()), referrers: beside(w.keyless(t, l).bundle(t, statement(predicateSign, ours, object{})))})
	st.spec.Signatures[0].Signer.Keyless.Subject = "release@ci.example"
	passes(t, st)
}

func TestARootWithoutCertificateLogAsksForNone(t *testing.T) {
	w := theWorld()
	l := w.ci()
	l.certLog = nil
	st := stage{spec: signatureOf(keylessly()), referrers: beside(w.keyless(t, l).bundle(t, statement(predicateSign, ours, object{})))}
	passes(t, w.trusting(t, st, "ctlogs"))
}

func TestKeysAreReadFromConfigMaps(t *testing.T) {
	st := originals["a statement by key"](t, theWorld())
	st.files = map[string]string{"keys/ci.pub": public(theWorld().keys["ours"])}
	st.spec.Signatures[0].Signer.PublicKeys = []v1alpha1.PublicKey{{ConfigMap: &v1alpha1.ConfigMapFile{Name: "keys", Key: "ci.pub"}}}
	passes(t, st)
}

func TestAStatementMayBeAboutMore(t *testing.T) {
	w := theWorld()
	s := statement(predicateSign, theirs, object{})
	s["subject"] = append(s["subject"].([]any), object{"digest": object{"sha512": "00", "sha256": ours[7:]}})
	st := originals["a statement by key"](t, w)
	signedAnew(s)(t, w, &st)
	passes(t, st)
}

func TestOneIsEnough(t *testing.T) {
	w := theWorld()
	good := originals["a statement by key"](t, w)
	bundles := append(beside(w.keyholder("other").bundle(t, statement(predicateSign, ours, object{}))), referrer{content: []byte("garbage")})
	good.referrers = append(bundles, good.referrers...)
	passes(t, good)

	old := originals["an old one by key"](t, w)
	old.referrers = bundles
	old.tags[".sig"] = append([]layer{w.keyholder("other").simple(t, ours), w.keyholder("ours").simple(t, theirs)}, old.tags[".sig"]...)
	passes(t, old)

	attested := originals["an attestation by key"](t, w)
	attested.referrers = append(beside(w.keyholder("ours").bundle(t, statement(provenance, ours, object{}))), attested.referrers...)
	passes(t, attested)
}

func TestABundleCountsInAnyRepository(t *testing.T) {
	st := originals["a keyless statement"](t, theWorld())
	passes(t, st)
	passes(t, st) // another registry
}

func TestRegistriesThatKnowReferrers(t *testing.T) {
	for name, original := range originals {
		t.Run(name, func(t *testing.T) {
			s := open(t, modern(true))
			st := original(t, theWorld())
			s.stock(st)
			if v := s.hold(st).Verdicts[0]; v.Outcome != verdict.Passed {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestNothingAskedIsNothingSaid(t *testing.T) {
	if diff := cmp.Diff(Result{}, open(t, nil).hold(stage{})); diff != "" { // and nobody is asked
		t.Error(diff)
	}
}

func TestWhatIsRecorded(t *testing.T) {
	w := theWorld()
	ci := w.keyless(t, w.ci())
	key, identity := fingerprint(w.keys["ours"]), ciIssuer+" "+ciSubject
	st := w.trusting(t, stage{
		referrers: beside(
			w.keyholder("ours").bundle(t, statement(predicateSign, ours, object{})), ci.bundle(t, statement(predicateSign, ours, object{})),
			ci.bundle(t, statement(provenance, ours, built())), ci.bundle(t, statement("https://spdx.dev/Document", ours, object{"SPDXID": "x"})),
		),
	})
	st.spec = v1alpha1.ArtifactSpec{
		Signatures: []v1alpha1.SignaturePolicy{
			{Name: "absent", Signer: byKeys(w.keys["other"], w.keys["rsa"])},
			{Name: "key", Signer: byKeys(w.keys["ours"])},
			{Name: "ci", Signer: keylessly()},
			{Name: "ci-again", Signer: keylessly()},
		},
		Attestations: []v1alpha1.AttestationPolicy{
			{Name: "sbom", PredicateType: "https://spdx.dev/Document", Signer: keylessly()},
			{Name: "vulnerabilities", PredicateType: "https://in-toto.io/attestation/vulns/v0.1", Signer: keylessly()},
			{Name: "provenance", PredicateType: provenance, Signer: keylessly(), Rules: []v1alpha1.AttestationRule{{Expression: builtByUs}}},
		},
	}
	r, subject := hold(t, st)
	if r.Signer != key+", "+identity || r.Builder != builderID {
		t.Errorf("signer %q, builder %q", r.Signer, r.Builder)
	}
	type row struct {
		name    string
		outcome v1alpha1.Outcome
		reason  string
		value   string
		query   string
	}
	var rows []row
	for _, v := range r.Verdicts {
		rows = append(rows, row{v.Name, v.Outcome, v.Reason, v.Evidence.Value, v.Evidence.Query})
		if v.Outcome == verdict.Passed && (len(v.Evidence.Source) != len(subject.String()) || v.Evidence.Source == subject.String()) {
			t.Errorf("source %s", v.Evidence.Source)
		}
	}
	asked := fingerprint(w.keys["other"]) + " or " + fingerprint(w.keys["rsa"])
	want := []row{
		{"key", verdict.Passed, ReasonVerified, key, key},
		{"ci", verdict.Passed, ReasonVerified, identity, identity},
		{"ci-again", verdict.Passed, ReasonVerified, identity, identity},
		{"sbom", verdict.Passed, ReasonAttested, identity, "https://spdx.dev/Document by " + identity},
		{"provenance", verdict.Passed, ReasonAttested, identity, provenance + " by " + identity},
		{"absent", verdict.Failed, ReasonMismatch, "", asked},
		{"vulnerabilities", verdict.Failed, ReasonAttestationMissing, "", "https://in-toto.io/attestation/vulns/v0.1 by " + identity},
	}
	rows[5].value = "" // they come in the order of their digests
	if diff := cmp.Diff(want, rows, cmp.AllowUnexported(row{})); diff != "" {
		t.Error(diff)
	}
}

func TestBuilders(t *testing.T) {
	for name, tc := range map[string]struct {
		predicateType string
		predicate     object
		want          string
	}{
		"SLSA 1":              {provenance, built(), builderID},
		"SLSA 0.2":            {"https://slsa.dev/provenance/v0.2", object{"builder": object{"id": "old"}}, "old"},
		"SLSA 0.2, said anew": {"https://slsa.dev/provenance/v0.2", built(), ""},
		"something else":      {"https://example.com/v1", built(), ""},
		"of no id":            {provenance, object{"runDetails": object{"builder": object{}}}, ""},
		"of no text":          {provenance, object{"runDetails": object{"builder": object{"id": 3}}}, ""},
		"of words":            {provenance, object{"runDetails": "x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := theWorld()
			st := stage{spec: attestationOf(byKeys(w.keys["ours"])), referrers: beside(w.keyholder("ours").bundle(t, statement(tc.predicateType, ours, tc.predicate)))}
			st.spec.Attestations[0].PredicateType = tc.predicateType
			passes(t, st)
			if r, _ := hold(t, st); r.Builder != tc.want || r.Signer != "" {
				t.Errorf("got %q, %q", r.Builder, r.Signer)
			}
		})
	}
}
