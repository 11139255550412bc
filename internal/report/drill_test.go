package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// drilled is a memory of one drill that passed, behind what runs now.
func drilled(now ...v1alpha1.DrillRun) *v1alpha1.DrillStatus {
	at := func(ms int) metav1.MicroTime {
		return metav1.NewMicroTime(time.Date(2030, 1, 1, 3, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond))
	}
	return &v1alpha1.DrillStatus{Runs: append(now, v1alpha1.DrillRun{
		Result: v1alpha1.DrillFailed, Reason: "DrillFailed", Message: "TrafficBack: 31s, must be <= 30s", Score: 70,
		Moments: []v1alpha1.DrillMoment{{Name: "Staging", Time: at(0)}, {Name: "Injected", Time: at(4250)}, {Name: "Detected", Time: at(7300)}},
		Parts: []v1alpha1.DrillPart{
			{Name: "Detected", Outcome: "Passed", Value: "3.05s", Threshold: "<= 1m0s", Points: 30},
			{Name: "TrafficBack", Outcome: "Failed", Value: "31s", Threshold: "<= 30s", Points: 30},
		},
	})}
}

const card = `## Rollback Drill

- **Result**: Failed, 70 of 100 points: TrafficBack: 31s, must be <= 30s
- **Hypothesis**: a failing signal is noticed and turned back in time, and everything is as it was

| part | outcome | value | limit | points |
|---|---|---|---|---|
| Detected | Passed | 3.05s | <= 1m0s | 30 |
| TrafficBack | Failed | 31s | <= 30s | 0 of 30 |

| moment (UTC) | seen | after |
|---|---|---|
| 2030-01-01 03:00:00.000 | Staging | 0s |
| 2030-01-01 03:00:04.250 | Injected | 4.25s |
| 2030-01-01 03:00:07.300 | Detected | 7.3s |
`

// The last drill that is over is told, whatever runs now; without one, nothing is.
func TestTheScorecardOfADrill(t *testing.T) {
	for name, tc := range map[string]struct {
		memory *v1alpha1.DrillStatus
		told   bool
	}{
		"none was asked for": {nil, false},
		"none has run":       {&v1alpha1.DrillStatus{}, false},
		"the first one runs": {&v1alpha1.DrillStatus{Runs: []v1alpha1.DrillRun{{Result: v1alpha1.DrillRunning}}}, false},
		"one has failed":     {drilled(), true},
		"another runs":       {drilled(v1alpha1.DrillRun{Result: v1alpha1.DrillRunning}), true},
	} {
		in := Input{Namespace: "prod", Name: "app", Environment: "prod", Drill: tc.memory, Stable: &v1alpha1.Release{ID: "v1-prod"}}
		r := Make(in)
		if got := strings.Contains(r.Markdown, card); got != tc.told || strings.Contains(r.Markdown, "Rollback Drill") != tc.told {
			t.Errorf("%s: told %t\n%s", name, got, r.Markdown)
		}
		var d document
		if err := json.Unmarshal(r.JSON, &d); err != nil || (d.Drill != nil) != tc.told {
			t.Errorf("%s: report.json has %+v (%v)", name, d.Drill, err)
		}
		want := ""
		if tc.told {
			want = "# Rollback Drill - app\n\n**Target**: prod/app, environment prod  \n**Serves Now**: v1-prod\n\n" + card
		}
		if diff := cmp.Diff(want, r.Drill); diff != "" {
			t.Errorf("%s: drill.md differs:\n%s", name, diff)
		}
		cm := Latest(&v1alpha1.SignalDeployment{ObjectMeta: metav1.ObjectMeta{Name: "app"}}, v1alpha1.Release{Hash: "h"}, r)
		if cm.Data["drill.md"] != want {
			t.Errorf("%s: the ConfigMap has %q", name, cm.Data["drill.md"])
		}
	}
}
