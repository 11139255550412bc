package controllers

import (
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
)

func TestLeaksThatCannotBeLookedFor(t *testing.T) {
	asked := func(change func(*v1alpha1.LeaksSpec)) *v1alpha1.SignalDeployment {
		spec := &v1alpha1.LeaksSpec{Paths: []v1alpha1.ProbedPath{"/"}, ServiceAccountName: "leaks", RequestBudget: 1000, RatePerSecond: 20, TimeoutSeconds: 300}
		change(spec)
		return testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Leaks = spec })
	}
	for name, tc := range map[string]struct {
		sd   *v1alpha1.SignalDeployment
		want string
	}{
		"none are asked for": {testkit.SignalDeployment(), ""},
		"as it should be":    {asked(func(*v1alpha1.LeaksSpec) {}), ""},
		"a small budget":     {asked(func(s *v1alpha1.LeaksSpec) { s.RequestBudget = 10 }), "spec.checks.leaks.requestBudget: is 10, and fake secrets take 125 requests"},
		"too little time":    {asked(func(s *v1alpha1.LeaksSpec) { s.RatePerSecond, s.TimeoutSeconds = 1, 60 }), "spec.checks.leaks.timeoutSeconds: is 60, and 125 requests take 125 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			err := leaksProblem(tc.sd)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)) {
				t.Errorf("got %v", err)
			}
		})
	}
}
