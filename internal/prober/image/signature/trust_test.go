package signature

import (
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func TestTrustThatCannotBeUsed(t *testing.T) {
	const file = "trust/trusted_root.json"
	root := func(content string) func(*testing.T, world, *stage) {
		return func(_ *testing.T, _ world, st *stage) { st.files[file] = content }
	}
	changed := func(change func(w world, r object)) func(*testing.T, world, *stage) {
		return func(t *testing.T, w world, st *stage) {
			t.Helper()
			r := w.root()
			change(w, r)
			st.files[file] = string(encoded(t, r))
		}
	}
	named := func(name, key string) func(*testing.T, world, *stage) {
		return asking(func(k *v1alpha1.KeylessIdentity) { k.TrustRoot = v1alpha1.ConfigMapFile{Name: name, Key: key} })
	}
	of := "a bare keyless one"
	refusesAll(t, map[string]tampering{
		"no ConfigMap":           {of, named("absent", "trusted_root.json"), ReasonTrustUnusable, `ConfigMap "absent" with key "trusted_root.json" is not there`},
		"no such key":            {of, named("trust", "absent"), ReasonTrustUnusable, `ConfigMap "trust" with key "absent" is not there`},
		"a key that leads out":   {of, named("..", "trust"), ReasonTrustUnusable, `key "trust" of ConfigMap ".." cannot be read`},
		"a folder":               {of, named("trust", ".."), ReasonTrustUnusable, `key ".." of ConfigMap "trust" cannot be read`},
		"an empty file":          {of, root(""), ReasonTrustUnusable, `key "trusted_root.json" of ConfigMap "trust" is no trusted_root.json`},
		"an empty object":        {of, root("{}"), ReasonTrustUnusable, "is no trusted_root.json"},
		"no JSON":                {of, root("trust me"), ReasonTrustUnusable, "is no trusted_root.json"},
		"a huge one":             {of, root(strings.Repeat(" ", maxFile+1)), ReasonTrustUnusable, "cannot be read"},
		"of another media type":  {of, changed(func(_ world, r object) { r["mediaType"] = "application/json" }), ReasonTrustUnusable, "is no trusted_root.json"},
		"without authorities":    {of, changed(func(_ world, r object) { delete(r, "certificateAuthorities") }), ReasonTrustUnusable, "nobody vouches"},
		"without log and stamps": {of, changed(func(_ world, r object) { delete(r, "tlogs"); delete(r, "timestampAuthorities") }), ReasonTrustUnusable, "nobody says when"},
		"an authority of no certificate": {of, changed(func(_ world, r object) {
			r["certificateAuthorities"] = []any{object{"certChain": object{}}}
		}), ReasonTrustUnusable, "is no trusted_root.json"},
		"another authority alone": {of, changed(func(w world, r object) {
			r["certificateAuthorities"] = []any{chain(object{}, w.otherFulcio.between, w.otherFulcio.top)}
		}), ReasonInvalid, "of no authority"},
		"an authority of the past": {of, changed(func(_ world, r object) {
			at(r, "certificateAuthorities", 0).(object)["validFor"] = object{"start": "2020-01-01T00:00:00Z", "end": "2020-02-01T00:00:00Z"}
		}), ReasonInvalid, "of no authority"},
		"another certificate log": {of, changed(func(w world, r object) {
			r["ctlogs"] = []any{logOf(object{"start": "2020-01-01T00:00:00Z"}, der(w.otherCerts))}
		}), ReasonInvalid, "no certificate log"},
		"another log": {of, changed(func(w world, r object) {
			r["tlogs"] = []any{logOf(object{"start": "2020-01-01T00:00:00Z"}, der(w.otherCerts))}
		}), ReasonInvalid, "no transparency log"},
		"neither key nor identity": {of, func(_ *testing.T, _ world, st *stage) { st.spec.Signatures[0].Signer.Keyless = nil }, ReasonTrustUnusable, "exactly one of"},
		"both": {of, func(_ *testing.T, w world, st *stage) {
			st.spec.Signatures[0].Signer.PublicKeys = byKeys(w.keys["ours"]).PublicKeys
		}, ReasonTrustUnusable, "exactly one of"},
	})
}

func TestKeysThatCannotBeUsed(t *testing.T) {
	of := "a statement by key"
	given := func(text func(*testing.T, world) string) func(*testing.T, world, *stage) {
		return func(t *testing.T, w world, st *stage) {
			t.Helper()
			st.spec.Signatures[0].Signer.PublicKeys[0].PEM = text(t, w)
		}
	}
	filed := func(file, content string) func(*testing.T, world, *stage) {
		return func(t *testing.T, _ world, st *stage) {
			t.Helper()
			st.files = map[string]string{file: content}
			st.spec.Signatures[0].Signer.PublicKeys = append(st.spec.Signatures[0].Signer.PublicKeys, v1alpha1.PublicKey{ConfigMap: &v1alpha1.ConfigMapFile{Name: "keys", Key: "ci.pub"}})
		}
	}
	private := func(t *testing.T, w world) string {
		t.Helper()
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(w.keys["ours"]))(t)}))
	}
	refusesAll(t, map[string]tampering{
		"a private key": {of, given(private), ReasonTrustUnusable, "publicKeys[0].pem is not a public key but a private key"},
		"a certificate": {of, given(func(t *testing.T, w world) string { t.Helper(); return string(w.keyless(t, w.ci()).pem()) }), ReasonTrustUnusable, "but a certificate"},
		"words":         {of, given(func(*testing.T, world) string { return "ours" }), ReasonTrustUnusable, "is not PEM"},
		"two keys": {of, given(func(_ *testing.T, w world) string {
			return public(w.keys["ours"]) + public(w.keys["other"])
		}), ReasonTrustUnusable, "something after the public key"},
		"a weak curve": {of, given(func(*testing.T, world) string { return public(curve(elliptic.P224())) }), ReasonTrustUnusable, "P-224"},
		"a short key": {of, given(func(t *testing.T, _ world) string {
			t.Helper()
			return public(must(rsa.GenerateKey(rand.Reader, 1024))(t))
		}), ReasonTrustUnusable, "1024 bits"},
		"one that is missing":  {of, filed("keys/other.pub", "x"), ReasonTrustUnusable, `ConfigMap "keys" with key "ci.pub" is not there`},
		"one that is broken":   {of, filed("keys/ci.pub", "x"), ReasonTrustUnusable, `key "ci.pub" of ConfigMap "keys" is not PEM`},
		"one that is no bytes": {of, filed("keys/ci.pub", ""), ReasonTrustUnusable, `key "ci.pub" of ConfigMap "keys" is not PEM`},
	})
}

func TestFilesNeverLeaveTheirFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := mounted(t, map[string]string{"keys/ci.pub": "key"})
	if err := os.Symlink(filepath.Join(dir, "secret"), filepath.Join(string(inside), "keys", "link")); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"ci.pub": "key", "link": "", "../../secret": ""} {
		if content, err := inside.read(v1alpha1.ConfigMapFile{Name: "keys", Key: key}); string(content) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", key, content, err)
		}
	}
	if _, err := Files(filepath.Join(dir, "absent")).read(v1alpha1.ConfigMapFile{Name: "keys", Key: "ci.pub"}); err == nil {
		t.Error("read without a folder")
	}
}

func TestAPolicyOfNoUseIsNamed(t *testing.T) {
	w := theWorld()
	st := originals["an attestation by key"](t, w)
	st.spec.Signatures = []v1alpha1.SignaturePolicy{{Name: "nobody"}}
	st.spec.Attestations[0].Signer = v1alpha1.Signer{}
	r, _ := hold(t, st)
	for i, want := range []string{"spec.artifact.signatures", "spec.artifact.attestations"} {
		if v := r.Verdicts[i]; v.Reason != ReasonTrustUnusable || v.Evidence.Source != want {
			t.Errorf("got %+v", v)
		}
	}
}
