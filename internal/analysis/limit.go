package analysis

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// limit is one limit of a metric: how it reads, and whether a value breaks it.
type limit struct {
	field string
	bound *intstr.IntOrString
	what  string // the value's place, in a sentence
	sign  string
	value float64 // what is held against the bound
	above bool    // whether being above breaks it
}

// breaks says which limit the sample breaks, or "". Infinity is a number, and
// breaks what a large one would. All limits that are given must be kept.
func (s Sample) breaks(m v1alpha1.Metric) string {
	for _, l := range limits(m, *s.Value, s.Baseline) {
		bound, err := Number(*l.bound)
		if err != nil {
			return fmt.Sprintf("%s: %v", l.field, err) // refused when the spec was validated
		}
		if l.above && l.value > bound || !l.above && l.value < bound {
			return fmt.Sprintf("%s %s, %s its %s %s", l.what, text(l.value), map[bool]string{true: "above", false: "below"}[l.above], l.field, l.bound.String())
		}
	}
	return ""
}

// limits are those that are given and can be held against: without a
// baseline, only min and max.
func limits(m v1alpha1.Metric, value float64, baseline *float64) []limit {
	all := []limit{
		{field: "min", bound: m.Min, what: "was", sign: ">=", value: value},
		{field: "max", bound: m.Max, what: "was", sign: "<=", value: value, above: true},
	}
	if m.Compare != nil && baseline != nil {
		ratio := ratioOf(value, *baseline)
		all = append(all,
			limit{field: "compare.minRatio", bound: m.Compare.MinRatio, what: "was, relative to the stable release,", sign: "/ stable >=", value: ratio},
			limit{field: "compare.maxRatio", bound: m.Compare.MaxRatio, what: "was, relative to the stable release,", sign: "/ stable <=", value: ratio, above: true},
			limit{field: "compare.maxIncrease", bound: m.Compare.MaxIncrease, what: "was more than the stable release's by", sign: "- stable <=", value: value - *baseline, above: true},
			limit{field: "compare.maxDecrease", bound: m.Compare.MaxDecrease, what: "was less than the stable release's by", sign: "stable - value <=", value: *baseline - value, above: true},
		)
	}
	given := all[:0]
	for _, l := range all {
		if l.bound != nil {
			given = append(given, l)
		}
	}
	return given
}

// ratioOf is value / baseline; of two zeros it is 1: they are the same.
func ratioOf(value, baseline float64) float64 {
	if value == 0 && baseline == 0 {
		return 1
	}
	return value / baseline
}

// threshold says all limits of a metric.
func threshold(m v1alpha1.Metric, compared bool) string {
	var baseline *float64
	if compared {
		baseline = new(float64)
	}
	var parts []string
	for _, l := range limits(m, 0, baseline) {
		parts = append(parts, l.sign+" "+l.bound.String())
	}
	return strings.Join(parts, ", ")
}
