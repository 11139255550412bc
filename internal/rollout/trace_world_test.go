package rollout_test

import (
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// worldStories happen to a release from outside.
var worldStories = map[string]story{
	"scaled during the steps": {
		begin: serving, change: func(sd *v1alpha1.SignalDeployment) { sd.Spec.Replicas = new(int32(2)) }, lasts: 15 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), replicas(10)}, {step("half"), replicas(3)}},
	},
	"stable underscaled during rollback": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{
			{both(move(v1alpha1.MoveWeight), weighs(100)), limit("v1", 1)},
			{later(0), alertFires},
			{later(20 * time.Second), limit("v1", 3)},
			{later(20 * time.Second), heal("v1")},
		},
	},
	"stable underscaled for good": {
		begin: serving, lasts: 14 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("half"), limit("v1", 1)}, {later(0), alertFires}},
	},
	"stable dead during rollback": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("half"), limit("v1", 0)}, {later(0), alertFires}, {later(8 * time.Minute), heal("v1")}},
	},
	"stable dead during rollback without routes": {
		begin: serving, change: unrouted, lasts: 12 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{phase(v1alpha1.PhaseVerifying), limit("v1", 0)}, {later(0), alertFires}, {later(3 * time.Minute), heal("v1")}},
	},
	"rollback while scaled to zero": {
		begin: serving, lasts: 6 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("first"), func(*world) {}}, {later(0), replicas(0)}, {later(20 * time.Second), alertFires}},
	},
	"released while scaled to zero": {
		begin: serving, lasts: 15 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{phase(v1alpha1.PhasePending), replicas(0)}},
	},
	"rolled back from zero": {
		begin: asleep, lasts: 15 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("first"), alertFires}},
	},
	"route overwritten mid-step": {
		begin: serving, lasts: 15 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), func(*world) {}}, {later(30 * time.Second), overwrite}},
	},
	"route overwritten while paused": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), pause}, {later(3 * time.Minute), overwrite}, {later(5 * time.Second), unpause}},
	},
	"route overwritten while the selector moves": {
		begin: serving, lasts: 15 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{move(v1alpha1.MoveSelect), func(w *world) {
			overwrite(w)
			w.service.Stable = "v1" // the write was lost
		}}},
	},
	"pods lost at a step": {
		begin: serving, lasts: 15 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("half"), limit("v2", 1)}, {later(90 * time.Second), heal("v2")}},
	},
	"no report can be written": {
		begin: serving, lasts: 15 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("first"), ask("v3")}, {later(0), say(func(s *signals) { s.deaf = true })}},
	},
}

func TestTracesOfTheWorld(t *testing.T) { tell(t, worldStories) }

// asleep is a world in which v1 serves with no pods.
func asleep(t testing.TB, change ...func(*v1alpha1.SignalDeployment)) *world {
	w := serving(t, append(change, func(sd *v1alpha1.SignalDeployment) { sd.Spec.Replicas = new(int32(1)) })...)
	ask("v1")(w)
	replicas(0)(w)
	w.run(time.Minute)
	w.trace.Reset()
	w.origin, w.done = w.now, w.now
	ask("v2")(w)
	return w
}
