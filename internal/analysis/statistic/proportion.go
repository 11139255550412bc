// Package statistic is the mathematics of comparing two releases: how strong
// the evidence is that one of them fails more often, or is slower, than the
// other. It knows no metrics and no releases, and decides nothing.
//
// Evidence is the logarithm of an e-value: a number that, if the hypothesis it
// speaks against is true, is 1 on average however often one looks, and exceeds
// 1/alpha at any look at all with a probability of at most alpha (Ville 1939).
// One may therefore look every second and stop at the first decisive look. Its
// inverse is a p-value that holds at any time.
package statistic

import (
	"math"
	"slices"
)

// Counts are requests, and how many of them failed.
type Counts struct{ Requests, Failed float64 }

// Ratio of the requests that failed; NaN of none.
func (c Counts) Ratio() float64 { return c.Failed / c.Requests }

// MaxCount is how much can be counted: beyond it, the logarithms of what is
// likely are too coarse to be told apart.
const MaxCount = 1e12

// Valid reports whether these can be counts at all.
func (c Counts) Valid() bool {
	return c.Failed >= 0 && c.Failed <= c.Requests && c.Requests <= MaxCount
}

// beta is a belief about a ratio before anything is seen. Whether evidence is
// valid does not depend on it, only how soon it is decisive.
type beta struct{ a, b float64 }

var (
	healthy = beta{0.2, 8}   // most services fail seldom
	broken  = beta{0.5, 0.5} // a bad release may fail at any ratio (Jeffreys)
)

// marginal is how likely the counts are, in this belief.
func (b beta) marginal(c Counts) float64 {
	return logBeta(c.Failed+b.a, c.Requests-c.Failed+b.b) - logBeta(b.a, b.b)
}

// Worse is the evidence that the candidate's ratio exceeds the stable one's by
// more than margin.
//
// It is the mixture likelihood ratio of Robbins (1970) against the likeliest of
// all pairs of ratios that are within the margin (universal inference:
// Wasserman, Ramdas and Balakrishnan 2020, section 7). For any true pair, the
// mixture over its likelihood is a martingale of mean 1, in whatever order the
// requests of the two come; the likeliest pair makes it only smaller.
func Worse(candidate, stable Counts, margin float64) float64 {
	if !tellable(candidate, stable, margin) || candidate.Ratio()-orZero(stable) <= margin {
		return 0
	}
	return positive(broken.marginal(candidate) + healthy.marginal(stable) - likeliest(candidate, stable, margin))
}

// Within is the evidence that the candidate's ratio exceeds the stable one's by
// less than margin: the same test, of the opposite hypothesis. It is decisive
// sooner if the ratios are the same, which half of the mixture believes.
func Within(candidate, stable Counts, margin float64) float64 {
	if !tellable(candidate, stable, margin) || candidate.Ratio()-orZero(stable) >= margin {
		return 0
	}
	both := Counts{candidate.Requests + stable.Requests, candidate.Failed + stable.Failed}
	belief := logMean(healthy.marginal(both), healthy.marginal(candidate)+healthy.marginal(stable))
	return positive(belief - likeliest(candidate, stable, margin))
}

// Above is the evidence that a ratio exceeds a limit.
func Above(c Counts, limit float64) float64 {
	if !c.Valid() || c.Requests == 0 || !(limit >= 0 && limit <= 1) || c.Ratio() <= limit {
		return 0
	}
	return positive(broken.marginal(c) - likelihood(c, limit))
}

// tellable reports whether anything can be said. The stable release may have
// had no requests: then its ratio may be anything.
func tellable(candidate, stable Counts, margin float64) bool {
	return candidate.Valid() && stable.Valid() && candidate.Requests > 0 && margin >= 0 && margin <= 1
}

// orZero is the ratio, and of no requests the one that blames the candidate
// most: whether it can be is for the likelihood to say.
func orZero(c Counts) float64 {
	if c.Requests == 0 {
		return 0
	}
	return c.Ratio()
}

// likeliest is how likely the counts are at the likeliest pair of ratios that
// differ by exactly margin. The likelihood is concave along that line, and its
// slope is halved into.
func likeliest(candidate, stable Counts, margin float64) float64 {
	low, high := 0.0, 1-margin
	for range 50 {
		p := (low + high) / 2
		if slope(candidate, p+margin)+slope(stable, p) > 0 {
			low = p
			continue
		}
		high = p
	}
	p := (low + high) / 2
	return likelihood(candidate, p+margin) + likelihood(stable, p)
}

// slope of the likelihood's logarithm at a ratio strictly between 0 and 1.
func slope(c Counts, p float64) float64 {
	return c.Failed/p - (c.Requests-c.Failed)/(1-p)
}

// likelihood is the logarithm of how likely the counts are at a ratio.
func likelihood(c Counts, p float64) float64 {
	return times(c.Failed, math.Log(p)) + times(c.Requests-c.Failed, math.Log1p(-p))
}

// times is the product, in which no requests outweigh what is impossible.
func times(n, log float64) float64 {
	if n == 0 {
		return 0
	}
	return n * log
}

// logMean is the logarithm of the mean of numbers that are given by theirs. The
// mean of e-values is an e-value.
func logMean(logs ...float64) float64 {
	greatest, sum := slices.Max(logs), 0.0
	if math.IsInf(greatest, 0) {
		return greatest
	}
	for _, l := range logs {
		sum += math.Exp(l - greatest)
	}
	return greatest + math.Log(sum/float64(len(logs)))
}

// positive is evidence, of which there is none below zero.
func positive(log float64) float64 {
	if math.IsNaN(log) {
		return 0
	}
	return max(log, 0)
}

func logBeta(a, b float64) float64 {
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	return la + lb - lab
}

// Decisive reports whether evidence suffices, if an error may have this
// probability.
func Decisive(evidence, probability float64) bool { return evidence >= -math.Log(probability) }

// PValue is what the evidence comes to as a p-value that holds at any time.
func PValue(evidence float64) float64 { return math.Exp(-evidence) }

// Needed is how many requests without any failure it takes, beside a stable
// release that has had many more and none either, for Within to be decisive.
func Needed(margin, probability float64) float64 {
	enough := func(n float64) bool {
		return Decisive(Within(Counts{Requests: n}, Counts{Requests: 9 * n}, margin), probability)
	}
	high := 1.0
	for !enough(high) && high < MaxCount/10 {
		high *= 2
	}
	low := high / 2
	for high-low > 1 {
		n := math.Floor((low + high) / 2)
		if enough(n) {
			high = n
			continue
		}
		low = n
	}
	return high
}
