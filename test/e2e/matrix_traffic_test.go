package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

// badUnderTraffic are releases that are good until users come.
func badUnderTraffic() []bad {
	healthy := func(*v1alpha1.SignalDeployment) {}
	return []bad{
		{
			name: "errors", ends: v1alpha1.PhaseRolledBack, reason: []string{"AlertFiring", "ThresholdExceeded"}, cause: []string{"Error"},
			change: healthy, meanwhile: broken(v1alpha1.PhaseProgressing, `{"errorRate":0.5}`),
		},
		{
			name: "slow-later", ends: v1alpha1.PhaseRolledBack, reason: []string{"AlertFiring", "ThresholdExceeded"}, cause: []string{"atency"},
			change: healthy, meanwhile: broken(v1alpha1.PhaseProgressing, `{"latencyMilliseconds":900}`),
		},
		{
			name: "crash", ends: v1alpha1.PhaseRolledBack, reason: []string{"Crashed", "AlertFiring"}, cause: []string{"a crash was asked for|SignalUnavailable"}, loses: true,
			change: healthy, meanwhile: broken(v1alpha1.PhaseProgressing, `{"crash":true}`),
		},
		{
			name: "errors-after-cutover", ends: v1alpha1.PhaseRolledBack, reason: []string{"AlertFiring", "CheckFailed"}, cause: []string{"Verifying"},
			change: healthy, meanwhile: broken(v1alpha1.PhaseVerifying, `{"errorRate":0.5}`),
		},
		{
			name: "pool-leak", reason: []string{"AlertFiring"}, cause: []string{"SignalPoolExhausted|SignalCircuitBreakerOpen"},
			change: leaning(func(sd *v1alpha1.SignalDeployment) { flawed("pool-leak")(sd); env(sd, "SIGNAL_POOL_SIZE", "2") }),
		},
		{
			name: "breaker-stuck", reason: []string{"AlertFiring"}, cause: []string{"SignalCircuitBreakerOpen"},
			change: leaning(flawed("breaker-stuck")),
		},
		{
			name: "missing-metric", ends: v1alpha1.PhaseRolledBack, reason: []string{"DeadlineExceeded"}, cause: []string{"error-rate"},
			change: flawed("missing-metric"),
		},
	}
}

// leaning is a change of what leans on the databases, and is not noticed by
// those who check it: it takes a while.
func leaning(change func(*v1alpha1.SignalDeployment)) func(*v1alpha1.SignalDeployment) {
	return func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Checks = v1alpha1.ChecksSpec{}
		sd.Spec.Strategy.Steps[0].HoldSeconds = new(int32(40))
		change(sd)
	}
}

// broken switches faults of the candidate on once it is in a phase, by the way
// on which it can be reached before users do.
func broken(in v1alpha1.Phase, faults string) func(*testing.T, *v1alpha1.SignalDeployment) {
	return func(t *testing.T, sd *v1alpha1.SignalDeployment) {
		t.Helper()
		version := sd.Spec.Version
		until(t, sd, func(sd *v1alpha1.SignalDeployment) bool {
			return sd.Status.Candidate.Version == version && sd.Status.Phase == in || over(version)(sd)
		})
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shared.Gateway+"/faults", strings.NewReader(faults))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = cluster.Host(sd.Namespace)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set(v1alpha1.HeaderRelease, sd.Status.Candidate.Hash)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
