package rollout_test

import (
	"maps"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
)

// TestAQuietWorldAlwaysEnds takes every state that a rollout goes through and
// lets every signal fall silent: what was wanted, and time, must carry it to an
// end. The operator sleeps as long as it was told to, unless the cluster
// changes.
func TestAQuietWorldAlwaysEnds(t *testing.T) {
	for name, s := range map[string]story{
		"first release":   {begin: first},
		"steps":           {begin: serving},
		"no routes":       {begin: serving, change: unrouted},
		"rollback":        {begin: serving, script: []act{{phase(v1alpha1.PhaseVerifying), alertFires}}},
		"half-way back":   {begin: serving, script: []act{{step("half"), alertFires}}},
		"superseded":      {begin: serving, script: []act{{step("half"), ask("v3")}}},
		"overwritten":     {begin: serving, script: []act{{step("half"), overwrite}}},
		"pods are lost":   {begin: serving, script: []act{{step("half"), limit("v2", 1)}}},
		"stable is short": {begin: serving, script: []act{{step("half"), limit("v1", 1)}, {later(0), alertFires}}},
		"scaled to zero":  {begin: asleep},
		"no report": {
			begin: serving, change: func(sd *v1alpha1.SignalDeployment) { sd.Spec.Strategy.DrainSeconds = new(int32(0)) },
			script: []act{{step("first"), ask("v3")}, {later(0), say(func(s *signals) { s.deaf = true })}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if s.change == nil {
				s.change = func(*v1alpha1.SignalDeployment) {}
			}
			w := s.begin(t, s.change)
			w.script = s.script
			for end := w.now.Add(15 * time.Minute); w.now.Before(end); {
				w.turn()
				w.clone().mustEnd()
			}
		})
	}
}

// mustEnd follows After alone.
func (w *world) mustEnd() {
	w.t.Helper()
	w.script, w.quiet = nil, true
	w.says.artifact, w.says.smoke = testkit.Unknown(v1alpha1.SignalArtifact), testkit.Unknown(v1alpha1.SignalSmoke)
	w.says.metric, w.says.alert = testkit.Unknown(v1alpha1.SignalMetric), testkit.Unknown(v1alpha1.SignalAlert)
	start := w.now
	for range 500 {
		seen, now := w.observe(), w.now
		d := w.turn()
		if over(d.Next.Rollout.Phase) && d.After == 0 && gocmp.Equal(seen, w.observe()) {
			if asked := "asks-" + version(w.sd); d.Next.Candidate.Asked != asked || len(d.Next.Draining) > 0 {
				w.t.Fatalf("at rest with %s, though %s is asked for and %v drain", d.Next.Candidate.Asked, asked, d.Next.Draining)
			}
			return
		}
		switch changed := !gocmp.Equal(seen, w.observe()); {
		case changed:
			w.now = now.Add(time.Second)
		case d.After > 0:
			w.now = now.Add(d.After)
		case !over(d.Next.Rollout.Phase):
			w.t.Fatalf("asleep for ever in %s: %s", d.Next.Rollout.Phase, d.Next.Rollout.Message)
		}
	}
	w.t.Fatalf("no end after %s: %+v", w.now.Sub(start), w.last.Next.Rollout)
}

func (w *world) clone() *world {
	c := &world{
		t: w.t, sd: w.sd.DeepCopy(), now: w.now, tick: w.tick, origin: w.origin, done: w.done,
		service: w.service, route: w.route, says: w.says, quiet: true,
		pods: maps.Clone(w.pods), started: maps.Clone(w.started), reports: maps.Clone(w.reports),
	}
	c.last = rollout.Decision{}
	return c
}
