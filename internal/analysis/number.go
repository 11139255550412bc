package analysis

import (
	"fmt"
	"math"
	"strconv"

	"k8s.io/apimachinery/pkg/util/intstr"
)

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
