package rollout_test

import (
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

var goodStories = map[string]story{
	"first release":           {begin: first, lasts: 5 * time.Minute, want: v1alpha1.PhaseSucceeded},
	"three steps to success":  {begin: serving, lasts: 12 * time.Minute, want: v1alpha1.PhaseSucceeded},
	"no routes":               {begin: serving, change: unrouted, lasts: 6 * time.Minute, want: v1alpha1.PhaseSucceeded},
	"no routes first release": {begin: first, change: unrouted, lasts: 5 * time.Minute, want: v1alpha1.PhaseSucceeded},
}

func TestTracesOfGoodReleases(t *testing.T) { tell(t, goodStories) }

// first is a world in which nothing has been released yet.
func first(t testing.TB, change ...func(*v1alpha1.SignalDeployment)) *world {
	return newWorld(t, change...)
}

// unrouted switches the Service in one move.
func unrouted(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Traffic.HTTPRoutes, sd.Spec.Strategy.Steps = nil, nil
}
