package statistic

import "math"

// Finding is what evidence amounts to.
type Finding int

// Findings, from those that say nothing to those that say it all.
const (
	TooFew    Finding = iota // requests, to tell a good release from a bad one
	Undecided                // it looks bad, which may be chance
	Good                     // what must not be missed is ruled out
	Bad                      // against the stable release: beyond what is allowed, and beyond chance
	Excessive                // against the absolute limit
)

// Errors is how failed requests are judged.
type Errors struct {
	MaxIncrease float64 // of the ratio over the stable one's that is still good
	Detect      float64 // an increase that must not be missed
	Max         float64 // ratio that is allowed at all; NaN is any
	MinRequests float64 // of the candidate, before it is good
	Alpha       float64 // probability that a good release is found bad
	Beta        float64 // probability that an increase of Detect is found good
}

// Judge says what the counts so far amount to; a nil stable is nothing to
// compare with. It may be asked as often as one likes: the probabilities are
// those of being wrong at any time.
func (e Errors) Judge(candidate Counts, stable *Counts) (Finding, float64) {
	alpha, limited := e.Alpha, !math.IsNaN(e.Max)
	if limited && stable != nil {
		alpha /= 2 // for each of the two
	}
	above := Above(candidate, e.Max)
	if limited && Decisive(above, alpha) {
		return Excessive, above
	}
	if stable == nil {
		return e.settle(candidate, limited && candidate.Ratio() > e.Max, true), above
	}
	worse := Worse(candidate, *stable, e.MaxIncrease)
	if Decisive(worse, alpha) {
		return Bad, worse
	}
	doubtful := limited && candidate.Ratio() > e.Max || candidate.Ratio()-orZero(*stable) > e.MaxIncrease
	return e.settle(candidate, doubtful, Decisive(Within(candidate, *stable, e.Detect), e.Beta)), worse
}

// settle is the finding where nothing is decisive against the candidate.
func (e Errors) settle(candidate Counts, doubtful, ruledOut bool) Finding {
	switch {
	case !(candidate.Requests >= max(1, e.MinRequests)):
		return TooFew
	case doubtful:
		return Undecided
	case !ruledOut:
		return TooFew
	}
	return Good
}

// Needed is how many requests of the candidate it takes at least, none of
// which fails, beside a stable release.
func (e Errors) Needed() float64 {
	return max(1, e.MinRequests, Needed(e.Detect, e.Beta))
}
