package rollout_test

import (
	"reflect"
	"slices"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/rollout"
	"github.com/signal-delivery/operator/internal/verdict"
)

// passes reports whether the decision leaves a place that signals judge.
func (f facts) passes() bool {
	was, next := f.was.Rollout, f.next.Rollout
	switch {
	case was.Phase == v1alpha1.PhaseProgressing:
		return next.Phase == v1alpha1.PhaseCuttingOver || next.Phase == v1alpha1.PhaseProgressing && next.Step > was.Step
	case was.Phase == v1alpha1.PhaseCuttingOver && was.Move == v1alpha1.MoveWeight:
		return next.Phase == v1alpha1.PhaseCuttingOver && next.Move == v1alpha1.MoveSelect
	case was.Phase == v1alpha1.PhaseVerifying:
		return next.Phase == v1alpha1.PhaseSettling
	}
	return false
}

// promoted reports whether someone has just asked to go past the steps.
func (f facts) promoted() bool { return f.next.Handled.Promote != f.was.Handled.Promote }

func silenceIsNotConsent(f facts) bool {
	overruled := f.next.Rollout.Overruled && !f.next.Rollout.Plan.Automatic
	if !f.passes() || f.promoted() || overruled {
		return true
	}
	for _, p := range rollout.PartsAfter(f.in.Object.Spec.Checks) {
		if said := f.seen.After[p.Part]; f.was.Rollout.Phase == v1alpha1.PhaseVerifying && (len(said) < p.Least || !allPassed(said)) {
			return false
		}
	}
	splits := f.was.Stable != nil && len(f.was.Rollout.Plan.Routes) > 0 && f.was.Rollout.Phase == v1alpha1.PhaseProgressing
	if splits && release.SplitMeasured(&f.in.Object.Spec) && f.seen.Split.Outcome != verdict.Passed {
		return false
	}
	asked := f.in.Object.Spec.Analysis
	return len(f.seen.Metrics) == len(asked.Metrics) && len(f.seen.SLOs) >= len(asked.SLOs) && allPassed(f.seen.Metrics) && allPassed(f.seen.SLOs) && allPassed(f.seen.Alerts)
}

func holdIsWhole(f facts) bool {
	was := f.was.Rollout
	if !f.passes() || f.promoted() || was.Phase == v1alpha1.PhaseCuttingOver {
		return true
	}
	hold := was.Plan.VerifySeconds
	if was.Phase == v1alpha1.PhaseProgressing {
		hold = *was.Plan.Steps[was.Step].HoldSeconds
	}
	if hold == 0 {
		return true
	}
	held := was.HeldSinceTime
	return !held.IsZero() && !f.in.Now.Before(held.Add(time.Duration(hold)*time.Second))
}

func failsForAReason(f facts) bool {
	was, next := f.was.Rollout, f.next.Rollout
	fails := next.Phase == v1alpha1.PhaseFailed || next.Phase == v1alpha1.PhaseRollingBack
	if !fails || over(was.Phase) || was.Phase == v1alpha1.PhaseRollingBack || was.Phase == v1alpha1.PhaseSettling {
		return true
	}
	asked := f.next.Handled.Abort != f.was.Handled.Abort || f.seen.Asked != f.was.Candidate.Asked
	late := !f.in.Now.Before(was.SinceTime.Add(time.Duration(was.Plan.ProgressDeadlineSeconds) * time.Second))
	return asked || late || was.Failure != nil || slices.ContainsFunc(f.heard(), func(v verdict.Verdict) bool { return v.Outcome == verdict.Failed })
}

func (f facts) heard() []verdict.Verdict {
	s := f.seen
	return slices.Concat(s.Artifact, s.Gates, []verdict.Verdict{s.Route.Verdict, s.Sides[f.candidate()].Verdict, s.Sides[f.candidate()].Proof}, s.Checks[rollout.PartSmoke], s.Checks[rollout.PartSecurity], s.After[rollout.PartSmoke], s.After[rollout.PartSecurity], s.Checks[rollout.PartWatermark], s.After[rollout.PartWatermark], []verdict.Verdict{s.Split}, s.Metrics, s.SLOs, s.Alerts)
}

func endIsFiled(f facts) bool {
	next := f.next.Rollout
	if !over(next.Phase) || over(f.was.Rollout.Phase) {
		return true
	}
	filed := len(f.next.History) > 0 && reflect.DeepEqual(f.next.History[0].Release, *f.next.Candidate) && f.next.History[0].Result == next.Result &&
		f.next.History[0].EndTime == next.EndTime && next.Result != "" && !next.EndTime.IsZero()
	explained := slices.ContainsFunc(next.Verdicts, func(v verdict.Verdict) bool { return v.Outcome == verdict.Failed })
	return filed && (next.Result == v1alpha1.ResultSucceeded || explained)
}

func memoryIsBounded(f facts) bool {
	r := f.next.Rollout
	long := slices.ContainsFunc(r.Verdicts, func(v verdict.Verdict) bool { return len(v.Message) > 2048 || v.Reason == "" })
	requests := max(len(f.next.Handled.Abort), len(f.next.Handled.Approve), len(f.next.Handled.Promote), len(f.next.Handled.Retry))
	return len(r.Verdicts) <= 200 && len(r.Timeline) <= 100 && len(f.next.History) <= 20 && len(f.next.Draining) <= 16 &&
		len(r.FiredBefore) <= 64 && len(r.Message) <= 2048 && requests <= 256 && !long
}

func statusIsSeen(f facts) bool {
	if f.candidate() != "" && f.seen.Service.Stable == f.candidate() {
		return f.next.Weight == 100
	}
	return f.next.Weight == f.seen.Route.Weight
}

func pauseHoldsNoRollback(f facts) bool {
	if f.was.Rollout.Phase != v1alpha1.PhaseRollingBack {
		return true
	}
	other := f.in.Object.DeepCopy()
	other.Spec.Paused = !other.Spec.Paused
	d := rollout.Decide(rollout.Input{Object: other, Seen: f.in.Seen, Now: f.in.Now})
	return d.Next.Rollout.Phase == f.next.Rollout.Phase && d.Want.Weight == f.want.Weight && d.Want.Stable == f.want.Stable
}
