package rollout_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// entry is where clients reach the service of a world, and what checks say that
// go that way.
type entry struct {
	release, accepted string           // that requests which name it are led to, and are so a tick later
	gateway, after    *verdict.Verdict // of checks through the Gateway, and after the cutover; nil: as smoke
	through, late     map[string]bool  // Jobs that have started, by attempt
	refuses           bool             // the gateway does not accept the preview
	lingers           bool             // the preview cannot be deleted

	writes, selections int // of the routes' weights, and of what the stable Service selects
}

// entered has checks at every stage, and somewhere to enter.
func entered(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Traffic.Entry = &v1alpha1.TrafficEntry{URL: "https://signals.example"}
	sd.Spec.Checks.Smoke[0].Stages = []v1alpha1.CheckStage{v1alpha1.StageCandidate, v1alpha1.StageGateway, v1alpha1.StageAfterCutover}
}

// check asks the checks before the candidate takes traffic.
func (w *world) check(seen *rollout.Observation) {
	wait := verdict.Wait(v1alpha1.SignalSmoke, "Starting", "The Job has not started")
	w.preview(seen)
	seen.Checks = rollout.Checks{}
	say := func(name string, v verdict.Verdict, started bool) {
		if !started {
			v = wait
		}
		seen.Checks[rollout.PartSmoke] = append(seen.Checks[rollout.PartSmoke], verdict.Named(v, name))
	}
	for _, check := range w.sd.Spec.Checks.Smoke {
		for _, stage := range release.Stages(check) {
			switch stage {
			case v1alpha1.StageCandidate:
				say(check.Name, w.says.smoke, w.started[w.attempt()])
			case v1alpha1.StageGateway:
				say(check.Name+".Gateway", w.entry.or(w.entry.gateway, w.says.smoke), w.entry.through[w.attempt()])
			case v1alpha1.StageAfterCutover:
			}
		}
	}
}

// verify asks the checks once the candidate serves all.
func (w *world) verify(seen *rollout.Observation) {
	if w.sd.Status.Rollout.Phase != v1alpha1.PhaseVerifying {
		return
	}
	seen.After = rollout.Checks{}
	for _, check := range w.sd.Spec.Checks.Smoke {
		if !slices.Contains(check.Stages, v1alpha1.StageAfterCutover) {
			continue
		}
		v := w.entry.or(w.entry.after, w.says.smoke)
		if !w.entry.late[w.attempt()] {
			v = verdict.Wait(v1alpha1.SignalSmoke, "Starting", "The Job has not started")
		}
		seen.After[rollout.PartSmoke] = append(seen.After[rollout.PartSmoke], verdict.Named(v, check.Name+".AfterCutover"))
	}
}

// preview reads whether requests that name the candidate reach it.
func (w *world) preview(seen *rollout.Observation) {
	seen.Preview.Verdict = verdict.Wait(v1alpha1.SignalRoute, "NotAccepted", "No gateway has answered for HTTPRoute app-preview yet")
	if c := w.sd.Status.Candidate; c != nil && w.entry.accepted == c.Hash && !w.entry.refuses {
		seen.Preview.Verdict = verdict.Pass(v1alpha1.SignalRoute, "Accepted", "The gateway has accepted HTTPRoute app-preview")
	}
}

func (e entry) or(v *verdict.Verdict, otherwise verdict.Verdict) verdict.Verdict {
	if v == nil {
		return otherwise
	}
	return *v
}

// checked starts Jobs, and makes the preview or takes it away.
func (w *world) checked(want rollout.Want) {
	if w.entry.through == nil {
		w.entry.through, w.entry.late = map[string]bool{}, map[string]bool{}
	}
	if want.Check {
		w.started[w.attempt()] = true
		w.entry.through[w.attempt()] = w.entry.accepted != "" && w.entry.accepted == w.sd.Status.Candidate.Hash && !w.entry.refuses
	}
	if want.Verify {
		w.entry.late[w.attempt()] = true
	}
	if want.Preview != "" || !w.entry.lingers {
		w.entry.release = want.Preview
	}
}

// move writes the routes; a gateway accepts them a tick later.
func (w *world) move(want rollout.Want) {
	if w.stuck || want.HoldWeight || len(want.Routes) == 0 || want.Weight == 0 && !w.route.Sibling {
		return
	}
	if w.route.Weight != want.Weight || w.route.Lowest != want.Weight {
		w.route.Settled = false
		w.entry.writes++
	}
	w.route.Weight, w.route.Lowest, w.route.Sibling = want.Weight, want.Weight, want.Weight > 0
}

// failing makes checks of a stage say that the candidate is bad.
func failing(stage v1alpha1.CheckStage) func(*world) {
	return func(w *world) {
		v := testkit.Failed(v1alpha1.SignalSmoke, "WrongStatus")
		if stage == v1alpha1.StageGateway {
			w.entry.gateway = &v
			return
		}
		w.entry.after = &v
	}
}

// entryStories are of checks that go the way of clients.
var entryStories = map[string]story{
	"checked by the Gateway and after the cutover": {begin: serving, change: entered, lasts: 15 * time.Minute, want: v1alpha1.PhaseSucceeded},
	"fails through the Gateway": {
		begin: serving, change: entered, lasts: 3 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseChecking), failing(v1alpha1.StageGateway)}},
	},
	"no gateway accepts the preview": {
		begin: serving, change: entered, lasts: 9 * time.Minute, want: v1alpha1.PhaseFailed,
		script: []act{{phase(v1alpha1.PhaseChecking), func(w *world) { w.entry.refuses = true }}},
	},
	"fails once it serves all": {
		begin: serving, change: entered, lasts: 9 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{phase(v1alpha1.PhaseVerifying), failing(v1alpha1.StageAfterCutover)}},
	},
	"says nothing once it serves all": {
		begin: serving, change: entered, lasts: 15 * time.Minute, want: v1alpha1.PhaseRolledBack,
		script: []act{{phase(v1alpha1.PhaseVerifying), func(w *world) { w.entry.after = new(testkit.Unknown(v1alpha1.SignalSmoke)) }}},
	},
	"superseded while it is previewed": {
		begin: serving, change: entered, lasts: 15 * time.Minute, want: v1alpha1.PhaseSucceeded,
		script: []act{{step("first"), ask("v3")}},
	},
	"deleted while it is previewed": {
		begin: serving, change: entered, lasts: 4 * time.Minute, want: v1alpha1.PhaseProgressing,
		script: []act{{step("first"), func(w *world) { w.entry.lingers = true; remove(w) }}, {later(time.Minute), func(w *world) { w.entry.lingers = false }}},
	},
	"first release by the Gateway": {begin: first, change: entered, lasts: 6 * time.Minute, want: v1alpha1.PhaseSucceeded},
}

func TestTracesOfTheEntry(t *testing.T) { tell(t, entryStories) }

// What fails after the cutover is left by one write, of the Service: the routes
// are at rest, and the old release is warm.
func TestTrafficReturnsInOneWrite(t *testing.T) {
	w := serving(t, entered)
	w.until(phase(v1alpha1.PhaseVerifying))
	w.run(20 * time.Second)
	failing(v1alpha1.StageAfterCutover)(w)
	writes, selections, failed := w.entry.writes, w.entry.selections, w.now
	w.until(func(w *world) bool { return w.service.Stable == "v1" })
	if took := w.now.Sub(failed); took > w.tick {
		t.Errorf("the Service selects v1 after %s", took)
	}
	if p := w.pods["v1"]; p.ready < 4 {
		t.Errorf("%d pods of v1 are warm", p.ready)
	}
	w.until(phase(v1alpha1.PhaseRolledBack))
	if w.entry.writes != writes || w.entry.selections != selections+1 {
		t.Errorf("%d writes of the routes and %d of the Service", w.entry.writes-writes, w.entry.selections-selections)
	}
	var why []string
	for _, v := range w.sd.Status.Rollout.Verdicts {
		if v.Outcome == verdict.Failed {
			why = append(why, string(v.Phase)+" "+v.Name)
		}
	}
	if got := strings.Join(why, ", "); got != "Verifying alive.AfterCutover" {
		t.Errorf("failed: %s", got)
	}
}

// previewIsShort is a law: requests that name a release are led to it only
// while it is checked and takes traffic beside another, and the canary Service
// is there to take them; nothing of that is left at rest.
func previewIsShort(f facts) bool {
	if f.want.Preview == "" {
		return true
	}
	asked := f.in.Object.Spec.Traffic.Entry != nil && len(f.want.Routes) > 0 && f.in.Object.DeletionTimestamp.IsZero()
	during := slices.Contains([]v1alpha1.Phase{v1alpha1.PhaseChecking, v1alpha1.PhaseProgressing, v1alpha1.PhaseCuttingOver}, f.next.Rollout.Phase)
	beside := f.want.Stable != f.candidate() || f.seen.Service.Stable == f.candidate() // else someone pointed it there
	return asked && during && beside && f.want.Preview == f.candidate() && f.want.Canary == f.candidate()
}

// leavesNoPreview is a law: an object that goes leaves nothing behind.
func leavesNoPreview(f facts) bool { return !f.want.Leave || !f.seen.Preview.Present }

// verifiedIsChecked is a law: what is verified has passed every check that was
// asked for after the cutover, unless someone knew better.
func verifiedIsChecked(f facts) bool {
	if f.was.Rollout.Phase != v1alpha1.PhaseVerifying || f.next.Rollout.Phase != v1alpha1.PhaseSettling || f.next.Rollout.Overruled {
		return true
	}
	for _, p := range rollout.PartsAfter(f.in.Object.Spec.Checks) {
		if said := f.seen.After[p.Part]; len(said) < p.Least || !allPassed(said) {
			return false
		}
	}
	return true
}
