package integration

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
)

// loadTested asks for a short load test, compared with the stable release's.
func loadTested(sd *v1alpha1.SignalDeployment) {
	sd.Spec.Checks.Load.Test = &v1alpha1.LoadTest{
		Requests:      []v1alpha1.LoadRequest{{Path: "/v1/signals?id=${sequence}"}},
		RatePerSecond: 50, DurationSeconds: 1, Limits: v1alpha1.LoadLimits{P99Milliseconds: 5000, NoWorseThanStablePercent: 100},
	}
}

// A first release is load tested and compared with nothing; one that is slower
// under load than the stable release was gets no traffic; one that is not gets
// through, and is what the next is compared with.
func TestLoadTests(t *testing.T) {
	t.Parallel()
	var pause atomic.Int64
	pause.Store(int64(50 * time.Millisecond))
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Duration(pause.Load())) }))
	t.Cleanup(server.Close)
	y := on.Story(t, loadTested)
	y.World.Misbehave(y.Namespace, stage.Faults{Candidate: strings.TrimPrefix(server.URL, "http://")})
	y.Begin()
	v1 := y.SD.Status.Stable.Hash
	if loads := y.SD.Status.Loads; len(loads) != 1 || loads[0].Release != v1 || loads[0].Requests != 50 || loads[0].LatencyMicroseconds[0] < 50_000 {
		t.Errorf("%+v", loads)
	}
	if report := reportOf(t, y); !strings.Contains(report, "## Load Test") || !strings.Contains(report, "There is no baseline to compare with: this is the first release") {
		t.Errorf("the report does not tell of the load test:\n%s", report)
	}

	pause.Store(int64(400 * time.Millisecond))
	y.Ask("v2")
	y.Rest("v2 has failed", stage.Failed)
	s := y.SD.Status
	if s.Rollout.Exposed || s.Weight != 0 || s.Stable.Hash != v1 || s.Reason != "LoadLimitsBroken" || len(s.Loads) != 1 {
		t.Errorf("exposed %t, weight %d, %s, %+v", s.Rollout.Exposed, s.Weight, s.Reason, s.Loads)
	}
	y.Stalled("the stable release's", "more than 100 % above")

	pause.Store(int64(60 * time.Millisecond))
	y.Ask("v3")
	y.Rest("v3 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != v1 })
	if loads := y.SD.Status.Loads; len(loads) != 2 || loads[0].Release != y.SD.Status.Stable.Hash || loads[1].Release != v1 {
		t.Errorf("%+v", loads)
	}
	if report := reportOf(t, y); !strings.Contains(report, "was not slower than the stable release") {
		t.Errorf("the report does not compare:\n%s", report)
	}
	list := &batchv1.JobList{}
	if err := y.Client.List(t.Context(), list, client.InNamespace(y.Namespace), client.MatchingLabels{v1alpha1.LabelCheck: "load.test"}); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 3 {
		t.Errorf("%d Jobs for three attempts", len(list.Items))
	}
}
