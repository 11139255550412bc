package rollout_test

import (
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// oddStories are told of memories that someone has edited or lost, and of
// objects that go.
var oddStories = deletions(map[string]story{
	"tampered status without steps": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("half"), func(w *world) { w.sd.Status.Rollout.Plan.Steps = nil }}},
	},
	"tampered status beyond the steps": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("half"), func(w *world) { w.sd.Status.Rollout.Step = 7 }}},
	},
	"tampered status without a move": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{move(v1alpha1.MoveSelect), func(w *world) { w.sd.Status.Rollout.Move = "" }}},
	},
	"status lost at rest": {
		begin: serving, lasts: 5 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{later(0), ask("v1")}, {later(0), forget}},
	},
	"status lost and a new release asked for": {
		begin: serving, lasts: 15 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{later(0), forget}},
	},
	"status lost at half": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("half"), forget}},
	},
	"status lost with an invalid spec": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("half"), forget}, {later(0), invalid}, {later(5 * time.Minute), valid}},
	},
	"deleted with no pods to serve": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseProgressing,
		script: []act{{step("half"), limit("v1", 0)}, {later(0), remove}},
	},
})

func TestTracesOfOddMemories(t *testing.T) { tell(t, oddStories) }

// forget loses the status, as a restore from a backup does.
func forget(w *world) { w.sd.Status = v1alpha1.SignalDeploymentStatus{ObservedGeneration: -1} }

// deletions adds the story of a deletion in each phase.
func deletions(stories map[string]story) map[string]story {
	for _, p := range []v1alpha1.Phase{
		v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseChecking,
		v1alpha1.PhaseVerifying, v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded,
	} {
		stories["deleted in "+string(p)] = story{begin: serving, lasts: 20 * time.Minute, want: p, script: []act{{phase(p), remove}}}
	}
	stories["deleted in Progressing"] = story{begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseProgressing, script: []act{{step("half"), remove}}}
	for _, m := range []v1alpha1.CutoverMove{v1alpha1.MoveWeight, v1alpha1.MoveSelect, v1alpha1.MoveReturn} {
		stories["deleted in move "+string(m)] = story{begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseCuttingOver, script: []act{{move(m), remove}}}
	}
	stories["deleted in RollingBack"] = story{
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseRollingBack,
		script: []act{{phase(v1alpha1.PhaseVerifying), alertFires}, {phase(v1alpha1.PhaseRollingBack), remove}},
	}
	return stories
}
