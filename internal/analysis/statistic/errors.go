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
	alpha, limited := e.Share(stable != nil), !math.IsNaN(e.Max)
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

// Share is how likely the evidence may be chance: where both the absolute limit
// and the stable release count, each has half of Alpha.
func (e Errors) Share(compared bool) float64 {
	if compared && !math.IsNaN(e.Max) {
		return e.Alpha / 2
	}
	return e.Alpha
}

// More is how many more requests of the candidate it takes to decide, if they
// go on failing as often as those that were seen.
func (e Errors) More(candidate Counts, stable *Counts) float64 {
	if candidate.Requests == 0 {
		return e.Needed()
	}
	return more(candidate.Requests, func(times float64) Finding {
		var grown *Counts
		if stable != nil {
			grown = &Counts{Requests: stable.Requests * times, Failed: stable.Failed * times}
		}
		finding, _ := e.Judge(Counts{Requests: candidate.Requests * times, Failed: candidate.Failed * times}, grown)
		return finding
	})
}

// more is how many more requests than had it takes until there is a finding.
func more(had float64, at func(times float64) Finding) float64 {
	times := 1.0
	for finding := at(times); (finding == TooFew || finding == Undecided) && times < 1e4; finding = at(times) {
		times *= 1.1
	}
	return had * (times - 1)
}
