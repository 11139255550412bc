package controllers

import (
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
)

// A release that takes everything has nothing to be compared with: the stable
// one has no traffic, and would be unknown for ever.
func TestComparedOnlyWhileBothTakeTraffic(t *testing.T) {
	for name, tc := range map[string]struct {
		stable bool
		phase  v1alpha1.Phase
		weight int32
		want   string
	}{
		"in a step":                 {true, v1alpha1.PhaseProgressing, 50, "v1"},
		"at full weight":            {true, v1alpha1.PhaseProgressing, 100, ""},
		"while cutting over":        {true, v1alpha1.PhaseCuttingOver, 50, ""},
		"while verifying":           {true, v1alpha1.PhaseVerifying, 100, ""},
		"of a first release: never": {false, v1alpha1.PhaseProgressing, 50, ""},
	} {
		t.Run(name, func(t *testing.T) {
			sd := testkit.SignalDeployment()
			sd.Status.Candidate = new(testkit.Release("v2"))
			if tc.stable {
				sd.Status.Stable = new(testkit.Release("v1"))
			}
			sd.Status.Rollout.Phase, sd.Status.Weight = tc.phase, tc.weight
			if got := metricSubject(sd).Stable; got != tc.want {
				t.Errorf("compared with %q, want %q", got, tc.want)
			}
		})
	}
}
