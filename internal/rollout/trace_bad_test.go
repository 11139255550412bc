package rollout_test

import (
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

var badStories = map[string]story{
	"alert at the second step": {
		begin: serving, lasts: 6 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("quarter"), func(*world) {}}, {later(20 * time.Second), alertFires}},
	},
	"smoke failure": {
		begin: serving, lasts: 3 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseChecking), say(func(s *signals) { s.smoke = testkit.Failed(v1alpha1.SignalSmoke, "WrongStatus") })}},
	},
	"image not found": {
		begin: serving, lasts: 2 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseResolving), say(func(s *signals) { s.artifact = testkit.Failed(v1alpha1.SignalArtifact, "NotFound") })}},
	},
	"a pod runs another image at a step": {
		begin: serving, lasts: 6 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("quarter"), say(func(s *signals) { s.proof = testkit.Failed(v1alpha1.SignalArtifact, "RunsAnotherImage") })}},
	},
	"no pod says which image it runs": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseStaging), say(func(s *signals) { s.proof = testkit.Unknown(v1alpha1.SignalArtifact) })}},
	},
	"image deleted once it is released": {
		begin: serving, lasts: 11 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{phase(v1alpha1.PhaseVerifying), say(func(s *signals) {
			s.seal = []verdict.Verdict{testkit.Failed(v1alpha1.SignalArtifact, "ImageNotFound")}
		})}},
	},
	"registry never asked again": {
		begin: serving, lasts: 16 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{phase(v1alpha1.PhaseVerifying), say(func(s *signals) { s.unsealed = true })}},
	},
	"candidate crash-loops": {
		begin: serving, lasts: 3 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseStaging), crash("v2")}},
	},
	"candidate never gets ready": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseStaging), limit("v2", 0)}},
	},
	"candidate dies at a step": {
		begin: serving, lasts: 7 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{step("half"), crash("v2")}},
	},
	"analysis stays silent": {
		begin: serving, lasts: 9 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{phase(v1alpha1.PhaseProgressing), silence}},
	},
	"analysis is heard again": {
		begin: serving, lasts: 14 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), silence}, {later(3 * time.Minute), heardAgain}},
	},
	"verification fails after the cutover": {
		begin: serving, lasts: 9 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{phase(v1alpha1.PhaseVerifying), func(*world) {}}, {later(30 * time.Second), alertFires}},
	},
	"first release fails its verification": {
		begin: first, lasts: 4 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseVerifying), alertFires}},
	},
	"first release fails its checks": {
		begin: first, lasts: 3 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseChecking), say(func(s *signals) { s.smoke = testkit.Failed(v1alpha1.SignalSmoke, "WrongStatus") })}},
	},
	"no routes verification fails": {
		begin: serving, change: unrouted, lasts: 5 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{phase(v1alpha1.PhaseVerifying), alertFires}},
	},
}

func TestTracesOfBadReleases(t *testing.T) { tell(t, badStories) }

// cutoverStories fail between the moves of a cutover.
var cutoverStories = map[string]story{
	"failure in move Weight": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseRolledBack, script: []act{{move(v1alpha1.MoveWeight), alertFires}},
	},
	"failure in move Weight with all weight": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{both(move(v1alpha1.MoveWeight), weighs(100)), alertFires}},
	},
	"failure in move Select": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseRolledBack, script: []act{{move(v1alpha1.MoveSelect), alertFires}},
	},
	"failure in move Select when selected": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{both(move(v1alpha1.MoveSelect), selects("v2")), alertFires}},
	},
	"failure in move Return": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseRolledBack, script: []act{{move(v1alpha1.MoveReturn), alertFires}},
	},
	"failure in move Return when returned": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{both(move(v1alpha1.MoveReturn), weighs(0)), alertFires}},
	},
	"candidate dies in move Select": {
		begin: serving, lasts: 8 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{both(move(v1alpha1.MoveSelect), selects("v2")), crash("v2")}},
	},
}

func TestTracesOfFailedCutovers(t *testing.T) { tell(t, cutoverStories) }

func weighs(weight int32) func(*world) bool {
	return func(w *world) bool { return w.route.Weight == weight }
}

func selects(hash string) func(*world) bool {
	return func(w *world) bool { return w.service.Stable == hash }
}
