package signature

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestSomebodyElseSaysMoreThanGarbage(t *testing.T) {
	w := theWorld()
	st := originals["a statement by key"](t, w)
	st.referrers = append(beside(w.keyholder("other").bundle(t, statement(predicateSign, ours, object{}))), referrer{content: []byte("{")}, referrer{content: []byte("[")})
	r, _ := hold(t, st)
	if v := r.Verdicts[0]; v.Reason != ReasonMismatch || v.Evidence.Value != "another key (or it was changed since)" || strings.Contains(v.Message, "more cannot be verified") {
		t.Errorf("got %+v", v)
	}
}

func TestSomeOfThoseWhoSignedAreNamed(t *testing.T) {
	w := theWorld()
	st := originals["a keyless statement"](t, w)
	st.referrers = nil
	for i := range 8 {
		l := w.ci()
		l.uri = fmt.Sprint("https://ci.example/", i/2) // each twice
		st.referrers = append(st.referrers, beside(w.keyless(t, l).bundle(t, statement(predicateSign, ours, object{})))...)
	}
	r, _ := hold(t, st)
	named := strings.Split(r.Verdicts[0].Evidence.Value, ", ")
	if len(named) != 3 || named[0] == named[1] || named[1] == named[2] || named[0] == named[2] || !strings.HasPrefix(named[0], ciIssuer+" https://ci.example/") {
		t.Errorf("named %q", named)
	}
}

func TestSomeOfTheStatementsThereAreAreNamed(t *testing.T) {
	w := theWorld()
	st := originals["an attestation by key"](t, w)
	st.referrers = nil
	for i := range 8 {
		st.referrers = append(st.referrers, beside(w.keyholder("ours").bundle(t, statement(fmt.Sprint("https://types.example/", i/2), ours, object{})))...)
	}
	r, _ := hold(t, st)
	if n := strings.Count(r.Verdicts[0].Message, "https://types.example/"); r.Verdicts[0].Reason != ReasonAttestationMissing || n != 3 {
		t.Errorf("%d types: %+v", n, r.Verdicts[0])
	}
}

func TestWhatARefusalRestsOn(t *testing.T) {
	w := theWorld()
	st := originals["an attestation by key"](t, w)
	ruled(builtByUs, "predicate.count == 4")(t, w, &st)
	r, _ := hold(t, st)
	v := r.Verdicts[0]
	if v.Evidence.Value != fingerprint(w.keys["ours"]) || v.Evidence.Threshold != "predicate.count == 4" {
		t.Errorf("got %+v", v.Evidence)
	}
}

func TestManyKeysFit(t *testing.T) {
	w := theWorld()
	st := originals["a statement by key"](t, w)
	k := w.keys["other"]
	st.spec = signatureOf(byKeys(k, k, k, k, k, k, k, k))
	r, _ := hold(t, st)
	if n := len(r.Verdicts[0].Evidence.Query); n != 512 {
		t.Errorf("%d bytes", n)
	}
}

func TestTheFirstProvenanceNamesTheBuilder(t *testing.T) {
	w := theWorld()
	old := "https://slsa.dev/provenance/v0.2"
	st := stage{spec: attestationOf(byKeys(w.keys["ours"]))}
	st.spec.Attestations = append(st.spec.Attestations, v1alpha1.AttestationPolicy{Name: "old", PredicateType: old, Signer: byKeys(w.keys["ours"])})
	st.referrers = beside(
		w.keyholder("ours").bundle(t, statement(provenance, ours, built())),
		w.keyholder("ours").bundle(t, statement(old, ours, object{"builder": object{"id": "old"}})),
	)
	if r, _ := hold(t, st); r.Builder != builderID {
		t.Errorf("got %q", r.Builder)
	}
}

func TestABrokenSignatureIsNoBrokenAttestation(t *testing.T) {
	w := theWorld()
	st := originals["an old one by key"](t, w)
	st.spec.Attestations = attestationOf(byKeys(w.keys["ours"])).Attestations
	st.tags[".sig"][0].annotations[annotationCertificate] = "x"
	r, _ := hold(t, st)
	if r.Verdicts[0].Reason != ReasonInvalid || r.Verdicts[1].Reason != ReasonAttestationMissing {
		t.Errorf("got %+v", r.Verdicts)
	}
}

func TestOnlyWhatIsAskedIsLookedFor(t *testing.T) {
	w := theWorld()
	for part, tc := range map[string]struct {
		spec v1alpha1.ArtifactSpec
		want string
	}{
		".sig": {attestationOf(byKeys(w.keys["ours"])), ReasonAttestationMissing},
		".att": {signatureOf(byKeys(w.keys["ours"])), ReasonMissing},
	} {
		s := open(t, ill(part, status(500, "")))
		st := stage{spec: tc.spec}
		s.stock(st)
		if v := s.hold(st).Verdicts[0]; v.Reason != tc.want {
			t.Errorf("got %+v", v)
		}
	}
}

func TestTheFirstTroubleIsTold(t *testing.T) {
	s := open(t, ill("", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/referrers/"):
			w.WriteHeader(http.StatusInternalServerError)
		case strings.HasSuffix(r.URL.Path, ".sig"):
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	v := s.hold(stage{spec: signatureOf(byKeys(theWorld().keys["ours"]))}).Verdicts[0]
	if v.Outcome != verdict.Unknown || !strings.Contains(v.Message, "status 500") {
		t.Errorf("got %+v", v)
	}
}
