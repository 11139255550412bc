package rollout_test

import (
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
)

// changedStories ask for something else under way, or again.
var changedStories = map[string]story{
	"superseded while staging": {
		begin: serving, lasts: 13 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{phase(v1alpha1.PhaseStaging), ask("v3")}},
	},
	"superseded at half": {
		begin: serving, lasts: 18 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("half"), ask("v3")}},
	},
	"superseded twice quickly": {
		begin: serving, lasts: 16 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), ask("v3")}, {later(5 * time.Second), ask("v4")}},
	},
	"superseded while the old one drains": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{phase(v1alpha1.PhaseSettling), ask("v3")}},
	},
	"superseded in verification": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{phase(v1alpha1.PhaseVerifying), ask("v3")}},
	},
	"reverted mid-rollout": {
		begin: serving, lasts: 7 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("half"), ask("v1")}},
	},
	"reverted after a rollback": {
		begin: serving, lasts: 6 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), alertFires}, {rests("v2"), ask("v1")}},
	},
	"asked for again after it was superseded": {
		begin: serving, lasts: 16 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("quarter"), ask("v3")}, {phase(v1alpha1.PhaseRollingBack), func(*world) {}}, {later(5 * time.Second), ask("v2")}},
	},
	"back to a recent good release": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{rests("v2"), ask("v1")}},
	},
	"back to a recent good release at once": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{phase(v1alpha1.PhaseSettling), ask("v1")}},
	},
	"back to an old good release": {
		begin: serving, lasts: 90 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{rests("v2"), func(*world) {}}, {later(time.Hour), ask("v1")}},
	},
	"digest already stable": {
		begin: serving, lasts: 5 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{func(*world) bool { return true }, ask("v1-again")}},
	},
	"another tag and back": {
		begin: serving, lasts: 5 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{func(*world) bool { return true }, ask("v1-again")}, {asked("v1-again"), ask("v1")}},
	},
	"invalid spec then corrected": {
		begin: serving, lasts: 20 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{
			{step("first"), invalid}, {later(0), ask("v3")}, // v2 goes on
			{both(rests("v2"), later(10*time.Minute)), valid},
		},
	},
	"invalid first spec then corrected": {
		begin: invalidFirst, lasts: 5 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{later(time.Minute), valid}},
	},
}

func TestTracesOfChangedMinds(t *testing.T) { tell(t, changedStories) }

// asked for and at rest.
func asked(v string) func(*world) bool {
	return both(ended, func(w *world) bool { return w.sd.Status.Candidate.Asked == "asks-"+v })
}

func invalid(w *world) {
	w.says.spec = testkit.Failed(v1alpha1.SignalSpec, "InvalidSpec")
}

func valid(w *world) { w.says.spec = testkit.Passed(v1alpha1.SignalSpec) }

func invalidFirst(t testing.TB, change ...func(*v1alpha1.SignalDeployment)) *world {
	w := newWorld(t, change...)
	invalid(w)
	return w
}
