package slo

import "github.com/signal-delivery/operator/api/v1alpha1"

// Remaining is the query for the share of an error budget that is left, below 0
// when more was spent: as it is recorded where the rules of the objective are
// evaluated, else of the counters themselves. It is about the whole window and
// all releases, and takes a server that keeps samples for that long.
func Remaining(s v1alpha1.SLO, namespace, name string) string {
	g := generator{requests: of(s, namespace, name), namespace: namespace, name: name}
	return "min(" + g.own(SeriesRemaining) + ") or 1 - " + g.ratio(rate(span(window(s)))) + " / " + literal(budget(s))
}

// Window is what the objective is about, for people.
func Window(s v1alpha1.SLO) string { return span(window(s)) }
