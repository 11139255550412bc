package verdict

import (
	"bytes"
	"encoding/json"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const (
	maxAnswer   = 4096 // bytes that kubelet keeps of a termination message
	maxVerdicts = 16   // that are read of one
)

// Answer is what a Job answers with, in its termination message. One that
// found an artifact, or measured load, is a JSON object; one of verdicts alone is an array of them.
type Answer struct {
	Digest   string                   `json:"digest,omitempty"`   // that a reference names or a build made, sha256:…
	Artifact *v1alpha1.ArtifactRecord `json:"artifact,omitempty"` // what the digest is
	Load     json.RawMessage          `json:"load,omitempty"`     // what a load test measured
	Verdicts []Verdict                `json:"verdicts,omitempty"`
}

// Encode is the answer as JSON that fits a termination message. The last
// verdict, which decided, stays: the first go, and at need its own words.
func (a Answer) Encode() []byte {
	a.Verdicts = a.Verdicts[max(0, len(a.Verdicts)-maxVerdicts):]
	text := a.encode()
	for len(text) > maxAnswer && len(a.Verdicts) > 1 {
		a.Verdicts = a.Verdicts[1:]
		text = a.encode()
	}
	for limit := 1024; len(text) > maxAnswer && limit >= 8 && len(a.Verdicts) == 1; limit /= 2 {
		a.Verdicts = []Verdict{clipped(a.Verdicts[0], limit)}
		text = a.encode()
	}
	return text
}

// Read is the answer that a termination message holds. What is not whole, or
// has more than is taken of one Job, is not trusted: no answer.
func Read(message string) (Answer, bool) {
	text := bytes.TrimSpace([]byte(message))
	if len(text) > maxAnswer || len(text) == 0 {
		return Answer{}, false
	}
	var a Answer
	var into any = &a
	if text[0] == '[' {
		into = &a.Verdicts
	}
	if json.Unmarshal(text, into) != nil || len(a.Verdicts) > maxVerdicts {
		return Answer{}, false
	}
	for _, v := range a.Verdicts {
		if v.Outcome != Passed && v.Outcome != Failed && v.Outcome != Unknown {
			return Answer{}, false
		}
	}
	return a, true
}

// clipped is a verdict with shorter words.
func clipped(v Verdict, limit int) Verdict {
	v.Message = Clip(v.Message, limit)
	if v.Evidence != nil {
		e := *v.Evidence
		e.Query, e.Threshold, e.Source = Clip(e.Query, limit), Clip(e.Threshold, limit), Clip(e.Source, limit)
		v.Evidence = &e
	}
	return v
}

func (a Answer) encode() []byte {
	var what any = a
	if a.Digest == "" && a.Artifact == nil && a.Load == nil {
		what = append([]Verdict{}, a.Verdicts...)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(what); err != nil {
		panic("verdict: encode an answer: " + err.Error()) // strings always encode
	}
	return bytes.TrimSpace(text.Bytes())
}
