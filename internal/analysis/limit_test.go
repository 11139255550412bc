package analysis

import (
	"math"
	"testing"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func limitOf(text string) *intstr.IntOrString {
	if text == "" {
		return nil
	}
	return new(intstr.Parse(text))
}

// bounds are the limits of a metric, in the order of the fields.
type bounds struct{ least, most, minRatio, maxRatio, maxIncrease, maxDecrease string }

func (b bounds) metric() v1alpha1.Metric {
	m := v1alpha1.Metric{Name: "errors", Query: "${release}", Min: limitOf(b.least), Max: limitOf(b.most)}
	if b.minRatio+b.maxRatio+b.maxIncrease+b.maxDecrease != "" {
		m.Compare = &v1alpha1.MetricComparison{
			MinRatio: limitOf(b.minRatio), MaxRatio: limitOf(b.maxRatio),
			MaxIncrease: limitOf(b.maxIncrease), MaxDecrease: limitOf(b.maxDecrease),
		}
	}
	return m
}

// What one value means. An empty message is a value that passes.
func TestLimits(t *testing.T) {
	infinite := math.Inf(1)
	for name, tc := range map[string]struct {
		bounds           bounds
		value, stable    float64
		reason, message  string
		wantUnknown      bool
		wantAbsoluteOnly bool // the same without a stable release
	}{
		"at its maximum":             {bounds: bounds{most: "0.01"}, value: 0.01},
		"above its maximum":          {bounds: bounds{most: "0.01"}, value: 0.31, message: "was 0.31, above its maximum 0.01"},
		"below its maximum":          {bounds: bounds{most: "0.01"}, value: -5},
		"at its minimum":             {bounds: bounds{least: "5"}, value: 5},
		"below its minimum":          {bounds: bounds{least: "5"}, value: 4.999, message: "was 4.999, below its minimum 5"},
		"between the two":            {bounds: bounds{least: "-1", most: "1"}, value: 0},
		"a limit with an exponent":   {bounds: bounds{most: "1e-2"}, value: 0.02, message: "was 0.02, above its maximum 1e-2"},
		"infinity is a number":       {bounds: bounds{most: "1000"}, value: infinite, message: "was +Inf, above its maximum 1000"},
		"infinity has no maximum":    {bounds: bounds{least: "1"}, value: infinite},
		"minus infinity too":         {bounds: bounds{least: "1"}, value: -infinite, message: "was -Inf, below its minimum 1"},
		"a limit that is no number":  {bounds: bounds{most: "many"}, value: 1, message: `was 1, and its maximum is no limit: "many" is not a number`},
		"at its greatest ratio":      {bounds: bounds{maxRatio: "1.5"}, value: 3, stable: 2},
		"above its greatest ratio":   {bounds: bounds{maxRatio: "1.5"}, value: 4, stable: 2, message: "was 4 against 2 of the stable release, 2 times as much, above its maxRatio 1.5"},
		"at its least ratio":         {bounds: bounds{minRatio: "0.5"}, value: 1, stable: 2},
		"below its least ratio":      {bounds: bounds{minRatio: "0.5"}, value: 0.5, stable: 2, message: "was 0.5 against 2 of the stable release, 0.25 times as much, below its minRatio 0.5"},
		"at its greatest increase":   {bounds: bounds{maxIncrease: "2"}, value: 4, stable: 2},
		"above its increase":         {bounds: bounds{maxIncrease: "2"}, value: 5, stable: 2, message: "was 5 against 2 of the stable release, 3 more, above its maxIncrease 2"},
		"less is no increase":        {bounds: bounds{maxIncrease: "2"}, value: -9, stable: 2},
		"at its greatest decrease":   {bounds: bounds{maxDecrease: "2"}, value: 0, stable: 2},
		"below its decrease":         {bounds: bounds{maxDecrease: "2"}, value: -1, stable: 2, message: "was -1 against 2 of the stable release, 3 less, above its maxDecrease 2"},
		"more is no decrease":        {bounds: bounds{maxDecrease: "2"}, value: 9, stable: 2},
		"all limits count":           {bounds: bounds{most: "9", maxRatio: "3", maxIncrease: "1"}, value: 4, stable: 2, message: "was 4 against 2 of the stable release, 2 more, above its maxIncrease 1"},
		"the maximum comes first":    {bounds: bounds{most: "3", maxRatio: "1"}, value: 4, stable: 2, message: "was 4, above its maximum 3", wantAbsoluteOnly: true},
		"two zeros are the same":     {bounds: bounds{minRatio: "2", maxRatio: "0.5"}, value: 0, stable: 0},
		"more than nothing":          {bounds: bounds{maxRatio: "100"}, value: 0.001, stable: 0, message: "was 0.001 against 0 of the stable release, +Inf times as much, above its maxRatio 100"},
		"less than nothing":          {bounds: bounds{maxRatio: "100"}, value: -1, stable: 0, message: "was -1 against 0 of the stable release, +Inf times as much, above its maxRatio 100"},
		"more than the least of 0":   {bounds: bounds{minRatio: "2"}, value: 0.001, stable: 0},
		"less than the least of 0":   {bounds: bounds{minRatio: "2"}, value: -1, stable: 0, message: "was -1 against 0 of the stable release, -Inf times as much, below its minRatio 2"},
		"max allows more than zero":  {bounds: bounds{most: "0.01", maxRatio: "2"}, value: 0.005, stable: 0},
		"max allows no more than so": {bounds: bounds{most: "0.01", maxRatio: "2"}, value: 0.02, stable: 0, message: "was 0.02, above its maximum 0.01", wantAbsoluteOnly: true},
		"max allows it of zero only": {bounds: bounds{most: "9", maxRatio: "2"}, value: 5, stable: 1, message: "was 5 against 1 of the stable release, 5 times as much, above its maxRatio 2"},
		"better than infinitely bad": {bounds: bounds{maxRatio: "1"}, value: 1, stable: infinite},
		"two infinities":             {bounds: bounds{maxRatio: "2"}, value: infinite, stable: infinite, wantUnknown: true, reason: ReasonNoBaseline, message: "its value and the stable release's are both infinite, which cannot be compared"},
		"two infinities differ by":   {bounds: bounds{maxIncrease: "2"}, value: infinite, stable: infinite, wantUnknown: true, reason: ReasonNoBaseline, message: "its value and the stable release's are both infinite, which cannot be compared"},
	} {
		t.Run(name, func(t *testing.T) {
			want := verdict.Passed
			switch {
			case tc.wantUnknown:
				want = verdict.Unknown
			case tc.message != "":
				want = verdict.Failed
			}
			source := one(map[string]float64{"new": tc.value, "old": tc.stable})
			got := Take(t.Context(), source, tc.bounds.metric(), app, noon)
			if got.Outcome != want || got.Message != tc.message || *got.Value != tc.value {
				t.Errorf("got %s %q of %v, want %s %q", got.Outcome, got.Message, *got.Value, want, tc.message)
			}
			if tc.reason != "" && got.Reason != tc.reason {
				t.Errorf("got reason %s, want %s", got.Reason, tc.reason)
			}
			if tc.bounds.metric().Compare == nil {
				return
			}
			first := app
			first.Stable = ""
			alone := Take(t.Context(), source, tc.bounds.metric(), first, noon)
			if failed := alone.Outcome == verdict.Failed; failed != tc.wantAbsoluteOnly || alone.Outcome == verdict.Unknown || alone.Baseline != nil {
				t.Errorf("with nothing to compare with: %s %q, baseline %v", alone.Outcome, alone.Message, alone.Baseline)
			}
		})
	}
}

func TestThresholdSaysEveryLimit(t *testing.T) {
	m := bounds{"1", "0.5", "0.9", "1.5", "3", "4"}.metric()
	if got, want := threshold(m, true), ">= 1, <= 0.5, >= 0.9 * stable, <= 1.5 * stable, <= stable + 3, >= stable - 4"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := threshold(m, false), ">= 1, <= 0.5"; got != want {
		t.Errorf("with nothing to compare with: got %q, want %q", got, want)
	}
}

func TestNumber(t *testing.T) {
	for name, tc := range map[string]struct {
		limit intstr.IntOrString
		want  float64
		bad   bool
	}{
		"an integer":      {limit: intstr.FromInt32(-3), want: -3},
		"a decimal":       {limit: intstr.FromString("0.25"), want: 0.25},
		"an exponent":     {limit: intstr.FromString("+1e3"), want: 1000},
		"too large":       {limit: intstr.FromString("1e999"), bad: true},
		"infinity":        {limit: intstr.FromString("Inf"), bad: true},
		"not a number":    {limit: intstr.FromString("NaN"), bad: true},
		"something else":  {limit: intstr.FromString("5%"), bad: true},
		"nothing at all":  {limit: intstr.FromString(""), bad: true},
		"digits in quote": {limit: intstr.FromString("7"), want: 7},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Number(tc.limit)
			if got != tc.want || (err != nil) != tc.bad {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
