package signature

import (
	"bytes"
	"testing"
)

func TestWhatIsNoBundle(t *testing.T) {
	holding := func(content string) func(*testing.T, world, *stage) {
		return func(_ *testing.T, _ world, st *stage) { st.referrers = []referrer{{content: []byte(content)}} }
	}
	bundled := func(change func(all []byte) []byte) func(*testing.T, world, *stage) {
		return func(t *testing.T, _ world, st *stage) {
			t.Helper()
			st.referrers[0].content = change(st.referrers[0].body(t))
		}
	}
	with := func(key string, value any) func(*testing.T, world, *stage) {
		return in(func(_ *testing.T, b object) { b[key] = value })
	}
	without := func(key string) func(*testing.T, world, *stage) {
		return in(func(_ *testing.T, b object) { delete(b, key) })
	}
	typed := func(artifact, media string) func(*testing.T, world, *stage) {
		return func(_ *testing.T, _ world, st *stage) {
			st.referrers[0].artifact, st.referrers[0].media = artifact, media
		}
	}
	refusesAll(t, map[string]tampering{
		"nothing at all":     {"a statement by key", func(_ *testing.T, _ world, st *stage) { st.referrers = nil }, ReasonMissing, "sign this digest"},
		"an empty bundle":    {"a statement by key", holding(" "), ReasonInvalid, "no Sigstore bundle"},
		"an empty object":    {"a statement by key", holding("{}"), ReasonInvalid, "no Sigstore bundle"},
		"no JSON":            {"a statement by key", holding("signed by us"), ReasonInvalid, "no Sigstore bundle"},
		"null":               {"a statement by key", holding("null"), ReasonInvalid, "no Sigstore bundle"},
		"half of it":         {"a statement by key", bundled(func(all []byte) []byte { return all[:len(all)/2] }), ReasonInvalid, "no Sigstore bundle"},
		"something after it": {"a statement by key", bundled(func(all []byte) []byte { return append(all, "{}"...) }), ReasonInvalid, "no Sigstore bundle"},
		"huge, and good at first": {"a statement by key", bundled(func(all []byte) []byte {
			return append(all, bytes.Repeat([]byte(" "), maxBlob+1-len(all))...)
		}), ReasonInvalid, "larger than 1048576 bytes"},
		"huge, and not to be had": {"a statement by key", both(bundled(func(all []byte) []byte {
			return append(all, bytes.Repeat([]byte(" "), maxBlob+1-len(all))...)
		}), func(_ *testing.T, _ world, st *stage) { st.gone = true }), ReasonInvalid, "larger than 1048576 bytes"},
		"of another version":    {"a statement by key", with("mediaType", "application/vnd.dev.sigstore.bundle.v0.4+json"), ReasonInvalid, "no Sigstore bundle"},
		"of another media type": {"a statement by key", with("mediaType", "application/json"), ReasonInvalid, "no Sigstore bundle"},
		"of no media type":      {"a statement by key", without("mediaType"), ReasonInvalid, "no Sigstore bundle"},
		"of an unknown field":   {"a statement by key", with("trusted", true), ReasonInvalid, "no Sigstore bundle"},
		"without content":       {"a statement by key", without("dsseEnvelope"), ReasonInvalid, "no Sigstore bundle"},
		"without material":      {"a statement by key", without("verificationMaterial"), ReasonInvalid, "no Sigstore bundle"},
		"without an envelope":   {"a statement by key", with("dsseEnvelope", object{}), ReasonInvalid, "holds no"},
		"with both contents": {
			"a statement by key", with("messageSignature", object{"signature": "AAAA"}), ReasonInvalid, "no Sigstore bundle",
		},
		"listed, but gone": {"a statement by key", func(_ *testing.T, _ world, st *stage) { st.gone = true }, ReasonInvalid, "listed but not there"},
		"a referrer of another image": {
			"a statement by key", func(_ *testing.T, _ world, st *stage) { st.referrers[0].subject = theirs }, ReasonInvalid, "refers to another image",
		},
		"a referrer of nothing": {
			"a statement by key", func(_ *testing.T, _ world, st *stage) { st.referrers[0].copies = -1 }, ReasonInvalid, "holds no Sigstore bundle",
		},
		"two layers of another type": {
			"a statement by key", func(_ *testing.T, _ world, st *stage) {
				st.referrers[0].copies, st.referrers[0].media = 1, "text/plain"
			}, ReasonInvalid, "holds no Sigstore bundle",
		},
		"an artifact of another type": {"a statement by key", typed("application/spdx+json", mediaNew), ReasonMissing, "sign this digest"},
		"a layer of another type":     {"a statement by key", typed("application/vnd.oci.empty.v1+json", "text/plain"), ReasonMissing, "sign this digest"},
		"named nearly so":             {"a statement by key", typed("application/vnd.dev.sigstore", "application/vnd.dev.sigstore"), ReasonMissing, "sign this digest"},
	})
}

func TestAWholeMegabyteIsRead(t *testing.T) {
	w := theWorld()
	st := originals["a statement by key"](t, w)
	all := st.referrers[0].body(t)
	all = append(all, bytes.Repeat([]byte(" "), maxBlob-len(all))...)
	st.referrers[0].content = all
	passes(t, st)
}

func TestBundlesAreKnownByTheirLayerToo(t *testing.T) {
	for name, artifact := range map[string]string{
		"an empty artifact": "application/vnd.oci.empty.v1+json", "an image's": "application/vnd.oci.image.config.v1+json",
		"another version": "application/vnd.dev.sigstore.bundle+json;version=0.3",
	} {
		t.Run(name, func(t *testing.T) {
			st := originals["a statement by key"](t, theWorld())
			st.referrers[0].artifact = artifact
			passes(t, st)
		})
	}
	t.Run("or by the artifact alone", func(t *testing.T) {
		st := originals["a statement by key"](t, theWorld())
		st.referrers[0].media = "application/octet-stream"
		passes(t, st)
	})
}
