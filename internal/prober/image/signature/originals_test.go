package signature

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func keylessly() v1alpha1.Signer {
	return v1alpha1.Signer{Keyless: &v1alpha1.KeylessIdentity{
		Issuer: ciIssuer, Subject: ciSubject, TrustRoot: v1alpha1.ConfigMapFile{Name: "trust", Key: "trusted_root.json"},
	}}
}

func signatureOf(s v1alpha1.Signer) v1alpha1.ArtifactSpec {
	return v1alpha1.ArtifactSpec{Signatures: []v1alpha1.SignaturePolicy{{Name: "ci", Signer: s}}}
}

func attestationOf(s v1alpha1.Signer, rules ...string) v1alpha1.ArtifactSpec {
	p := v1alpha1.AttestationPolicy{Name: "ci", PredicateType: provenance, Signer: s}
	for _, r := range rules {
		p.Rules = append(p.Rules, v1alpha1.AttestationRule{Expression: r})
	}
	return v1alpha1.ArtifactSpec{Attestations: []v1alpha1.AttestationPolicy{p}}
}

const builtByUs = "predicate.runDetails.builder.id == '" + builderID + "'"

func (w world) trusting(t *testing.T, st stage, without ...string) stage {
	t.Helper()
	trusted := w.root()
	for _, what := range without {
		delete(trusted, what)
	}
	st.files = map[string]string{"trust/trusted_root.json": string(encoded(t, trusted))}
	return st
}

func beside(bundles ...object) []referrer {
	var all []referrer
	for _, b := range bundles {
		all = append(all, referrer{bundle: b})
	}
	return all
}

// originals are stages that pass.
var originals = map[string]func(*testing.T, world) stage{
	"a statement by key": func(t *testing.T, w world) stage {
		t.Helper()
		return stage{
			spec:      signatureOf(byKeys(w.keys["ours"])),
			referrers: beside(w.keyholder("ours").bundle(t, statement(predicateSign, ours, object{}))),
		}
	},
	"a bare one by key": func(t *testing.T, w world) stage {
		t.Helper()
		return stage{spec: signatureOf(byKeys(w.keys["ours"])), referrers: beside(w.keyholder("ours").bare(t, image))}
	},
	"an old one by key": func(t *testing.T, w world) stage {
		t.Helper()
		return stage{spec: signatureOf(byKeys(w.keys["ours"])), tags: map[string][]layer{".sig": {w.keyholder("ours").simple(t, ours)}}}
	},
	"a keyless statement": func(t *testing.T, w world) stage {
		t.Helper()
		return w.trusting(t, stage{
			spec:      signatureOf(keylessly()),
			referrers: beside(w.keyless(t, w.ci()).bundle(t, statement(predicateSign, ours, object{}))),
		}, "timestampAuthorities")
	},
	"a bare keyless one": func(t *testing.T, w world) stage {
		t.Helper()
		return w.trusting(t, stage{spec: signatureOf(keylessly()), referrers: beside(w.keyless(t, w.ci()).bare(t, image))})
	},
	"a stamped one": func(t *testing.T, w world) stage {
		t.Helper()
		return w.trusting(t, stage{spec: signatureOf(keylessly()), referrers: beside(w.keyless(t, w.ci()).bundle(t, statement(predicateSign, ours, object{})))}, "tlogs")
	},
	"an old keyless one": func(t *testing.T, w world) stage {
		t.Helper()
		return w.trusting(t, stage{spec: signatureOf(keylessly()), tags: map[string][]layer{".sig": {w.keyless(t, w.ci()).simple(t, ours)}}}, "timestampAuthorities")
	},
	"an old stamped one": func(t *testing.T, w world) stage {
		t.Helper()
		return w.trusting(t, stage{spec: signatureOf(keylessly()), tags: map[string][]layer{".sig": {w.keyless(t, w.ci()).simple(t, ours)}}}, "tlogs")
	},
	"an attestation by key": func(t *testing.T, w world) stage {
		t.Helper()
		return stage{
			spec:      attestationOf(byKeys(w.keys["ours"]), builtByUs, "predicate.count == 3"),
			referrers: beside(w.keyholder("ours").bundle(t, statement(provenance, ours, built()))),
		}
	},
	"a keyless attestation": func(t *testing.T, w world) stage {
		t.Helper()
		return w.trusting(t, stage{
			spec:      attestationOf(keylessly(), builtByUs),
			referrers: beside(w.keyless(t, w.ci()).bundle(t, statement(provenance, ours, built()))),
		})
	},
	"an old attestation": func(t *testing.T, w world) stage {
		t.Helper()
		return stage{
			spec: attestationOf(byKeys(w.keys["ours"]), builtByUs),
			tags: map[string][]layer{".att": {w.keyholder("ours").attested(t, statement(provenance, ours, built()))}},
		}
	},
	"an old keyless attestation": func(t *testing.T, w world) stage {
		t.Helper()
		return w.trusting(t, stage{
			spec: attestationOf(keylessly(), builtByUs),
			tags: map[string][]layer{".att": {w.keyless(t, w.ci()).attested(t, statement(provenance, ours, built()))}},
		})
	},
}

// passes verifies a stage that is to pass.
func passes(t *testing.T, st stage) {
	t.Helper()
	r, subject := hold(t, st)
	want := ReasonVerified
	if len(st.spec.Attestations) > 0 {
		want = ReasonAttested
	}
	if len(r.Verdicts) != 1 || r.Verdicts[0].Outcome != verdict.Passed || r.Verdicts[0].Reason != want || !strings.Contains(r.Verdicts[0].Message, subject.String()) {
		t.Fatalf("the original does not pass: %s", encoded(t, r.Verdicts))
	}
}

// tampering is something that is done to an original, and what must be said
// of it.
type tampering struct {
	of     string // which original
	do     func(t *testing.T, w world, st *stage)
	reason string
	says   string
}

// refusesAll does each to its original, which passes before.
func refusesAll(t *testing.T, all map[string]tampering) {
	t.Helper()
	for what, tc := range all {
		t.Run(what, func(t *testing.T) {
			w := theWorld()
			st := originals[tc.of](t, w)
			passes(t, st)
			tc.do(t, w, &st)
			r, subject := hold(t, st)
			if len(r.Verdicts) != 1 || r.Signer != "" || r.Builder != "" {
				t.Fatalf("got %+v", r)
			}
			v := r.Verdicts[0]
			if v.Outcome != verdict.Failed || v.Reason != tc.reason || v.Kind != v1alpha1.SignalArtifact || v.Name != "ci" {
				t.Fatalf("want %s: %s", tc.reason, encoded(t, v))
			}
			if found := strings.HasPrefix(v.Evidence.Source, subject.Context().String()+"@sha256:"); found != slices.Contains([]string{ReasonMismatch, ReasonInvalid, ReasonAttestationRefused}, v.Reason) {
				t.Errorf("source %q", v.Evidence.Source)
			}
			if !strings.Contains(v.Message, tc.says) || !strings.Contains(v.Message, subject.String()) || !strings.Contains(v.Message, `"ci"`) {
				t.Errorf("the message says not %q, or not what of: %s", tc.says, v.Message)
			}
		})
	}
}

// at is what a path leads to in JSON.
func at(from any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			from = from.(object)[step]
		case int:
			from = from.([]any)[step]
		}
	}
	return from
}

// in changes the bundle that lies beside the image.
func in(change func(t *testing.T, b object)) func(*testing.T, world, *stage) {
	return func(t *testing.T, _ world, st *stage) { t.Helper(); change(t, st.referrers[0].bundle) }
}

// flip changes one bit of what stands, in base64, at the end of a path.
func flip(path ...any) func(*testing.T, world, *stage) {
	return in(func(t *testing.T, b object) {
		t.Helper()
		parent, key := at(b, path[:len(path)-1]...), path[len(path)-1]
		content := bytesAt(t, b, path...)
		content[len(content)/2] ^= 1
		if i, isIndex := key.(int); isIndex {
			parent.([]any)[i] = content
			return
		}
		parent.(object)[key.(string)] = content
	})
}

func bytesAt(t *testing.T, b object, path ...any) []byte {
	t.Helper()
	var content []byte
	unmarshal(t, encoded(t, at(b, path...)), &content)
	return content
}

func unmarshal(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// signedAnew puts another statement beside the image, signed by the right one.
func signedAnew(what any) func(*testing.T, world, *stage) {
	return func(t *testing.T, w world, st *stage) {
		t.Helper()
		st.referrers = beside(w.keyholder("ours").bundle(t, what))
	}
}

func TestOriginalsPass(t *testing.T) {
	for name, original := range originals {
		t.Run(name, func(t *testing.T) { passes(t, original(t, theWorld())) })
	}
}
