package signature

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/tlog"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const (
	payloadType = "application/vnd.in-toto+json"
	provenance  = "https://slsa.dev/provenance/v1"
	builderID   = "https://ci.example/builder"
)

// hand is who signs: the holder of a key, or of a certificate for one.
type hand struct {
	key         crypto.Signer
	hash        crypto.Hash // absent: SHA-256
	certificate *x509.Certificate
	hint        string
	log         *tlogger // absent: nothing is logged
	stamp       func([]byte) ([]byte, error)
}

// tlogger writes entries of a transparency log.
type tlogger struct {
	sign interface {
		RekorSignPayload(tlog.RekorPayload) ([]byte, error)
		RekorLogID() (string, error)
	}
	at time.Time
}

func (w world) keyholder(name string) hand {
	sum := sha256.Sum256(der(w.keys[name]))
	return hand{key: w.keys[name], hint: base64.StdEncoding.EncodeToString(sum[:])}
}

// keyless signs with a certificate, and has it logged and stamped.
func (w world) keyless(t *testing.T, l leaf) hand {
	t.Helper()
	certificate, key := l.issue(t)
	return hand{key: key, certificate: certificate, log: &tlogger{w.log, time.Now()}, stamp: w.log.TimestampResponse}
}

func (h hand) sign(t *testing.T, message []byte) []byte {
	t.Helper()
	if h.hash == 0 {
		h.hash = crypto.SHA256
	}
	return signed(t, h.key, message, h.hash)
}

func (h hand) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.certificate.Raw})
}

func sha(content []byte) object {
	sum := sha256.Sum256(content)
	return object{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
}

func encoded(t *testing.T, what any) []byte {
	t.Helper()
	return must(json.Marshal(what))(t)
}

// statement is one that is signed.
func statement(predicateType, digest string, predicate any) object {
	return object{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": predicateType, "predicate": predicate,
		"subject": []any{object{"name": "acme/app", "digest": object{"sha256": digest[len("sha256:"):]}}},
	}
}

func built() object {
	return object{"runDetails": object{"builder": object{"id": builderID}}, "count": 3, "sources": []any{"https://git.example/acme/app"}}
}

// envelope is a DSSE envelope around it, and its entry of the log.
func (h hand) envelope(t *testing.T, what any) (envelope object, body []byte) {
	t.Helper()
	payload, isRaw := what.([]byte)
	if !isRaw {
		payload = encoded(t, what)
	}
	mark := h.sign(t, fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload))
	envelope = object{"payload": payload, "payloadType": payloadType, "signatures": []any{object{"sig": mark}}}
	if h.log != nil {
		body = encoded(t, object{"apiVersion": "0.0.1", "kind": "dsse", "spec": object{
			"envelopeHash": sha(encoded(t, envelope)), "payloadHash": sha(payload),
			"signatures": []any{object{"signature": mark, "verifier": h.pem()}},
		}})
	}
	return envelope, body
}

// bundle is a Sigstore bundle of a signed statement.
func (h hand) bundle(t *testing.T, what any) object {
	t.Helper()
	envelope, body := h.envelope(t, what)
	return jsonOf(t, object{
		"mediaType": mediaNew, "dsseEnvelope": envelope,
		"verificationMaterial": h.material(t, "dsse", body, envelope["signatures"].([]any)[0].(object)["sig"].([]byte)),
	})
}

// bare is a Sigstore bundle of a signature over something of that digest.
func (h hand) bare(t *testing.T, content []byte) object {
	t.Helper()
	mark := h.sign(t, content)
	sum := sha256.Sum256(content)
	var body []byte
	if h.log != nil {
		body = h.hashed(t, content, mark)
	}
	return jsonOf(t, object{
		"mediaType": mediaNew, "verificationMaterial": h.material(t, "hashedrekord", body, mark),
		"messageSignature": object{"messageDigest": object{"algorithm": "SHA2_256", "digest": sum[:]}, "signature": mark},
	})
}

func (h hand) hashed(t *testing.T, content, mark []byte) []byte {
	t.Helper()
	return encoded(t, object{"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": object{
		"data": object{"hash": sha(content)}, "signature": object{"content": mark, "publicKey": object{"content": h.pem()}},
	}})
}

func (h hand) material(t *testing.T, kind string, body, mark []byte) object {
	t.Helper()
	if h.certificate == nil {
		return object{"publicKey": object{"hint": h.hint}}
	}
	material := object{"certificate": object{"rawBytes": h.certificate.Raw}}
	if h.log != nil {
		promise, id := h.log.promise(t, body)
		material["tlogEntries"] = []any{object{
			"logIndex": "1", "logId": object{"keyId": id}, "kindVersion": object{"kind": kind, "version": "0.0.1"},
			"integratedTime": fmt.Sprint(h.log.at.Unix()), "inclusionPromise": object{"signedEntryTimestamp": promise},
			"inclusionProof": included(t, body), "canonicalizedBody": body,
		}}
	}
	if h.stamp != nil {
		material["timestampVerificationData"] = object{"rfc3161Timestamps": []any{object{"signedTimestamp": must(h.stamp(mark))(t)}}}
	}
	return material
}

func (l tlogger) promise(t *testing.T, body []byte) (promise, id []byte) {
	t.Helper()
	name := must(l.sign.RekorLogID())(t)
	return must(l.sign.RekorSignPayload(tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(body), IntegratedTime: l.at.Unix(), LogIndex: 1, LogID: name,
	}))(t), must(hex.DecodeString(name))(t)
}

// included is the proof that a tree of two holds the entry.
func included(t *testing.T, body []byte) object {
	t.Helper()
	p := must(theWorld().log.GetInclusionProof(body))(t)
	hashes := []any{}
	for _, h := range p.Hashes {
		hashes = append(hashes, must(hex.DecodeString(h))(t))
	}
	return object{
		"logIndex": "0", "treeSize": fmt.Sprint(*p.TreeSize), "hashes": hashes,
		"rootHash": must(hex.DecodeString(*p.RootHash))(t), "checkpoint": object{"envelope": *p.Checkpoint},
	}
}

// simple is cosign's older signature.
func (h hand) simple(t *testing.T, digest string) layer {
	t.Helper()
	return h.over(t, encoded(t, object{"optional": nil, "critical": object{
		"identity": object{"docker-reference": ""}, "image": object{"docker-manifest-digest": digest}, "type": typeSimple,
	}}))
}

func (h hand) over(t *testing.T, payload []byte) layer {
	t.Helper()
	mark := h.sign(t, payload)
	l := layer{payload, mediaSimple, map[string]string{annotationSignature: base64.StdEncoding.EncodeToString(mark)}}
	if h.certificate != nil {
		h.annotate(t, l, h.hashed(t, payload, mark), mark)
	}
	return l
}

// attested is cosign's older attestation.
func (h hand) attested(t *testing.T, what any) layer {
	t.Helper()
	envelope, body := h.envelope(t, what)
	l := layer{encoded(t, envelope), mediaEnvelope, map[string]string{annotationSignature: ""}}
	if h.certificate != nil {
		h.annotate(t, l, body, envelope["signatures"].([]any)[0].(object)["sig"].([]byte))
	}
	return l
}

func (h hand) annotate(t *testing.T, l layer, body, mark []byte) {
	t.Helper()
	l.annotations[annotationCertificate] = string(h.pem())
	promise, id := h.log.promise(t, body)
	l.annotations[annotationLog] = string(encoded(t, object{"SignedEntryTimestamp": promise, "Payload": object{
		"body": body, "integratedTime": h.log.at.Unix(), "logIndex": 1, "logID": hex.EncodeToString(id),
	}}))
	if h.stamp != nil {
		l.annotations[annotationTimestamp] = string(encoded(t, object{"SignedRFC3161Timestamp": must(h.stamp(mark))(t)}))
	}
}

func jsonOf(t *testing.T, what object) object {
	t.Helper()
	var plain object
	if err := json.Unmarshal(encoded(t, what), &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func byKeys(all ...crypto.Signer) v1alpha1.Signer {
	var s v1alpha1.Signer
	for _, k := range all {
		s.PublicKeys = append(s.PublicKeys, v1alpha1.PublicKey{PEM: public(k)})
	}
	return s
}
