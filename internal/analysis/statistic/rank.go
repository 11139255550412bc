package statistic

import "math"

// looked is the effective number of requests, n*m/(n+m), around which ranks
// decide soonest.
const looked = 10

// Slower is the evidence that the candidate's values tend to be greater than
// the stable one's, or that more of them are great. Both are counted in the same
// ordered buckets; values in one bucket are ties. It is the mean of the
// e-values of two tests: of ranks, and of how many values are in a bucket or
// above, for each bucket. The second tells a release that is slow for a few
// requests, where ranks, and their normal distribution, say little. That none
// of the e-values is taken for less than 1 adds at most 1 to their mean.
func Slower(candidate, stable []float64, quantile float64) float64 {
	if len(candidate) != len(stable) || len(candidate) == 0 {
		return 0
	}
	var above, beside Counts
	var each []float64
	above.Requests, beside.Requests = Total(candidate), Total(stable)
	for i := len(candidate) - 1; i > 0; i-- {
		above.Failed, beside.Failed = min(above.Failed+candidate[i], above.Requests), min(beside.Failed+stable[i], beside.Requests)
		each = append(each, Worse(above, beside, 0))
	}
	if len(each) == 0 {
		return 0 // there is but one bucket
	}
	return positive(logMean(ranks(candidate, stable, quantile), logMean(each...)))
}

// ranks is the evidence of the rank-sum test of Wilcoxon (1945) and Mann and Whitney (1947), its
// variance corrected for ties and its statistic for continuity. Looked at again
// and again, that statistic behaves as a Brownian motion in the effective
// number of requests (Jennison and Turnbull 2000, chapter 11), of which the
// evidence is a mixture over all drifts upwards (Robbins 1970).
//
// A release whose slowest requests have become slower is told from a good one
// by these alone. So values that are not of the upper 2*(1-quantile) of both
// releases together count as ties as well: at 0.5 none do, and it is the usual
// test. What the two have together does not depend on which of them is which,
// so that the test stays one.
func ranks(candidate, stable []float64, quantile float64) float64 {
	z, size := rank(tail(candidate, stable, quantile))
	if size == 0 || z <= 0 {
		return 0
	}
	share := size / (size + looked)
	half := math.Erfc(-z * math.Sqrt(share/2)) // twice the normal distribution
	return positive(math.Log(half) + math.Log1p(-share)/2 + z*z*share/2)
}

// rank is the standardised rank-sum statistic, and the effective number of
// requests. Both are zero if nothing can be said.
func rank(candidate, stable []float64) (z, size float64) {
	n, m := Total(candidate), Total(stable)
	all := n + m
	if n == 0 || m == 0 || math.IsNaN(all) || all > MaxCount {
		return 0, 0
	}
	var won, below, tied float64
	for i := range candidate {
		won += candidate[i] * (below + stable[i]/2)
		below += stable[i]
		t := (candidate[i] + stable[i]) / all
		tied += t * t * t
	}
	// (all+1) - sum(t^3-t)/(all*(all-1)), with the t as shares of all
	variance := n * m / 12 * all * all / (all - 1) * (1 - tied)
	if all <= 1 || !(variance > 0) || 1-tied < 1e-12 {
		return 0, 0
	}
	return (won - n*m/2 - 0.5) / math.Sqrt(variance), n * m / all
}

// tail are the counts with the lower buckets made one.
func tail(candidate, stable []float64, quantile float64) (c, s []float64) {
	if len(candidate) != len(stable) || len(candidate) == 0 {
		return nil, nil
	}
	level := (2*quantile - 1) * (Total(candidate) + Total(stable))
	from, c0, s0 := 0, candidate[0], stable[0]
	for from+1 < len(candidate) && c0+s0+candidate[from+1]+stable[from+1] <= level {
		from++
		c0, s0 = c0+candidate[from], s0+stable[from]
	}
	return append([]float64{c0}, candidate[from+1:]...), append([]float64{s0}, stable[from+1:]...)
}

// Total of counts; NaN if any of them is none.
func Total(counts []float64) float64 {
	sum := 0.0
	for _, n := range counts {
		if !(n >= 0) || math.IsInf(n, 1) {
			return math.NaN()
		}
		sum += n
	}
	return sum
}

// Quantile of values that are counted in buckets with these upper bounds, as
// PromQL's histogram_quantile has it: values lie evenly in their bucket, the
// first of which begins at 0, and those of the last, without an end, lie where
// it begins. NaN of no values.
func Quantile(bounds, counts []float64, quantile float64) float64 {
	total := Total(counts)
	if !(total > 0) || len(bounds) != len(counts) {
		return math.NaN()
	}
	below, begin := 0.0, 0.0
	for i, n := range counts {
		if below+n >= quantile*total && n > 0 {
			if math.IsInf(bounds[i], 1) {
				return begin
			}
			return begin + (bounds[i]-begin)*max(0, quantile*total-below)/n
		}
		below, begin = below+n, bounds[i]
	}
	return begin
}

// Slowed are the counts of values after each has become another, greater one;
// later values become later ones. What lay evenly in a bucket does so still.
func Slowed(bounds, counts []float64, becomes func(float64) float64) []float64 {
	slowed := make([]float64, len(counts))
	begin := 0.0
	for i, n := range counts {
		low, high := becomes(begin), becomes(bounds[i])
		begin = bounds[i]
		for j, from := i, low; n > 0 && j < len(bounds); j++ {
			if high <= bounds[j] || j == len(bounds)-1 {
				slowed[j] += n
				break
			}
			if share := (bounds[j] - from) / (high - from); bounds[j] > from && !math.IsInf(high, 1) {
				slowed[j] += n * share
				n, from = n*(1-share), bounds[j]
			}
		}
	}
	return slowed
}

// Beyond are the values that are certainly above a limit: those in buckets
// that begin there or later.
func Beyond(bounds, counts []float64, limit float64) Counts {
	c := Counts{Requests: Total(counts)}
	for i, n := range counts {
		if i > 0 && bounds[i-1] >= limit {
			c.Failed += n
		}
	}
	return c
}
