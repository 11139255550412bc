package controllers

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
)

// ran are drills with these results, newest first.
func ran(results ...v1alpha1.DrillResult) *v1alpha1.DrillStatus {
	memory := &v1alpha1.DrillStatus{}
	for _, r := range results {
		memory.Runs = append(memory.Runs, v1alpha1.DrillRun{Result: r, Message: "It is " + string(r)})
	}
	return memory
}

func TestDrillCondition(t *testing.T) {
	for name, tc := range map[string]struct {
		memory  *v1alpha1.DrillStatus
		overdue bool
		want    string
	}{
		"none was ever asked for":           {nil, false, ""},
		"none has run":                      {ran(), false, "Unknown NotDrilled"},
		"the first one runs":                {ran(v1alpha1.DrillRunning), false, "Unknown NotDrilled"},
		"passed":                            {ran(v1alpha1.DrillPassed), false, "True DrillPassed"},
		"failed":                            {ran(v1alpha1.DrillFailed, v1alpha1.DrillPassed), false, "False DrillFailed"},
		"interrupted after it passed":       {ran(v1alpha1.DrillInterrupted, v1alpha1.DrillPassed), false, "True DrillPassed"},
		"another runs after it failed":      {ran(v1alpha1.DrillRunning, v1alpha1.DrillFailed), false, "False DrillFailed"},
		"passed too long ago":               {ran(v1alpha1.DrillPassed), true, "False DrillOverdue"},
		"none has run, and one should have": {ran(), true, "False DrillOverdue"},
	} {
		sd := testkit.SignalDeployment()
		sd.Status.Drill = ran(v1alpha1.DrillPassed)
		setDrill(sd, false)
		sd.Status.Drill = tc.memory
		setDrill(sd, tc.overdue)
		got := ""
		if c := meta.FindStatusCondition(sd.Status.Conditions, v1alpha1.ConditionDrillPassed); c != nil {
			got = string(c.Status) + " " + c.Reason
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// While a drill runs at rest the service is as ready as before; a release that
// waits at its gates is not.
func TestReadyWhileADrillRuns(t *testing.T) {
	for phase, want := range map[v1alpha1.Phase]string{v1alpha1.PhaseSucceeded: "True DrillInProgress", v1alpha1.PhaseGating: "False Pinned"} {
		sd := testkit.SignalDeployment()
		sd.Status.Rollout = v1alpha1.RolloutStatus{Phase: phase, Reason: "Pinned"}
		sd.Status.Drill = ran(v1alpha1.DrillRunning)
		setSummary(sd)
		ready := meta.FindStatusCondition(sd.Status.Conditions, v1alpha1.ConditionReady)
		if got := string(ready.Status) + " " + ready.Reason; got != want {
			t.Errorf("%s: %s, want %s", phase, got, want)
		}
		if reconciling := meta.IsStatusConditionTrue(sd.Status.Conditions, v1alpha1.ConditionReconciling); reconciling != (phase == v1alpha1.PhaseGating) {
			t.Errorf("%s: reconciling %t", phase, reconciling)
		}
	}
}

func TestDrillMetrics(t *testing.T) {
	at := func(seconds int) metav1.MicroTime {
		return metav1.NewMicroTime(time.Date(2030, 1, 7, 3, 0, seconds, 0, time.UTC))
	}
	before, now := testkit.SignalDeployment(), testkit.SignalDeployment()
	before.Namespace, now.Namespace = "drills", "drills"
	now.Spec.Rollback.Drill = &v1alpha1.DrillSpec{MaxAgeSeconds: new(int32(100))}
	before.Status.Drill, now.Status.Drill = ran(v1alpha1.DrillRunning), ran(v1alpha1.DrillFailed)
	now.Status.Drill.LastSuccessTime = metav1.NewTime(at(0).Time)
	now.Status.Drill.Runs[0].Moments = []v1alpha1.DrillMoment{{Name: "Staging", Time: at(0)}, {Name: "Injected", Time: at(4)}, {Name: "Detected", Time: at(7)}, {Name: "Ended", Time: at(50)}}
	measureDrill(now, before)
	measureDrill(now, now) // at rest nothing is counted twice

	of := func(name string) string { return name + " name=app namespace=drills" }
	ours := func() map[string]float64 {
		out := map[string]float64{}
		for key, value := range gathered(t) {
			if strings.HasPrefix(key, "signal_drill") && (strings.Contains(key, "namespace=drills") || strings.Contains(key, " part=")) {
				out[key] = value
			}
		}
		return out
	}
	began := float64(at(0).Unix())
	parts := map[string]float64{
		"signal_drill_duration_seconds part=detected count": 1, "signal_drill_duration_seconds part=detected sum": 3,
		"signal_drill_duration_seconds part=total count": 1, "signal_drill_duration_seconds part=total sum": 50,
	}
	want := maps.Clone(parts)
	maps.Copy(want, map[string]float64{
		of("signal_drills_total") + " result=Failed": 1, of("signal_drill_failing"): 1,
		of("signal_drill_last_success_timestamp_seconds"): began, of("signal_drill_due_timestamp_seconds"): began + 100,
	})
	if diff := cmp.Diff(want, ours()); diff != "" {
		t.Errorf("metrics:\n%s", diff)
	}
	now.Spec.Rollback.Drill = nil
	measureDrill(now, now)
	delete(want, of("signal_drill_due_timestamp_seconds"))
	if diff := cmp.Diff(want, ours()); diff != "" {
		t.Errorf("once nobody asks for drills:\n%s", diff)
	}
	forgetMetrics(client.ObjectKeyFromObject(now))
	if diff := cmp.Diff(parts, ours()); diff != "" {
		t.Errorf("once it is gone:\n%s", diff)
	}
}
