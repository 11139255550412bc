package e2e

import (
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/cluster"
)

// wantRequests is how many requests the promise of zero downtime rests on.
const wantRequests = 60_000

// No request is lost through the real Gateway: not by a promotion during which
// the operator's pod is deleted in the middle of a step, not by a rollback,
// not by a release that is superseded in the middle of its canary.
func TestZeroDowntime(t *testing.T) {
	namespace := space(t, "e2e-downtime")
	sd, traffic := install(t, namespace, 300)

	ask(t, sd, "v1.1.0")
	until(t, sd, holding("v1.1.0", "quarter"))
	killOperator(t)
	until(t, sd, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.1.0"))

	ask(t, sd, "v1.2.0")
	until(t, sd, cluster.Ended(v1alpha1.PhaseRolledBack, "v1.2.0"))

	ask(t, sd, "v1.3.0")
	until(t, sd, holding("v1.3.0", "half"))
	ask(t, sd, "v1.4.0")
	until(t, sd, cluster.Ended(v1alpha1.PhaseSucceeded, "v1.4.0"))

	for traffic.Snapshot().Sent < wantRequests {
		select {
		case <-time.After(time.Second):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
	r := traffic.Stop()
	t.Logf("%d requests, %d lost, %d errors, by version %v", r.Sent, r.Lost, r.Errors, r.Versions)
	if r.Lost != 0 {
		t.Errorf("%d of %d requests were lost", r.Lost, r.Sent)
	}
	if r.Errors != r.ErrorsOf("v1.2.0") {
		t.Errorf("%d errors, of which only %d are v1.2.0's own", r.Errors, r.ErrorsOf("v1.2.0"))
	}
	for _, version := range []string{"v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0"} {
		if r.Versions[version] == 0 {
			t.Errorf("no request was answered by %s: it was not really released", version)
		}
	}
	if got := results(sd); got != "Succeeded Superseded RolledBack Succeeded Succeeded" {
		t.Errorf("history, newest first: %s", got)
	}
}

func killOperator(t *testing.T) {
	t.Helper()
	pod, err := shared.OperatorPod(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shared.Kubectl(t.Context(), "-n", cluster.OperatorNamespace, "delete", "pod", pod, "--wait=false"); err != nil {
		t.Fatal(err)
	}
}

func results(sd *v1alpha1.SignalDeployment) string {
	text := ""
	for i, ended := range sd.Status.History {
		if i > 0 {
			text += " "
		}
		text += string(ended.Result)
	}
	return text
}
