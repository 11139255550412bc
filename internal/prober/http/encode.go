package httpprobe

import (
	"bytes"
	"encoding/json"

	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	maxAnswer   = 4096 // bytes that kubelet keeps of a termination message
	maxVerdicts = 16   // that are read of one
)

// Encode is the verdicts as a JSON array that fits a termination message. The
// last, which decided, stays: the first go, and at need its own words.
func Encode(verdicts []verdict.Verdict) []byte {
	verdicts = verdicts[max(0, len(verdicts)-maxVerdicts):]
	text := encode(verdicts)
	for len(text) > maxAnswer && len(verdicts) > 1 {
		verdicts = verdicts[1:]
		text = encode(verdicts)
	}
	for limit := 1024; len(text) > maxAnswer && limit >= 8; limit /= 2 {
		text = encode([]verdict.Verdict{clipped(verdicts[0], limit)})
	}
	return text
}

// clipped is a verdict with shorter words.
func clipped(v verdict.Verdict, limit int) verdict.Verdict {
	v.Message = verdict.Clip(v.Message, limit)
	if v.Evidence != nil {
		e := *v.Evidence
		e.Query, e.Threshold, e.Source = verdict.Clip(e.Query, limit), verdict.Clip(e.Threshold, limit), verdict.Clip(e.Source, limit)
		v.Evidence = &e
	}
	return v
}

func encode(verdicts []verdict.Verdict) []byte {
	if len(verdicts) == 0 {
		return []byte("[]")
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(verdicts); err != nil {
		panic("httpprobe: encode verdicts: " + err.Error()) // strings always encode
	}
	return bytes.TrimSpace(text.Bytes())
}
