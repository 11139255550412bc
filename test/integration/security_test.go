package integration

import (
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/test/stage"
	"github.com/signal-delivery/operator/test/weak"
)

// checked asks for the security checks.
func checked(sd *v1alpha1.SignalDeployment) {
	spec := weak.Spec()
	spec.Users = nil
	sd.Spec.Checks.Security = &spec
}

// A candidate with a weakness that the stable release does not have gets no
// traffic; one that is as good gets through, and the report says what held.
func TestSecurityChecks(t *testing.T) {
	t.Parallel()
	hardened := weak.Serve(t, weak.Flaw{})
	y := on.Story(t, checked)
	y.World.Misbehave(y.Namespace, stage.Faults{Candidate: hardened})
	y.Begin()
	v1 := y.SD.Status.Stable.Hash
	if report := reportOf(t, y); !strings.Contains(report, "security checks found nothing") {
		t.Errorf("the report does not say what held:\n%s", report)
	}

	y.World.Misbehave(y.Namespace, stage.Faults{Candidate: weak.Serve(t, weak.Flaws()["11 everyone"]), Stable: hardened})
	y.Ask("v2")
	y.Rest("v2 has failed", stage.Failed)
	s := y.SD.Status
	if s.Rollout.Exposed || s.Weight != 0 || s.Stable.Hash != v1 || s.Reason != "SecurityFindings" {
		t.Errorf("exposed %t, weight %d, %s", s.Rollout.Exposed, s.Weight, s.Reason)
	}
	y.Stalled("11 (everyone is let in)", "/ lets everyone in", "name the origins", "the stable release does not have")
	if report := reportOf(t, y); !strings.Contains(report, "11 (everyone is let in)") {
		t.Errorf("the report does not say what was found:\n%s", report)
	}

	y.World.Misbehave(y.Namespace, stage.Faults{Candidate: hardened, Stable: hardened})
	y.Ask("v3")
	y.Rest("v3 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != v1 })
	list := &batchv1.JobList{}
	if err := y.Client.List(t.Context(), list, client.InNamespace(y.Namespace), client.MatchingLabels{v1alpha1.LabelCheck: "security.checks"}); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 3 {
		t.Errorf("%d Jobs for three attempts", len(list.Items))
	}
}

// A weakness that shows only once the candidate serves all turns it back; what
// was there before the cutover does not.
func TestSecurityChecksAfterTheCutover(t *testing.T) { //nolint:paralleltest // the world sends its checks one after the other
	hardened, weaker := weak.Serve(t, weak.Flaw{}), weak.Serve(t, weak.Flaws()["11 everyone"])
	y := on.Story(t, checked, func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Checks.Security.Disable = []int32{56} // which waits for the service
		sd.Spec.Checks.Security.AfterCutover = v1alpha1.AfterCutoverEnabled
		sd.Spec.Traffic.Entry = &v1alpha1.TrafficEntry{URL: "http://signals.example", Address: "198.18.0.9:80"}
	})
	y.World.Misbehave(y.Namespace, stage.Faults{Candidate: hardened})
	y.Begin()
	v1 := y.SD.Status.Stable.Hash

	y.World.Misbehave(y.Namespace, stage.Faults{Candidate: hardened, Stable: hardened, Entry: weaker})
	y.Ask("v2")
	y.Rest("v2 is rolled back", stage.RolledBack)
	if s := y.SD.Status; s.Stable.Hash != v1 || s.Reason != "SecurityFindings" {
		t.Errorf("%s serves, %s", s.Stable.Hash, s.Reason)
	}
	y.Stalled("11 (everyone is let in)", "was not there before the cutover")
	if report := reportOf(t, y); !strings.Contains(report, "security.AfterCutover") {
		t.Errorf("the report does not say when it was found:\n%s", report)
	}

	y.World.Misbehave(y.Namespace, stage.Faults{Candidate: weaker, Stable: weaker, Entry: weaker})
	y.Ask("v3")
	y.Rest("v3 is released", func(sd *v1alpha1.SignalDeployment) bool { return stage.Succeeded(sd) && sd.Status.Stable.Hash != v1 })
}
