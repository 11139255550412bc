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

// Between is what became of the requests that were sent in [from, to), as far
// as they have ended.
func (r Result) Between(from, to time.Time) Result {
	var within []Answer
	for _, a := range r.answers {
		if !a.Start.Before(from) && a.Start.Before(to) {
			within = append(within, a)
		}
	}
	return summarize(within, len(within))
}

// Last is when the last answer of a version came; zero when there was none.
func (r Result) Last(version string) time.Time {
	var last time.Time
	for _, a := range r.answers {
		if came := a.Start.Add(a.Took); a.Version == version && came.After(last) {
			last = came
		}
	}
	return last
}

// Share is the part of the answers in [from, to) that a version gave, from 0
// to 1; 0 when there were none.
func (r Result) Share(version string, from, to time.Time) float64 {
	part := r.Between(from, to)
	answered := part.Sent - part.Lost
	if answered == 0 {
		return 0
	}
	return float64(part.Versions[version]) / float64(answered)
}

// Second is what became of the requests that were sent in one second.
type Second struct {
	Start time.Time
	Result
}

// Timeline is the result second by second, from the second of the first
// request to that of the last; those without a request are among them.
func (r Result) Timeline() []Second {
	if len(r.answers) == 0 {
		return nil
	}
	byStart := slices.SortedFunc(slices.Values(r.answers), func(a, b Answer) int { return a.Start.Compare(b.Start) })
	var seconds []Second
	for start := byStart[0].Start.Truncate(time.Second); len(byStart) > 0; start = start.Add(time.Second) {
		n := 0
		for n < len(byStart) && byStart[n].Start.Before(start.Add(time.Second)) {
			n++
		}
		seconds = append(seconds, Second{start, summarize(byStart[:n], n)})
		byStart = byStart[n:]
	}
	return seconds
}
