package analysis

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// limit is one limit of a metric, and what is held against it.
type limit struct {
	name  string // for people
	bound *intstr.IntOrString
	must  string  // what the metric must be, for %s the bound
	was   string  // what the metric was, in a sentence
	value float64 // what is held against the bound
	above bool    // whether being above breaks it
}

// limits are those that are given and can be held against; without a
// baseline, only min and max.
func limits(m v1alpha1.Metric, value float64, baseline *float64) []limit {
	all := []limit{
		{name: "minimum", bound: m.Min, must: ">= %s", was: text(value), value: value},
		{name: "maximum", bound: m.Max, must: "<= %s", was: text(value), value: value, above: true},
	}
	if m.Compare != nil && baseline != nil {
		all = append(all, ratios(m, value, *baseline)...)
		all = append(all, differences(*m.Compare, value, *baseline)...)
	}
	return slices.DeleteFunc(all, func(l limit) bool { return l.bound == nil })
}

// ratios are the limits of value / baseline. Nothing can be divided by a
// baseline of zero: a value of zero equals it, and any other is infinitely
// more, which is left to max where there is one.
func ratios(m v1alpha1.Metric, value, baseline float64) []limit {
	low, high := value/baseline, value/baseline
	most := m.Compare.MaxRatio
	if baseline == 0 {
		if value == 0 {
			return nil
		}
		low, high = math.Copysign(math.Inf(1), value), math.Inf(1)
		if m.Max != nil {
			most = nil
		}
	}
	was := against(value, baseline) + "%s times as much"
	return []limit{
		{name: "minRatio", bound: m.Compare.MinRatio, must: ">= %s * stable", was: fmt.Sprintf(was, text(low)), value: low},
		{name: "maxRatio", bound: most, must: "<= %s * stable", was: fmt.Sprintf(was, text(high)), value: high, above: true},
	}
}

// differences are the limits of value - baseline.
func differences(c v1alpha1.MetricComparison, value, baseline float64) []limit {
	more := value - baseline
	return []limit{
		{name: "maxIncrease", bound: c.MaxIncrease, must: "<= stable + %s", was: against(value, baseline) + text(more) + " more", value: more, above: true},
		{name: "maxDecrease", bound: c.MaxDecrease, must: ">= stable - %s", was: against(value, baseline) + text(-more) + " less", value: -more, above: true},
	}
}

func against(value, baseline float64) string {
	return fmt.Sprintf("%s against %s of the stable release, ", text(value), text(baseline))
}

// broken says which of the limits is broken, or "". Infinity is a number, and
// breaks what a large one would.
func broken(all []limit) string {
	for _, l := range all {
		bound, err := Number(*l.bound)
		if err != nil {
			return fmt.Sprintf("was %s, and its %s is no limit: %v", l.was, l.name, err) // refused when the spec was validated
		}
		switch {
		case l.above && l.value > bound:
			return fmt.Sprintf("was %s, above its %s %s", l.was, l.name, l.bound.String())
		case !l.above && l.value < bound:
			return fmt.Sprintf("was %s, below its %s %s", l.was, l.name, l.bound.String())
		}
	}
	return ""
}

// measurable reports whether every value can be held against its limit: two
// infinite ones have neither a ratio nor a difference.
func measurable(all []limit) bool {
	return !slices.ContainsFunc(all, func(l limit) bool { return math.IsNaN(l.value) })
}

// threshold says all limits of a metric.
func threshold(m v1alpha1.Metric, compared bool) string {
	if tested(m) {
		return testThreshold(m, compared)
	}
	var baseline *float64
	if compared {
		baseline = new(1.0)
	}
	all := limits(m, 1, baseline)
	parts := make([]string, 0, len(all))
	for _, l := range all {
		parts = append(parts, fmt.Sprintf(l.must, l.bound.String()))
	}
	return strings.Join(parts, ", ")
}

// Number is the value of a limit: an integer, or a decimal number in quotes.
func Number(limit intstr.IntOrString) (float64, error) {
	if limit.Type == intstr.Int {
		return float64(limit.IntVal), nil
	}
	n, err := strconv.ParseFloat(limit.StrVal, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is not a number", limit.StrVal)
	}
	return n, nil
}

// text is a value for people: six significant digits.
func text(n float64) string { return strconv.FormatFloat(n, 'g', 6, 64) }

// textOf is a value that may be absent.
func textOf(n *float64) string {
	if n == nil {
		return ""
	}
	return text(*n)
}
