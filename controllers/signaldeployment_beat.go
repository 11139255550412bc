package controllers

import (
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// beat is when to sample again: with all releases of the same interval, so that
// a metric server is asked once for all of them.
func (r *SignalDeploymentReconciler) beat(sd *v1alpha1.SignalDeployment) time.Duration {
	var oldest time.Time
	history := r.minds.of(client.ObjectKeyFromObject(sd)).history
	for _, metric := range sd.Spec.Analysis.Metrics {
		latest := history.Record(metric.Name).Latest.Time
		if oldest.IsZero() || latest.Before(oldest) {
			oldest = latest
		}
	}
	return nextBeat(oldest, r.Clock.Now(), interval(sd))
}

// nextBeat is how long until a sample after the latest is due. Beats are the
// multiples of the interval. Nobody waits longer than an interval for one: who
// is not on the beat comes a little sooner each time, until they are.
func nextBeat(latest, now time.Time, interval time.Duration) time.Duration {
	if age := now.Sub(latest); age < 0 || age > interval {
		latest = now // there is none, or it is overdue and has just been asked for
	}
	due := latest.Add(interval - interval/10) // analysis.History takes it from then on
	next := due
	if beat := due.Truncate(interval); beat.Equal(due) {
		next = beat
	} else if beat = beat.Add(interval); !beat.After(latest.Add(interval)) {
		next = beat
	}
	return max(next.Sub(now), time.Millisecond)
}
