package slo

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

func TestValidate(t *testing.T) {
	servers := []string{"default", "built-in"}
	matchers := func(text string) v1alpha1.SLO {
		return available(func(s *v1alpha1.SLO) { s.Operation.Matchers = text })
	}
	failed := func(text string) v1alpha1.SLO {
		return available(func(s *v1alpha1.SLO) { s.Availability.Failed = text })
	}
	const owner = `, which says whose series they are: the operator does`
	for name, tc := range map[string]struct {
		slo  v1alpha1.SLO
		want string // how the error begins and, after "…", ends
	}{
		"nothing but an objective":   {available(), ""},
		"matchers":                   {matchers(`method="POST",tenant!~"test|dev"`), ""},
		"a latency":                  {fast(), ""},
		"a server by name":           {available(func(s *v1alpha1.SLO) { s.Server = "default" }), ""},
		"a server that there is not": {available(func(s *v1alpha1.SLO) { s.Server = "mimir" }), `spec.analysis.slos[1].server (objective "api"): there is no metric server "mimir": there are default, built-in`},
		"matchers without a comma":   {matchers(`a="b" c="d"`), `spec.analysis.slos[1].operation.matchers (objective "api"): are not PromQL label matchers: `},
		"a regular expression":       {matchers(`a=~"("`), `spec.analysis.slos[1].operation.matchers (objective "api"): are not PromQL label matchers: `},
		"more than a selector":       {matchers(`a="b"} or x{c="d"`), `spec.analysis.slos[1].operation.matchers (objective "api"): are not PromQL label matchers: `},
		"a comment":                  {matchers(`a="b" #"`), `spec.analysis.slos[1].operation.matchers (objective "api"): are not PromQL label matchers: `},
		"a template":                 {matchers(`a="{{.}}"`), `spec.analysis.slos[1].operation.matchers (objective "api"): must not contain '{{'`},
		"someone else's namespace":   {matchers(`namespace="x"`), `spec.analysis.slos[1].operation.matchers (objective "api"): must not match the label namespace` + owner},
		"another release":            {matchers(`delivery_signal_dev_release!="x"`), `spec.analysis.slos[1].operation.matchers (objective "api"): must not match the label delivery_signal_dev_release` + owner},
		"a bucket":                   {matchers(`le="1"`), `spec.analysis.slos[1].operation.matchers (objective "api"): must not match the label le` + owner},
		"another metric":             {matchers(`__name__="x"`), `spec.analysis.slos[1].operation.matchers (objective "api"): `},
		"a counter called inf":       {available(func(s *v1alpha1.SLO) { s.Availability.Counter = "inf" }), `spec.analysis.slos[1].availability.counter (objective "api"): is not the name of a PromQL metric: `},
		"a histogram called nan":     {fast(func(s *v1alpha1.SLO) { s.Latency.Histogram = "nan" }), `spec.analysis.slos[1].latency.histogram (objective "fast"): is not the name of a PromQL metric: `},
		"a counter called sum":       {available(func(s *v1alpha1.SLO) { s.Availability.Counter = "sum" }), ""},
		"failures":                   {failed(`result=~"error|timeout"`), ""},
		"failures that are none":     {failed(`result=~"["`), `spec.analysis.slos[1].availability.failed (objective "api"): are not PromQL label matchers: `},
		"failures of another track":  {failed(`track="stable"`), `spec.analysis.slos[1].availability.failed (objective "api"): must not match the label track` + owner},
	} {
		t.Run(name, func(t *testing.T) {
			err := Validate([]v1alpha1.SLO{fast(), tc.slo}, servers)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)):
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

// A budget is what the objective leaves, without the noise of floats.
func TestBudgetOf(t *testing.T) {
	for objective, want := range map[string]float64{"99.9": 0.001, "99.99": 0.0001, "99.999999": 0.00000001, "95": 0.05, "50": 0.5, "0.1": 0.999} {
		s := available(func(s *v1alpha1.SLO) { s.Objective = intstr.FromString(objective) })
		if got := budget(s); got != want {
			t.Errorf("%s: %v, want %v", objective, got, want)
		}
	}
}

func TestOperation(t *testing.T) {
	for want, o := range map[string]v1alpha1.SLOOperation{
		"all":                        {},
		"/v1/signals":                {Route: "/v1/signals"},
		"signals.v1.Signals/Publish": {GRPCMethod: "signals.v1.Signals/Publish"},
		`/v1/signals method="POST"`:  {Route: "/v1/signals", Matchers: `method="POST"`},
	} {
		if got := Operation(v1alpha1.SLO{Operation: o}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
