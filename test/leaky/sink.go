package leaky

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"github.com/signal-delivery/operator/internal/prober/leaks/fake"
)

// Sink is where something is written.
type Sink string

// Sinks of a service, and of what is around it.
const (
	Log      Sink = "log"
	Sidecar  Sink = "log of a sidecar"
	Previous Sink = "log before a restart"
	Metrics  Sink = "metrics"
	Answer   Sink = "answer"
	Event    Sink = "event"
	Status   Sink = "status"
	Report   Sink = "report"
	Job      Sink = "log of the Job"
	Pod      Sink = "object of the pod"
)

// Sinks are all of them.
func Sinks() []Sink {
	return []Sink{Log, Sidecar, Previous, Metrics, Answer, Event, Status, Report, Job, Pod}
}

// JSON reports whether what is written there is within JSON.
func (s Sink) JSON() bool { return s == Event || s == Status || s == Report || s == Pod }

// line is how a sink writes a text.
func (s Sink) line(text string) string {
	if s == Metrics {
		return "requests_total{path=\"" + strings.ReplaceAll(text, `"`, `\"`) + "\"} 1\n"
	}
	return "2026-01-01T00:00:00.123456789Z INFO request done: " + text + " in 12ms\n"
}

// Encoding is how something is written.
type Encoding string

// Encodings of the service.
const (
	Raw       Encoding = "raw"
	Base64    Encoding = "base64"
	Base64URL Encoding = "base64url"
	Hex       Encoding = "hex"
	JSON      Encoding = "JSON"
	URL       Encoding = "URL"
	Case      Encoding = "case"
	Gzip      Encoding = "gzip"
	Split     Encoding = "split"
	First     Encoding = "first"
	Last      Encoding = "last"
	Masked    Encoding = "masked" // as it should be: four letters are left
)

// Encodings are all of them that leak.
func Encodings() []Encoding {
	return []Encoding{Raw, Base64, Base64URL, Hex, JSON, URL, Case, Gzip, Split, First, Last}
}

// Of writes a secret.
func (e Encoding) Of(s fake.Secret, to Sink) string {
	text := s.Line()
	switch e {
	case Base64:
		return base64.StdEncoding.EncodeToString([]byte("user=" + text))
	case Base64URL:
		return base64.RawURLEncoding.EncodeToString([]byte("é?>" + text))
	case Hex:
		return hex.EncodeToString([]byte(text))
	case JSON:
		return each(text, `\u%04x`)
	case URL:
		return each(text, "%%%02X")
	case Case:
		return strings.Map(swap, text)
	case Gzip:
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Write([]byte(text)) //nolint:errcheck // into memory
		w.Close()
		if to.JSON() || to == Metrics {
			return base64.StdEncoding.EncodeToString(packed.Bytes())
		}
		return packed.String()
	case Split:
		i := strings.Index(text, s.Body) + len(s.Body)/2
		return text[:i] + "\n    " + text[i:]
	case First: // five letters too many, at least
		return s.Lead + s.Body[:max(9, len(s.Body)/2)] + "****"
	case Last:
		return "****" + s.Body[len(s.Body)-7:]
	case Masked:
		return s.Lead + "****" + s.Body[len(s.Body)-4:]
	case Raw:
	}
	return text
}

func each(text, format string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func swap(r rune) rune {
	if unicode.IsUpper(r) {
		return unicode.ToLower(r)
	}
	return unicode.ToUpper(r)
}
