package rollout_test

import (
	"slices"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// facts are what the laws speak of.
type facts struct {
	in     rollout.Input
	seen   rollout.Observation
	was    v1alpha1.SignalDeploymentStatus
	next   v1alpha1.SignalDeploymentStatus
	want   rollout.Want
	weight int32 // that the routes will have
}

// laws hold at every decision in every world, whatever it says or does.
var laws = map[string]func(facts) bool{
	"a weight is a percentage":                            func(f facts) bool { return f.want.Weight >= 0 && f.want.Weight <= 100 },
	"a weight rises only onto pods that bear it":          weightIsBorne,
	"what has not been checked gets no traffic":           uncheckedStaysDark,
	"only what has passed its checks is exposed":          exposedIsChecked,
	"what is turned back never climbs":                    failedNeverClimbs,
	"selector and weight never move together":             oneMoveAtATime,
	"the selector moves only while no route uses it":      selectorMovesInTheDark,
	"no side shrinks while a release is under way":        nothingShrinks,
	"what takes traffic keeps the pods it needs":          trafficKeepsPods,
	"what takes traffic keeps its objects":                trafficKeepsObjects,
	"the stable Service is pointed only at ready pods":    selectsReadyPods,
	"what serves is never deselected for nothing":         servesOn,
	"traffic returns no faster than stable pods bear it":  returnIsBorne,
	"a cutover returns only onto endpoints":               cutoverReturnsOntoEndpoints,
	"a step passes only on what was heard":                silenceIsNotConsent,
	"a step passes only after its hold":                   holdIsWhole,
	"nothing fails without a failure before its deadline": failsForAReason,
	"an ended attempt is filed, and explained":            endIsFiled,
	"what is remembered fits the schema":                  memoryIsBounded,
	"the weight in status is the one that was seen":       statusIsSeen,
	"a pause holds no rollback":                           pauseHoldsNoRollback,
	"only what is checked can be asked for by name":       previewIsShort,
	"what goes leaves no preview":                         leavesNoPreview,
	"what is verified has been checked once more":         verifiedIsChecked,
}

// broken are the laws that a decision breaks.
func broken(in rollout.Input, d rollout.Decision) []string {
	f := facts{in: in, seen: in.Seen, was: in.Object.Status, next: d.Next, want: d.Want, weight: d.Want.Weight}
	if d.Want.HoldWeight || len(d.Want.Routes) == 0 {
		f.weight = in.Seen.Route.Weight
	}
	var out []string
	for name, holds := range laws {
		if !holds(f) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (f facts) candidate() string {
	if f.next.Candidate == nil {
		return ""
	}
	return f.next.Candidate.Hash
}

func (f facts) stable() string {
	if f.next.Stable == nil {
		return ""
	}
	return f.next.Stable.Hash
}

func (f facts) replicas() int32 { return *f.in.Object.Spec.Replicas }

func (f facts) need(weight int32) int32 { return max(1, (weight*f.replicas()+99)/100) }

// takes is the share of the traffic that may reach a release.
func (f facts) takes(hash string) int32 {
	var share int32
	if f.seen.Service.Stable == hash {
		share = 100 - f.seen.Route.Lowest
	}
	if f.seen.Service.Canary == hash {
		share = max(share, f.seen.Route.Weight)
	}
	return share
}

func over(phase v1alpha1.Phase) bool {
	return slices.Contains([]v1alpha1.Phase{"", v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed}, phase)
}

func before(phase v1alpha1.Phase) bool {
	return slices.Contains([]v1alpha1.Phase{
		v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseChecking,
	}, phase)
}

func weightIsBorne(f facts) bool {
	service := f.seen.Service
	borne := f.seen.Sides[f.candidate()].Ready >= f.need(f.weight) && service.CanaryEndpoints >= f.need(f.weight) && service.Canary == f.candidate()
	back := f.next.Rollout.Phase == v1alpha1.PhaseRollingBack && f.weight <= f.seen.Route.Weight
	return f.want.HoldWeight || f.weight <= f.seen.Route.Lowest || borne || back
}

func uncheckedStaysDark(f facts) bool {
	return !before(f.next.Rollout.Phase) || f.weight <= f.seen.Route.Weight
}

func exposedIsChecked(f facts) bool {
	if !f.next.Rollout.Exposed || f.was.Rollout.Exposed {
		return true
	}
	for _, p := range rollout.Parts(f.in.Object.Spec.Checks) {
		if said := f.seen.Checks[p.Part]; len(said) < p.Least || !allPassed(said) {
			return false
		}
	}
	return f.was.Rollout.Phase == v1alpha1.PhaseChecking
}

func failedNeverClimbs(f facts) bool {
	switch f.next.Rollout.Phase {
	case v1alpha1.PhaseRollingBack, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
		return f.weight <= f.seen.Route.Weight
	}
	return true
}

func oneMoveAtATime(f facts) bool {
	return f.want.Stable == f.seen.Service.Stable || f.weight == f.seen.Route.Weight
}

// While a route splits, the stable Service is moved to the candidate only when
// everything goes by the canary Service.
func selectorMovesInTheDark(f facts) bool {
	onto := f.want.Stable == f.candidate() && f.seen.Service.Stable != f.candidate() && f.stable() != f.candidate()
	was := f.was.Rollout
	again := was.Move == v1alpha1.MoveReturn || was.Phase == v1alpha1.PhaseVerifying // it had moved, and someone put it back
	return !onto || again || f.seen.Service.Stable != f.stable() || len(f.want.Routes) == 0 || f.seen.Route.Lowest == 100
}

func nothingShrinks(f facts) bool {
	if over(f.next.Rollout.Phase) {
		return true
	}
	for _, hash := range []string{f.stable(), f.candidate()} {
		if n, named := f.want.Replicas[hash]; named && n < f.seen.Sides[hash].Desired {
			return false
		}
	}
	return true
}

func trafficKeepsPods(f facts) bool {
	for hash, n := range f.want.Replicas {
		takes, shrinks := f.takes(hash), n < f.seen.Sides[hash].Desired
		if asked := over(f.next.Rollout.Phase) && n == f.replicas(); shrinks && takes > 0 && n < f.need(takes) && !asked {
			return false
		}
	}
	return true
}

func trafficKeepsObjects(f facts) bool {
	for hash := range f.seen.Sides {
		if f.want.Keep != nil && f.takes(hash) > 0 && !slices.Contains(f.want.Keep, hash) {
			return false
		}
	}
	return true
}

func selectsReadyPods(f facts) bool {
	return f.want.Stable == f.seen.Service.Stable || f.want.Stable == v1alpha1.NoRelease || f.seen.Sides[f.want.Stable].Ready > 0
}

// Only a first release that has failed, or nothing, is left for nothing.
func servesOn(f facts) bool {
	deselects := f.want.Stable == v1alpha1.NoRelease && f.seen.Service.Endpoints > 0
	return !deselects || f.stable() == "" && f.seen.Service.Stable == f.candidate()
}

// An object that goes waits for an endpoint, but not for ever.
func returnIsBorne(f facts) bool {
	if gone := f.in.Object.DeletionTimestamp; gone != nil {
		deadline := time.Duration(*f.in.Object.Spec.Strategy.ProgressDeadlineSeconds) * time.Second
		return f.weight >= f.seen.Route.Weight || f.seen.Service.Endpoints > 0 || !f.in.Now.Before(gone.Add(deadline))
	}
	if f.next.Rollout.Phase != v1alpha1.PhaseRollingBack || f.weight >= f.seen.Route.Weight {
		return true
	}
	stable, late := f.seen.Sides[f.stable()], failsLate(f)
	return stable.Ready > 0 && (100*stable.Ready >= (100-f.weight)*f.need(100) || f.seen.Sides[f.candidate()].Ready == 0 || late)
}

// In a cutover, traffic goes back by the stable Service only once that is the
// new release and bears everything.
func cutoverReturnsOntoEndpoints(f facts) bool {
	if f.next.Rollout.Phase != v1alpha1.PhaseCuttingOver || f.weight >= f.seen.Route.Weight || f.in.Object.DeletionTimestamp != nil {
		return true
	}
	return f.seen.Service.Stable == f.candidate() && f.seen.Service.Endpoints >= f.need(100)
}

func failsLate(f facts) bool {
	r := f.next.Rollout
	return f.in.Now.Unix() >= r.SinceTime.Unix()+int64(r.Plan.ProgressDeadlineSeconds)
}

func allPassed(verdicts []verdict.Verdict) bool {
	return !slices.ContainsFunc(verdicts, func(v verdict.Verdict) bool { return v.Outcome != verdict.Passed })
}
