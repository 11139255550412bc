package analysis

import (
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// The last of several series is not taken for the answer, whichever it is.
func TestFailureMode40SeveralSeriesAreNotOne(t *testing.T) {
	for name, series := range map[string][][]float64{"the last is good": {{9}, {0}}, "the last is bad": {{0}, {9}}} {
		t.Run(name, func(t *testing.T) {
			got := Take(t.Context(), fake{series: map[string][][]float64{"new": series}}, bounds{most: "1"}.metric(), app, noon)
			if got.Outcome != verdict.Unknown || got.Reason != ReasonSeveral || got.Value != nil {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A metric that names what is not there is refused, not left out.
func TestFailureMode41AnUnknownMetricPasses(t *testing.T) {
	for name, tc := range map[string]struct {
		metric v1alpha1.Metric
		want   string
	}{
		"a server":   {v1alpha1.Metric{Name: "errors", Server: "other", Query: "x"}, `no metric server is called "other"`},
		"a variable": {v1alpha1.Metric{Name: "errors", Server: "main", Query: "x{a=\"${nothing}\"}"}, "${nothing} is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate(v1alpha1.AnalysisSpec{Metrics: []v1alpha1.Metric{tc.metric}}, []string{"main"})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}
