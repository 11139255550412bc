package statistic

import "math"

// Latency is how the time that requests take is judged. A release is slower if
// it exceeds both MaxRatio and MaxIncrease, and that is not chance: it is tested
// against a stable release that takes as long as is allowed.
type Latency struct {
	Quantile    float64 // that is held against the limits
	MaxRatio    float64 // of the candidate's quantile to the stable one's
	MaxIncrease float64 // of the candidate's quantile over the stable one's, in seconds
	Max         float64 // quantile that is allowed at all, in seconds; NaN is any
	MinRequests float64 // of the candidate, before it is good
	Alpha       float64 // probability that a good release is found bad
}

// Judge says what has been counted so far, in buckets with these upper bounds,
// amounts to; nil stable counts are nothing to compare with. It may be asked as
// often as one likes.
func (l Latency) Judge(bounds, candidate, stable []float64) (Finding, float64) {
	alpha, limited := l.Share(stable != nil), !math.IsNaN(l.Max)
	value := Quantile(bounds, candidate, l.Quantile)
	above := Above(Beyond(bounds, candidate, l.Max), 1-l.Quantile)
	doubtful := limited && value > l.Max
	if doubtful && Decisive(above, alpha) {
		return Excessive, above
	}
	if stable == nil {
		return l.settle(candidate, doubtful), above
	}
	slower, exceeds := 0.0, value > l.allowed(Quantile(bounds, stable, l.Quantile))
	if exceeds {
		slower = Slower(candidate, Slowed(bounds, stable, l.allowed), l.Quantile)
	}
	if Decisive(slower, alpha) {
		return Bad, slower
	}
	return l.settle(candidate, doubtful || exceeds), slower
}

// allowed is how long what takes the stable release this long may take.
func (l Latency) allowed(seconds float64) float64 {
	return max(seconds+l.MaxIncrease, seconds*l.MaxRatio)
}

func (l Latency) settle(candidate []float64, doubtful bool) Finding {
	switch {
	case !(Total(candidate) >= max(1, l.MinRequests)):
		return TooFew
	case doubtful:
		return Undecided
	}
	return Good
}

// Share is how likely the evidence may be chance: where both the absolute limit
// and the stable release count, each has half of Alpha.
func (l Latency) Share(compared bool) float64 {
	if compared && !math.IsNaN(l.Max) {
		return l.Alpha / 2
	}
	return l.Alpha
}

// More is how many more requests of the candidate it takes to decide, if they
// go on taking as long as those that were seen.
func (l Latency) More(bounds, candidate, stable []float64) float64 {
	had := Total(candidate)
	if had == 0 {
		return max(1, l.MinRequests)
	}
	return more(had, func(times float64) Finding {
		finding, _ := l.Judge(bounds, scaled(candidate, times), scaled(stable, times))
		return finding
	})
}

func scaled(counts []float64, times float64) []float64 {
	if counts == nil {
		return nil
	}
	all := make([]float64, len(counts))
	for i, n := range counts {
		all[i] = n * times
	}
	return all
}
