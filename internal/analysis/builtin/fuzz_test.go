package builtin

import (
	"math"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/value"
)

// FuzzParse holds that whatever a target answers, the operator lives, and what
// it keeps is within the limits, valid, and the target's own.
func FuzzParse(f *testing.F) {
	for _, accepted := range []string{"text/plain", "application/openmetrics-text;version=1.0.0", accept} {
		body, contentType := exposedTo(accepted)
		f.Add(body, contentType)
		f.Add(body[:len(body)/2], contentType)
	}
	f.Add([]byte("a{x=\"\\\n"), plain)
	f.Add([]byte("\xff\xff\xff\xff\x0f"), protobuf)
	limits := Limits{Samples: 50, Labels: 14, Label: 100, Buckets: 20}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		r := readerOf(limits)
		for range 2 {
			b, failed := r.parse(body, contentType)
			if failed != nil {
				r.settle(nil)
				continue
			}
			if b.added > limits.Samples || len(b.samples) > b.added {
				t.Fatalf("%d samples are kept, %d added", len(b.samples), b.added)
			}
			for _, s := range append(b.samples, b.zeros...) {
				if !s.Labels.IsValid(model.UTF8Validation) || s.Labels.Len() > limits.Labels || s.Labels.Get("pod") != "a" || s.Labels.Get("track") != "candidate" {
					t.Fatalf("labels %s", s.Labels)
				}
				if value.IsStaleNaN(s.Value) || s.Histogram != nil && (s.Histogram.Validate() != nil || value.IsStaleNaN(s.Histogram.Sum)) {
					t.Fatalf("%s is %x %v", s.Labels, math.Float64bits(s.Value), s.Histogram)
				}
			}
			r.settle(b)
			if again, failed := r.parse(body, contentType); failed != nil || len(again.zeros) > 0 || len(r.gone(again)) > 0 {
				t.Fatalf("the same exposition is not the same again: %v", failed)
			}
		}
	})
}
