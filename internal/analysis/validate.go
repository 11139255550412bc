package analysis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Validate finds the first problem that the schema cannot see, naming its
// field: queries that are no PromQL, servers that the administrator has not
// named, limits that nothing can keep.
func Validate(a v1alpha1.AnalysisSpec, servers []string) error {
	for i, m := range a.Metrics {
		path := fmt.Sprintf("spec.analysis.metrics[%d] (metric %q)", i, m.Name)
		if !slices.Contains(servers, m.Server) {
			return fmt.Errorf("%s: server: %w", path, UnknownServer(m.Server, servers))
		}
		if err := errors.Join(checkQuery(m.Query), checkLimits(m)); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// UnknownServer says which servers there are.
func UnknownServer(server string, servers []string) error {
	if len(servers) == 0 {
		return fmt.Errorf("no metric server is configured: the cluster's administrator names one with --prometheus")
	}
	return fmt.Errorf("no metric server is called %q: there are %s", server, strings.Join(servers, ", "))
}

func checkQuery(query string) error {
	for _, match := range variable.FindAllStringSubmatch(query, -1) {
		if !slices.Contains(variables, match[1]) {
			return fmt.Errorf("query: ${%s} is not known: there are ${%s}", match[1], strings.Join(variables, "}, ${"))
		}
	}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(Expand(query, Subject{Namespace: "n", Name: "n", Service: "s"}, "r", time.Minute))
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return fmt.Errorf("query: must answer with one number, but is a %s", parser.DocumentedType(t))
	}
	return nil
}

func checkLimits(m v1alpha1.Metric) error {
	if err := checkPair("min", m.Min, "max", m.Max); err != nil {
		return err
	}
	if c := m.Compare; c != nil {
		return errors.Join(
			checkPair("compare.minRatio", c.MinRatio, "compare.maxRatio", c.MaxRatio),
			checkPair("compare.maxIncrease", c.MaxIncrease, "", nil),
			checkPair("compare.maxDecrease", c.MaxDecrease, "", nil),
		)
	}
	return nil
}

func checkPair(lowField string, low *intstr.IntOrString, highField string, high *intstr.IntOrString) error {
	bounds := map[string]float64{}
	for field, limit := range map[string]*intstr.IntOrString{lowField: low, highField: high} {
		if limit == nil {
			continue
		}
		n, err := Number(*limit)
		if err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		bounds[field] = n
	}
	if low != nil && high != nil && bounds[lowField] > bounds[highField] {
		return fmt.Errorf("%s: must not be above %s: nothing could pass", lowField, highField)
	}
	return nil
}
