package profile

import (
	"math"
	"slices"
)

// scale makes the median absolute deviation comparable to a standard deviation.
const scale = 1.4826

// median of known values; NaN when there is none.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// spread is how far values are from their median, as a standard deviation that
// a few outliers do not move.
func spread(values []float64) float64 {
	usual := median(values)
	away := make([]float64, len(values))
	for i, v := range values {
		away[i] = math.Abs(v - usual)
	}
	return scale * median(away)
}

// quantile of values; NaN when there is none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// known are the values that are.
func known(windows []window, of func(window) float64) []float64 {
	var values []float64
	for _, w := range windows {
		if v := of(w); !math.IsNaN(v) && !math.IsInf(v, 0) {
			values = append(values, v)
		}
	}
	return values
}

// run is consecutive windows that stand out.
type run struct {
	first, last int
	worst       float64
}

// runs are the windows that stand out, those next to each other together, one
// between them left out of account. Most of a part does not stand out of it:
// then there are none.
func runs(values []float64, out func(int) bool, worse func(a, b float64) bool) []run {
	var all []run
	flagged, counted := 0, 0
	for i, v := range values {
		if !math.IsNaN(v) {
			counted++
		}
		if math.IsNaN(v) || !out(i) {
			continue
		}
		flagged++
		if n := len(all); n > 0 && i-all[n-1].last <= 2 {
			all[n-1].last = i
			if worse(v, all[n-1].worst) {
				all[n-1].worst = v
			}
			continue
		}
		all = append(all, run{i, i, v})
	}
	if 2*flagged > counted {
		return nil
	}
	return all
}

func more(a, b float64) bool { return a > b }
func less(a, b float64) bool { return a < b }
