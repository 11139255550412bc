package rollout

import (
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Part is a part of the validation of a candidate that Jobs do.
type Part string

// The parts of validation.
const (
	PartSmoke    Part = "smoke"
	PartSecurity Part = "security"
	PartLeaks    Part = "leaks"
	PartLoad     Part = "load"
)

// Checks are what Jobs say of a candidate. Of each part but the smoke checks,
// which stand for themselves, the first verdict sums up the others.
type Checks map[Part][]verdict.Verdict

// Asked is a part that is asked for.
type Asked struct {
	Part           Part
	Kind           v1alpha1.SignalKind
	Least          int   // verdicts, without which it has not been heard
	TimeoutSeconds int32 // that it may take
}

// Parts are the parts that must pass before the candidate takes traffic.
func Parts(checks v1alpha1.ChecksSpec) []Asked {
	var all []Asked
	if smoke := smokeAt(checks, v1alpha1.StageCandidate, v1alpha1.StageGateway); smoke.Least > 0 {
		all = append(all, smoke)
	}
	if spec := checks.Security; spec != nil {
		all = append(all, Asked{Part: PartSecurity, Kind: v1alpha1.SignalSecurity, Least: 1, TimeoutSeconds: spec.TimeoutSeconds})
	}
	if spec := checks.Leaks; spec != nil {
		all = append(all, Asked{Part: PartLeaks, Kind: v1alpha1.SignalSecurity, Least: 1, TimeoutSeconds: spec.TimeoutSeconds})
	}
	if spec := checks.Load.Test; spec != nil {
		all = append(all, Asked{Part: PartLoad, Kind: v1alpha1.SignalLoad, Least: 1, TimeoutSeconds: spec.TimeoutSeconds})
	}
	return append(all, watermarked(checks, false)...)
}

// PartsAfter are the parts that must pass once the candidate serves all.
func PartsAfter(checks v1alpha1.ChecksSpec) []Asked {
	var all []Asked
	if smoke := smokeAt(checks, v1alpha1.StageAfterCutover); smoke.Least > 0 {
		all = append(all, smoke)
	}
	if spec := checks.Security; spec != nil && spec.AfterCutover == v1alpha1.AfterCutoverEnabled {
		all = append(all, Asked{Part: PartSecurity, Kind: v1alpha1.SignalSecurity, Least: 1, TimeoutSeconds: spec.TimeoutSeconds})
	}
	return append(all, watermarked(checks, true)...)
}

// smokeAt are the smoke checks at some stages; each is a Job at each.
func smokeAt(checks v1alpha1.ChecksSpec, stages ...v1alpha1.CheckStage) Asked {
	smoke := Asked{Part: PartSmoke, Kind: v1alpha1.SignalSmoke}
	for _, check := range checks.Smoke {
		for _, stage := range release.Stages(check) {
			if slices.Contains(stages, stage) {
				smoke.Least++
				smoke.TimeoutSeconds = max(smoke.TimeoutSeconds, check.TimeoutSeconds)
			}
		}
	}
	return smoke
}

// Of is what the parts say, in their order.
func (c Checks) Of(parts []Asked) []verdict.Verdict {
	var all []verdict.Verdict
	for _, p := range parts {
		all = append(all, c[p.Part]...)
	}
	return all
}

// amounts is what the parts amount to. One of which nothing has been heard is
// waited for: silence is not consent.
func (m *machine) amounts(parts []Asked, heard Checks) verdict.Verdict {
	none := verdict.Pass(v1alpha1.SignalSmoke, "NoChecks", "No checks were asked for")
	for _, p := range parts {
		if len(heard[p.Part]) < p.Least {
			return verdict.Wait(p.Kind, "CheckPending", "Not every check has started")
		}
	}
	doubtful := slices.DeleteFunc(heard.Of(parts), m.overrules)
	return verdict.All(none, doubtful...)
}

// longest is the time that the slowest part may take, in seconds.
func longest(parts []Asked) int32 {
	var most int32
	for _, p := range parts {
		most = max(most, p.TimeoutSeconds)
	}
	return most
}

// jobs is how many Jobs say something, at least.
func jobs(parts []Asked) int {
	n := 0
	for _, p := range parts {
		n += p.Least
	}
	return n
}

// details are the verdicts that the failing one sums up.
func (m *machine) details(why verdict.Verdict) []verdict.Verdict {
	for _, heard := range []Checks{m.seen.Checks, m.seen.After} {
		for part, all := range heard {
			if part != PartSmoke && len(all) > 0 && all[0].Kind == why.Kind && all[0].Name == why.Name {
				return all[1:]
			}
		}
	}
	return nil
}
