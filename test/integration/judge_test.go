package integration

import (
	"testing"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// counting is a story whose releases are judged by their failed requests.
func counting(t *testing.T) *stage.Story {
	t.Helper()
	const of = `{namespace="${namespace}",release="`
	return on.Story(t, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Analysis.Metrics = []v1alpha1.Metric{{Name: "requests", Server: "default", Errors: &v1alpha1.ErrorsTest{
			TotalQuery: "value" + of + `${release}"}`, FailedQuery: "value" + of + `failed-${release}"}`,
		}}}
	}).Begin()
}

// serve says how many requests of a release came and failed since its step began.
func serve(y *stage.Story, release, total, failed string) {
	y.Prometheus.Set(y.Namespace, "failed-"+release, failed)
	y.Prometheus.Set(y.Namespace, release, total)
}

// insufficient waits until the candidate is held for want of requests.
func insufficient(y *stage.Story) {
	y.Helper()
	y.Ask("v2")
	y.Until("requests are waited for", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Holding("first")(sd) && stage.Because(`InsufficientData`)(sd)
	})
}

func TestFailedRequestsTurnBackAtOnce(t *testing.T) {
	t.Parallel()
	y := counting(t)
	insufficient(y)
	serve(y, y.SD.Status.Stable.Hash, "180", "0")
	serve(y, y.SD.Status.Candidate.Hash, "20", "10")
	y.Rest("v2 is rolled back", stage.RolledBack)
	y.Stalled("requests", "10 of 20 requests failed", "of the stable release 0 of 180", "maxIncrease 0.01")
	for _, v := range y.SD.Status.Rollout.Verdicts {
		if v.Reason == "WorseThanStable" && v.Evidence.Value == "0.5" && v.Evidence.Statistic != "" {
			return
		}
	}
	t.Errorf("no verdict has the evidence: %+v", y.SD.Status.Rollout.Verdicts)
}

func TestEnoughGoodRequestsLetAReleaseGoOn(t *testing.T) {
	t.Parallel()
	y := counting(t)
	insufficient(y)
	serve(y, y.SD.Status.Stable.Hash, "1800", "2")
	serve(y, y.SD.Status.Candidate.Hash, "200", "0")
	y.Rest("v2 is released", stage.Succeeded)
}
