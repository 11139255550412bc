package analysis

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// maxPoints is how many points of a range Prometheus answers with at most.
const maxPoints = 11000

// Validate finds the first problem that the schema cannot see, naming its
// field: servers that the administrator has not named, queries that are no
// PromQL, limits that nothing can keep.
func Validate(a v1alpha1.AnalysisSpec, servers []string) error {
	for i, m := range a.Metrics {
		if field, err := check(m, servers); err != nil {
			return fmt.Errorf("spec.analysis.metrics[%d].%s (metric %q): %w", i, field, m.Name, err)
		}
	}
	return nil
}

// UnknownServer says which servers there are.
func UnknownServer(server string, servers []string) error {
	if len(servers) == 0 {
		return errors.New("no metric server is configured: the cluster's administrator names one with --prometheus")
	}
	return fmt.Errorf("no metric server is called %q: there are %s", server, strings.Join(servers, ", "))
}

// check finds the first problem of a metric, and its field.
func check(m v1alpha1.Metric, servers []string) (string, error) {
	if !slices.Contains(servers, m.Server) {
		return "server", UnknownServer(m.Server, servers)
	}
	if tested(m) {
		return checkTest(m)
	}
	if err := checkQuery(m.Query); err != nil {
		return "query", err
	}
	if r := m.Range; r != nil && r.WindowSeconds/max(1, r.StepSeconds) > maxPoints {
		return "range.stepSeconds", fmt.Errorf("makes more than the %d values that a query may have: take a longer step or a shorter window", maxPoints)
	}
	if field, err := checkPair("min", m.Min, "max", m.Max); err != nil {
		return field, err
	}
	if m.Compare == nil {
		return "", nil
	}
	if field, err := checkPair("compare.minRatio", m.Compare.MinRatio, "compare.maxRatio", m.Compare.MaxRatio); err != nil {
		return field, err
	}
	if _, err := checkLimit(m.Compare.MaxIncrease); err != nil {
		return "compare.maxIncrease", err
	}
	_, err := checkLimit(m.Compare.MaxDecrease)
	return "compare.maxDecrease", err
}

// checkTest finds the first problem of a test, and its field.
func checkTest(m v1alpha1.Metric) (string, error) {
	if m.Latency != nil {
		return "latency.matchers", checkQuery(latencyQuery(*m.Latency))
	}
	e := *m.Errors
	if e.TotalQuery != "" {
		if err := checkQuery(e.TotalQuery); err != nil {
			return "errors.totalQuery", err
		}
		return "errors.failedQuery", checkQuery(e.FailedQuery)
	}
	if _, err := carrying(e.Failed); err != nil {
		return "errors.failed", err
	}
	total, _ := errorQueries(e)
	return "errors.matchers", checkQuery(total)
}

// checkQuery parses the query as it was written, but for its variables.
func checkQuery(query string) error {
	for _, match := range variable.FindAllStringSubmatch(query, -1) {
		if !slices.Contains(variables, match[1]) {
			return fmt.Errorf("${%s} is not known: there are ${%s}", match[1], strings.Join(variables, "}, ${"))
		}
	}
	whole := stand(query)
	if strings.Contains(whole, "${") {
		return errors.New(`has a "${" without a "}"`)
	}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(whole)
	if err != nil {
		return err // it begins with line and column
	}
	if t := expr.Type(); t != parser.ValueTypeVector && t != parser.ValueTypeScalar {
		return fmt.Errorf("must answer with one number, but is a %s", parser.DocumentedType(t))
	}
	return nil
}

// checkPair checks two limits that a value must lie between.
func checkPair(lowField string, low *intstr.IntOrString, highField string, high *intstr.IntOrString) (string, error) {
	least, err := checkLimit(low)
	if err != nil {
		return lowField, err
	}
	most, err := checkLimit(high)
	if err != nil {
		return highField, err
	}
	if low != nil && high != nil && least > most {
		return lowField, fmt.Errorf("is %s, above %s %s: nothing could pass", low.String(), highField, high.String())
	}
	return "", nil
}

// checkLimit is the value of a limit that may be absent.
func checkLimit(limit *intstr.IntOrString) (float64, error) {
	if limit == nil {
		return 0, nil
	}
	return Number(*limit)
}
