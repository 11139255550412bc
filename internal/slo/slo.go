// Package slo knows service level objectives: the rules that alert when an
// error budget is burned too fast, and what a release has consumed of one. It
// writes queries and judges their answers; it asks no server, and decides
// nothing about a release.
package slo

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// defaultDays is the window of an objective that names none, as the schema
// has it.
const defaultDays = 30

// language parses what every Prometheus understands, without experiments.
var language = parser.NewParser(parser.Options{})

// reserved are the labels by which series say whose they are. The operator
// matches them itself.
var reserved = []string{model.MetricNameLabel, namespaceLabel, nameLabel, releaseLabel, "release", "track", "le"}

// Validate finds the first problem that the schema cannot see, naming its
// field: a metric server that there is not, matchers that are no PromQL, or
// that say whose series they take.
func Validate(slos []v1alpha1.SLO, servers []string) error {
	for i, s := range slos {
		where := fmt.Sprintf("spec.analysis.slos[%d]", i)
		if server := Server(s); !slices.Contains(servers, server) {
			return fmt.Errorf("%s.server (objective %q): there is no metric server %q: there are %s", where, s.Name, server, strings.Join(servers, ", "))
		}
		if err := check(s.Operation.Matchers); err != nil {
			return fmt.Errorf("%s.operation.matchers (objective %q): %w", where, s.Name, err)
		}
		if s.Availability == nil {
			if err := checkMetric(s.Latency.Histogram); err != nil {
				return fmt.Errorf("%s.latency.histogram (objective %q): %w", where, s.Name, err)
			}
			continue
		}
		if err := checkMetric(s.Availability.Counter); err != nil {
			return fmt.Errorf("%s.availability.counter (objective %q): %w", where, s.Name, err)
		}
		if err := check(s.Availability.Failed); err != nil {
			return fmt.Errorf("%s.availability.failed (objective %q): %w", where, s.Name, err)
		}
	}
	return nil
}

// Server is whom to ask for what a release has consumed of the budget.
func Server(s v1alpha1.SLO) string { return or(s.Server, v1alpha1.ServerBuiltIn) }

// check parses label matchers as they stand in a selector.
func check(matchers string) error {
	if matchers == "" {
		return nil
	}
	if strings.Contains(matchers, "{{") { // the label operation of a rule is a template
		return errors.New("must not contain '{{', which begins a template in a rule")
	}
	parsed, err := language.ParseMetricSelector("m{" + matchers + "}")
	if err != nil {
		return fmt.Errorf("are not PromQL label matchers: %w", err)
	}
	own := func(m *labels.Matcher) bool {
		return slices.Contains(reserved, m.Name) && (m.Name != model.MetricNameLabel || m.Value != "m")
	}
	if i := slices.IndexFunc(parsed, own); i >= 0 {
		return fmt.Errorf("must not match the label %s, which says whose series they are: the operator does", parsed[i].Name)
	}
	return nil
}

// checkMetric parses the name of a metric as it stands in a selector: a few
// words, such as inf, cannot.
func checkMetric(name string) error {
	if _, err := language.ParseMetricSelector(or(name, "m") + `{a="b"}`); err != nil {
		return fmt.Errorf("is not the name of a PromQL metric: %w", err)
	}
	return nil
}

// Operation names the requests that an objective is about, for people and as
// a label of its rules.
func Operation(s v1alpha1.SLO) string {
	var parts []string
	for _, part := range []string{s.Operation.Route, s.Operation.GRPCMethod, s.Operation.Matchers} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, " ")
}

// budget is the share of requests that may go wrong, without the noise of
// subtracting from 1.
func budget(s v1alpha1.SLO) float64 {
	return math.Round((100-number(s.Objective))*1e8) / 1e10
}

// days are how many the objective is about.
func days(s v1alpha1.SLO) int32 {
	if s.WindowDays == 0 {
		return defaultDays
	}
	return s.WindowDays
}

// window is what the objective is about.
func window(s v1alpha1.SLO) time.Duration { return time.Duration(days(s)) * 24 * time.Hour }

// number is the value of a field that the schema has checked.
func number(n intstr.IntOrString) float64 {
	if n.Type == intstr.Int {
		return float64(n.IntVal)
	}
	value, err := strconv.ParseFloat(n.StrVal, 64)
	if err != nil {
		return math.NaN() // which is neither above nor below anything
	}
	return value
}

// Target says what is to be true of how many requests, for people.
func Target(s v1alpha1.SLO) string {
	if s.Latency == nil {
		return text(number(s.Objective)) + " % succeed"
	}
	return text(number(s.Objective)) + " % within " + text(number(s.Latency.ThresholdSeconds)) + "s"
}

// text is a value for people: six significant digits.
func text(n float64) string { return strconv.FormatFloat(n, 'g', 6, 64) }

// literal is a number as PromQL has it, whole.
func literal(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }

// span is a duration as PromQL has it.
func span(d time.Duration) string { return model.Duration(d).String() }

// brief is a value for people at a glance.
func brief(n float64) string { return strconv.FormatFloat(n, 'g', 3, 64) }

func percent(share float64) string { return brief(share*100) + " %" }

// whole is a number of requests: queries count in floats.
func whole(n float64) string { return strconv.FormatInt(rounded(n), 10) }

func rounded(n float64) int64 { return int64(math.Round(n)) }
