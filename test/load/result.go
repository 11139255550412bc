package load

import (
	"slices"
	"time"
)

// Result is what became of the requests.
type Result struct {
	Sent     int
	Lost     int            // no answer of the service came
	Errors   int            // the service answered with 5xx
	Codes    map[int]int    // answers by status; 0: none came
	Versions map[string]int // answers by version

	P50, P95, P99, Max time.Duration

	FirstBad, LastBad time.Time // when the first and the last 5xx of the service came
	Problems          []string  // of lost requests, each once, at most ten

	answers []Answer
}

// summarize sums up the answers to sent requests.
func summarize(answers []Answer, sent int) Result {
	r := Result{Sent: sent, Codes: map[int]int{}, Versions: map[string]int{}, answers: slices.Clone(answers)}
	took := make([]time.Duration, 0, len(answers))
	for _, a := range answers {
		r.Codes[a.Code]++
		took = append(took, a.Took)
		switch {
		case a.Lost():
			r.Lost++
			r.problem(a.Err)
			continue
		case a.Failed():
			r.Errors++
			r.bad(a.Start.Add(a.Took))
		}
		r.Versions[a.Version]++
	}
	slices.Sort(took)
	r.P50, r.P95, r.P99, r.Max = rank(took, 50), rank(took, 95), rank(took, 99), rank(took, 100)
	return r
}

func (r *Result) bad(at time.Time) {
	if r.FirstBad.IsZero() || at.Before(r.FirstBad) {
		r.FirstBad = at
	}
	if at.After(r.LastBad) {
		r.LastBad = at
	}
}

func (r *Result) problem(text string) {
	if len(r.Problems) < 10 && !slices.Contains(r.Problems, text) {
		r.Problems = append(r.Problems, text)
	}
}

// rank is the nearest-rank percentile of sorted durations; zero of none.
func rank(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

// ErrorsOf counts the 5xx answers of a version.
func (r Result) ErrorsOf(version string) int {
	n := 0
	for _, a := range r.answers {
		if a.Failed() && a.Version == version {
			n++
		}
	}
	return n
}

// Share is the part of the answers in [from, to) that a version gave, from 0
// to 1; 0 when there were none.
func (r Result) Share(version string, from, to time.Time) float64 {
	all, its := 0, 0
	for _, a := range r.answers {
		if a.Lost() || a.Start.Before(from) || !a.Start.Before(to) {
			continue
		}
		all++
		if a.Version == version {
			its++
		}
	}
	if all == 0 {
		return 0
	}
	return float64(its) / float64(all)
}
