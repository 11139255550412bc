package slo

import (
	"math"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const (
	lookback = 5 * time.Minute // how old a sample may be and still be current, in Prometheus
	present  = 5 * time.Minute // what the current rate is taken over
	pace     = 5 * time.Second // of a subquery
)

// Queries ask for what a release has consumed of an error budget. Each answers
// with one number, or with nothing.
type Queries struct {
	Failed, Total string        // requests of the candidate, counted since it took traffic
	Rate          string        // requests per second of all releases, now
	Seen          string        // how many requests the rate rests on
	Window        time.Duration // that Failed and Total cover, in whole seconds, at least one
}

// Budget are the queries for one objective, at now; since is when the candidate
// first took traffic.
func Budget(s v1alpha1.SLO, subject Subject, since, now time.Time) Queries {
	all := of(s, subject.Namespace, subject.Name)
	mine := all.by(subject.Release)
	over := max(now.Sub(since).Truncate(time.Second), time.Second)
	recent := measure(func(selector string) string { return "increase(" + selector + "[" + span(present) + "])" })
	return Queries{
		Failed: mine.failed(growth(over)), Total: mine.total(growth(over)),
		Rate: all.pace(), Seen: all.total(recent), Window: over,
	}
}

// growth is by how much a counter grew, to the unit: increase() extrapolates,
// and it misses the first value of a series that appears with one, as the
// first error of a pod does. Where a counter was reset, increase() it is.
func growth(over time.Duration) measure {
	return func(selector string) string {
		last := "last_over_time(" + selector + "[" + span(over) + "])"
		return "(" + last + " - " + selector + " offset " + span(over) + " or " + last + ")" +
			" and resets(" + selector + "[" + span(over+lookback) + "]) == 0" +
			" or increase(" + selector + "[" + span(over) + "])"
	}
}

// pace is how fast all requests come, of the series that are still there. It
// is a slope, not rate(): where the samples go back less far than the window,
// as they do when the operator has only just begun to take some, rate() would
// be too low, and the budget seem too small.
func (r requests) pace() string {
	slope := func(selector, points string) string {
		return "sum(deriv(" + points + "[" + span(present) + ":" + span(pace) + "]) and " + selector +
			" and resets(" + selector + "[" + span(present) + "]) == 0"
	}
	rest := func(selector string) string { return "rate(" + selector + "[" + span(present) + "])" }
	if r.slo.Latency == nil {
		c := r.counter("")
		return slope(c, c) + " or " + rest(c) + " and " + c + ")"
	}
	count, native := r.histogram("_count", ""), r.histogram("", "")
	return "(" + slope(count, count) + " or " + rest(count) + " and " + count + ")" +
		" or " + slope(native, "histogram_count("+native+")") + " or histogram_count(" + rest(native) + " and " + native + ")))"
}

// Counts are the answers to the queries; nil where there was none.
type Counts struct{ Failed, Total, Rate, Seen *float64 }

// Spending is what a release has consumed of an error budget.
type Spending struct {
	Failed, Total float64 // requests of the release
	Ratio         float64 // failed of all; 0 without requests
	BurnRate      float64 // how many times as fast as it may the release spends the budget
	Expected      float64 // requests of the whole window, should they go on as they come now
	Consumed      float64 // share of the window's budget
	Least, Most   float64 // between which the share is, with 95 % confidence in the rate
}

// Spend is what has been consumed, if it can be told: there must have been
// requests.
//
// That so many requests failed is a count: nothing about it is uncertain. How
// large the budget is, is an estimate: the requests of the window are not over
// yet, so the present rate, of all releases together, stands for all of it.
// Least and Most say how well the rate is known, from the number of requests it
// was taken of, as if they came independently of each other. They do not know
// that nights are quieter than days: a release at the quietest hour seems to
// spend more than it will have, one at the busiest less.
func Spend(s v1alpha1.SLO, c Counts) (Spending, bool) {
	for _, known := range []*float64{c.Failed, c.Total, c.Rate, c.Seen} {
		if known == nil || math.IsNaN(*known) || math.IsInf(*known, 0) {
			return Spending{}, false
		}
	}
	if *c.Total <= 0 || *c.Rate <= 0 || *c.Seen < 1 {
		return Spending{}, false
	}
	sp := Spending{Failed: max(0, *c.Failed), Total: *c.Total, Expected: *c.Rate * window(s).Seconds()}
	sp.Ratio = sp.Failed / sp.Total
	sp.BurnRate = sp.Ratio / budget(s)
	sp.Consumed = sp.Failed / (budget(s) * sp.Expected)
	fewest, most := bounds(*c.Seen)
	sp.Least, sp.Most = sp.Consumed**c.Seen/most, sp.Consumed**c.Seen/fewest
	return sp, true
}

// bounds are between which the mean is, with 95 % confidence, of a Poisson
// distribution of which n was seen, at least 1: Wilson and Hilferty's
// approximation of the exact bounds, right to a percent or two from 1 on.
func bounds(n float64) (least, most float64) {
	const z = 1.959964
	cube := func(x float64) float64 { return x * x * x }
	least = n * cube(1-1/(9*n)-z/(3*math.Sqrt(n)))
	most = (n + 1) * cube(1-1/(9*(n+1))+z/(3*math.Sqrt(n+1)))
	return least, most
}
