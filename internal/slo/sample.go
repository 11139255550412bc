package slo

import (
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Answer is the one number that a query is answered with, or why there is none:
// ReasonNoData where there is no such series.
type Answer struct {
	Value           *float64
	Reason, Problem string
}

// Sample is what the queries over one window answered with. A value that is
// missing was not there; Problem is why, if that is known.
type Sample struct {
	Time                      time.Time
	Failed, Total, Rate, Seen *float64
	Query                     string // what answers with the share that was consumed in the window
	Source                    string

	Reason, Problem string // why there is no answer
}

// counted reports whether the sample says how many requests there were.
func (s Sample) counted() bool { return s.Failed != nil && s.Total != nil }

// Take samples the present window of an account. A rate that is known well is
// not asked for again at once.
func Take(ask func(query string) Answer, s v1alpha1.SLO, subject Subject, a Account, now time.Time) Sample {
	var sample Sample
	for _, q := range Budget(s, subject, a.Since, now) {
		query := q.Share(s)
		if a.paced(now) {
			q.Rate, q.Seen = "", ""
		}
		sample = take(ask, s, q)
		sample.Query = query
		if sample.Reason != ReasonNoData {
			break
		}
	}
	sample.Time = now
	return sample
}

// take asks one set of queries. No series of failures means that none failed,
// where there is one of all requests; but a histogram without the bucket tells
// nothing.
func take(ask func(query string) Answer, s v1alpha1.SLO, q Queries) Sample {
	sample := Sample{}
	for _, one := range []struct {
		query  string
		answer **float64
	}{{q.Total, &sample.Total}, {q.Failed, &sample.Failed}, {q.Rate, &sample.Rate}, {q.Seen, &sample.Seen}} {
		if one.query == "" {
			continue
		}
		got := ask(one.query)
		switch {
		case got.Value != nil:
			*one.answer = got.Value
		case got.Reason != ReasonNoData:
			sample.Reason, sample.Problem = got.Reason, got.Problem
			return sample
		case one.answer == &sample.Total:
			sample.Reason, sample.Problem = got.Reason, "no request of the operation is known; check metric, labels and matchers, and that the release gets traffic"
			return sample
		case one.answer == &sample.Failed && s.Latency == nil:
			sample.Failed = new(float64)
		case one.answer == &sample.Failed:
			sample.Reason, sample.Problem = "NoBucket", "the histogram has no bucket of which thresholdSeconds is the bound"
			return sample
		}
	}
	return sample
}
