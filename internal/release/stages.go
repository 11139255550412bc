package release

import (
	"slices"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// allStages are the stages in the order in which they come.
var allStages = []v1alpha1.CheckStage{v1alpha1.StageCandidate, v1alpha1.StageGateway, v1alpha1.StageAfterCutover}

// Stages are when a check is run, in the order in which they come.
func Stages(check v1alpha1.SmokeCheck) []v1alpha1.CheckStage {
	if len(check.Stages) == 0 {
		return allStages[:1]
	}
	return slices.DeleteFunc(slices.Clone(allStages), func(s v1alpha1.CheckStage) bool { return !slices.Contains(check.Stages, s) })
}

// Previewed reports whether something asks for a way to the candidate through
// the Gateway before it takes traffic.
func Previewed(spec *v1alpha1.SignalDeploymentSpec) bool {
	return spec.Traffic.Entry != nil && slices.ContainsFunc(spec.Checks.Smoke, func(c v1alpha1.SmokeCheck) bool {
		return slices.Contains(c.Stages, v1alpha1.StageGateway)
	})
}
