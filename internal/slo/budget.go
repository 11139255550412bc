package slo

import (
	"fmt"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

const (
	present = 5 * time.Minute // what the current rate is taken over
	pace    = 5 * time.Second // of a subquery
)

// Queries ask for what a release has consumed of an error budget. Each answers
// with one number, or with nothing.
type Queries struct {
	Total  string // requests of the candidate since the window began
	Failed string // those that were not answered well
	Rate   string // requests per second of all releases, now
	Seen   string // how many requests the rate rests on
}

// Budget are the queries for one objective over the window from since to now.
// There is more than one set where the metric may be of more than one kind: the
// first whose Total is answered counts.
func Budget(s v1alpha1.SLO, subject Subject, since, now time.Time) []Queries {
	all := of(s, subject.Namespace, subject.Name)
	mine := all.by(subject.Release)
	over := span(max(now.Sub(since).Truncate(time.Millisecond), time.Millisecond))
	grown := func(selector string) string { return "sum(" + all.growth(selector, over) + ")" }
	if s.Latency == nil {
		return []Queries{{
			Total: grown(mine.counter("")), Failed: grown(mine.counter(mine.failing())),
			Rate: slope(all.counter("")), Seen: "sum(" + increase(all.counter(""), span(present)) + ")",
		}}
	}
	count, native := all.histogram("_count", ""), all.histogram("", "")
	requests := "sum(" + increase(mine.histogram("", ""), over) + ")"
	return []Queries{
		{
			Total:  grown(mine.histogram("_count", "")),
			Failed: grown(mine.histogram("_count", "")) + " - " + grown(mine.histogram("_bucket", bound(mine.threshold()))),
			Rate:   slope(count), Seen: "sum(" + increase(count, span(present)) + ")",
		},
		{
			Total: "histogram_count(" + requests + ")", Failed: mine.slow(requests),
			Rate: nativeSlope(native), Seen: "histogram_count(sum(" + increase(native, span(present)) + "))",
		},
	}
}

// Share is the query for what was consumed in the window, of the budget of one.
func (q Queries) Share(s v1alpha1.SLO) string {
	return fmt.Sprintf("(%s) / (%s * %s * %s)", q.Failed, literal(budget(s)), literal(window(s).Seconds()), q.Rate)
}

func increase(selector, over string) string { return "increase(" + selector + "[" + over + "])" }

// growth is by how much a counter grew, to the unit. increase() extrapolates,
// and it misses the first value of a series that appears with one, as the
// first error of a pod does. Where the counter was reset, or is new, all that
// it says is growth; but only if someone was looking when the window began,
// which the operator was not right after its start.
func (r requests) growth(selector, over string) string {
	last := "last_over_time(" + selector + "[" + over + "])"
	return last + " - " + selector + " offset " + over + " >= 0" +
		" or " + last + " and on() group(" + r.up() + " offset " + over + ")" +
		" or " + increase(selector, over)
}

// slope is how fast all requests come, of the series that are still there. It
// is no rate(): where the samples go back less far than the window, as they do
// when the operator has only just begun to take some, rate() would be too low,
// and the budget seem too small.
func slope(c string) string {
	five := "[" + span(present) + "]"
	return "sum(deriv(" + c + five + ") and " + c + " and resets(" + c + five + ") == 0 or rate(" + c + five + ") and " + c + ")"
}

// nativeSlope is the same of a native histogram, which has a slope only by its
// count.
func nativeSlope(h string) string {
	five := "[" + span(present) + "]"
	return fmt.Sprintf("sum(deriv(histogram_count(%s)[%s:%s]) and %s and resets(%s%s) == 0 or histogram_count(rate(%s%s) and %s))",
		h, span(present), span(pace), h, h, five, h, five, h)
}
