package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
)

// What cosign wrote before there were bundles: signatures and envelopes as the
// layers of an image, and what verifies them in annotations.
const (
	mediaSimple   = "application/vnd.dev.cosign.simplesigning.v1+json"
	mediaEnvelope = "application/vnd.dsse.envelope.v1+json"

	annotationSignature   = "dev.cosignproject.cosign/signature"
	annotationCertificate = "dev.sigstore.cosign/certificate"
	annotationLog         = "dev.sigstore.cosign/bundle"
	annotationTimestamp   = "dev.sigstore.cosign/rfc3161timestamp"

	typeSimple = "cosign container image signature"

	// mediaOld is the bundle that needs no more than the log's promise, which
	// is all that the annotations have.
	mediaOld = "application/vnd.dev.sigstore.bundle+json;version=0.1"
)

// fromSimple reads a signature over a payload that names the digest.
func fromSimple(source string, payload []byte, annotations map[string]string, about v1.Hash) candidate {
	var said struct {
		Critical struct {
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
			Type string `json:"type"`
		} `json:"critical"`
	}
	if err := json.Unmarshal(payload, &said); err != nil || said.Critical.Type != typeSimple {
		return broken(source, predicateSign, "its payload is not that of a cosign signature")
	}
	if said.Critical.Image.Digest != about.String() {
		return broken(source, predicateSign, "it signs another digest, %s", shown(said.Critical.Image.Digest))
	}
	signed, err := base64.StdEncoding.DecodeString(annotations[annotationSignature])
	if err != nil || len(signed) == 0 {
		return broken(source, predicateSign, "its annotation %s holds no signature", annotationSignature)
	}
	sum := sha256.Sum256(payload)
	c := fromAnnotations(source, annotations, about, &protobundle.Bundle{Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
		MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]}, Signature: signed,
	}}})
	c.payload, c.predicate = payload, predicateSign
	return c
}

// fromEnvelope reads an envelope around a statement.
func fromEnvelope(source string, content []byte, annotations map[string]string, about v1.Hash) candidate {
	var said struct {
		PayloadType string `json:"payloadType"`
		Payload     []byte `json:"payload"`
		Signatures  []struct {
			KeyID string `json:"keyid"`
			Sig   []byte `json:"sig"`
		} `json:"signatures"`
	}
	if err := json.Unmarshal(content, &said); err != nil {
		return broken(source, "", "it is no envelope of a statement")
	}
	envelope := &protodsse.Envelope{PayloadType: said.PayloadType, Payload: said.Payload}
	for _, s := range said.Signatures {
		envelope.Signatures = append(envelope.Signatures, &protodsse.Signature{Keyid: s.KeyID, Sig: s.Sig})
	}
	return fromAnnotations(source, annotations, about, &protobundle.Bundle{Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: envelope}})
}

// fromAnnotations makes a bundle of what the annotations hold.
func fromAnnotations(source string, annotations map[string]string, about v1.Hash, made *protobundle.Bundle) candidate {
	material, err := verifiable(annotations)
	if err != nil {
		return broken(source, "", "%s", shown(err.Error()))
	}
	made.MediaType, made.VerificationMaterial = mediaOld, material
	entity, err := bundle.NewBundle(made)
	if err != nil {
		return broken(source, "", "what verifies it cannot be read: %s", shown(err.Error()))
	}
	return fromEntity(source, entity, about)
}

// verifiable is what the annotations have to verify a signature by.
func verifiable(annotations map[string]string) (*protobundle.VerificationMaterial, error) {
	m := &protobundle.VerificationMaterial{Content: &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{}}}
	if text := annotations[annotationCertificate]; text != "" {
		block, rest := pem.Decode([]byte(text))
		if block == nil || block.Type != "CERTIFICATE" || strings.TrimSpace(string(rest)) != "" {
			return nil, fmt.Errorf("its annotation %s holds no certificate", annotationCertificate)
		}
		m.Content = &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: block.Bytes}}
	}
	if text := annotations[annotationLog]; text != "" {
		entry, err := logEntry(text)
		if err != nil {
			return nil, fmt.Errorf("its annotation %s holds no entry of a log: %w", annotationLog, err)
		}
		m.TlogEntries = []*protorekor.TransparencyLogEntry{entry}
	}
	if text := annotations[annotationTimestamp]; text != "" {
		var said struct {
			Timestamp []byte `json:"SignedRFC3161Timestamp"`
		}
		if err := json.Unmarshal([]byte(text), &said); err != nil {
			return nil, fmt.Errorf("its annotation %s holds no timestamp", annotationTimestamp)
		}
		m.TimestampVerificationData = &protobundle.TimestampVerificationData{Rfc3161Timestamps: []*protocommon.RFC3161SignedTimestamp{{SignedTimestamp: said.Timestamp}}}
	}
	return m, nil
}

// logEntry is an entry of a transparency log, with the log's promise to
// include it.
func logEntry(text string) (*protorekor.TransparencyLogEntry, error) {
	var said struct {
		Promise []byte `json:"SignedEntryTimestamp"`
		Payload struct {
			Body           []byte `json:"body"`
			IntegratedTime int64  `json:"integratedTime"`
			LogIndex       int64  `json:"logIndex"`
			LogID          string `json:"logID"`
		} `json:"Payload"`
	}
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return nil, errors.New("it is not JSON of one")
	}
	var body struct {
		Kind    string `json:"kind"`
		Version string `json:"apiVersion"`
	}
	if err := json.Unmarshal(said.Payload.Body, &body); err != nil {
		return nil, errors.New("its body is not JSON")
	}
	log, err := hex.DecodeString(said.Payload.LogID)
	if err != nil {
		return nil, errors.New("its log has no readable name")
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex: said.Payload.LogIndex, LogId: &protocommon.LogId{KeyId: log},
		KindVersion:       &protorekor.KindVersion{Kind: body.Kind, Version: body.Version},
		IntegratedTime:    said.Payload.IntegratedTime,
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: said.Promise},
		CanonicalizedBody: said.Payload.Body,
	}, nil
}
