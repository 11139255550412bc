package drill_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout/drill"
	"github.com/signal-delivery/operator/internal/testkit"
)

// remembered is a memory of drills that are asked for since, with one that
// passed and one that began last.
func remembered(asked, passed, began string) *v1alpha1.DrillStatus {
	memory := &v1alpha1.DrillStatus{AskedSinceTime: when(asked), LastSuccessTime: when(passed)}
	if began != "" {
		memory.Runs = []v1alpha1.DrillRun{{Result: v1alpha1.DrillInterrupted, Moments: []v1alpha1.DrillMoment{{Name: "Staging", Time: metav1.NewMicroTime(when(began).Time)}}}}
	}
	return memory
}

func when(text string) metav1.Time {
	if text == "" {
		return metav1.Time{}
	}
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return metav1.NewTime(t)
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	weekly, vienna := "0 3 * * 1", "CRON_TZ=Europe/Vienna 0 3 * * 1" // 2030-01-07 is a Monday
	for name, tc := range map[string]struct {
		spec   *v1alpha1.DrillSpec
		memory *v1alpha1.DrillStatus
		want   string
	}{
		"not asked for":                 {nil, remembered("", "2030-01-01 12:00", ""), ""},
		"nothing remembered":            {&v1alpha1.DrillSpec{Schedule: weekly}, nil, ""},
		"on request alone":              {&v1alpha1.DrillSpec{}, remembered("2030-01-01 12:00", "", ""), ""},
		"on request, with an age":       {&v1alpha1.DrillSpec{MaxAgeSeconds: new(int32(3600))}, remembered("2030-01-01 12:00", "", ""), "2030-01-01 13:00"},
		"asked for and none passed":     {&v1alpha1.DrillSpec{Schedule: weekly}, remembered("2030-01-01 12:00", "", ""), "2030-01-14 04:00"},
		"passed on time":                {&v1alpha1.DrillSpec{Schedule: weekly}, remembered("2030-01-01 12:00", "2030-01-07 03:01", ""), "2030-01-21 04:00"},
		"passed, with an age":           {&v1alpha1.DrillSpec{Schedule: weekly, MaxAgeSeconds: new(int32(86400))}, remembered("2030-01-01 12:00", "2030-01-07 03:01", ""), "2030-01-08 03:01"},
		"where clocks are an hour late": {&v1alpha1.DrillSpec{Schedule: vienna}, remembered("2030-01-01 12:00", "", ""), "2030-01-14 03:00"},
		"asked for anew since":          {&v1alpha1.DrillSpec{Schedule: weekly}, remembered("2030-06-01 12:00", "2030-01-07 03:01", ""), "2030-06-10 04:00"},
		"an invalid schedule":           {&v1alpha1.DrillSpec{Schedule: "61 3 * * 1"}, remembered("2030-01-01 12:00", "", ""), ""},
	} {
		due := drill.DueBy(tc.spec, tc.memory)
		if diff := cmp.Diff(when(tc.want).UTC(), due.UTC()); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		if tc.want != "" && (drill.Overdue(tc.spec, tc.memory, due.Add(-time.Nanosecond)) || !drill.Overdue(tc.spec, tc.memory, due)) {
			t.Errorf("%s: not overdue from %s on", name, due)
		}
		if tc.want == "" && drill.Overdue(tc.spec, tc.memory, when("2099-01-01 00:00").Time) {
			t.Errorf("%s: overdue", name)
		}
	}
}

func TestWanted(t *testing.T) {
	t.Parallel()
	const weekly = "0 3 * * 1"
	for name, tc := range map[string]struct {
		memory *v1alpha1.DrillStatus
		now    string
		asked  string
		want   bool
	}{
		"nothing remembered yet":               {nil, "2030-01-07 03:00", "", false},
		"before its time":                      {remembered("2030-01-01 12:00", "", ""), "2030-01-07 02:59", "", false},
		"at its time":                          {remembered("2030-01-01 12:00", "", ""), "2030-01-07 03:00", "", true},
		"late, within the hour":                {remembered("2030-01-01 12:00", "", ""), "2030-01-07 03:59", "", true},
		"too late":                             {remembered("2030-01-01 12:00", "", ""), "2030-01-07 04:00", "", false},
		"asked for after its time":             {remembered("2030-01-07 03:10", "", ""), "2030-01-07 03:20", "", false},
		"one began at its time":                {remembered("2030-01-01 12:00", "", "2030-01-07 03:00"), "2030-01-07 03:20", "", false},
		"one began the week before":            {remembered("2030-01-01 12:00", "", "2030-01-07 03:00"), "2030-01-14 03:00", "", true},
		"someone asks":                         {nil, "2030-01-03 17:00", "now", true},
		"someone asked, and that was answered": {nil, "2030-01-03 17:00", "handled", false},
	} {
		sd := testkit.SignalDeployment()
		sd.Spec.Rollback.Drill = &v1alpha1.DrillSpec{Schedule: weekly}
		sd.Status.Drill, sd.Status.Handled.Drill = tc.memory, "handled"
		if tc.asked != "" {
			metav1.SetMetaDataAnnotation(&sd.ObjectMeta, v1alpha1.AnnotationDrill, tc.asked)
		} else {
			sd.Status.Handled.Drill = ""
		}
		if got := drill.Wanted(sd, when(tc.now).Time); got != tc.want {
			t.Errorf("%s: wanted %t", name, got)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for schedule, words := range map[string]string{
		"":                                "",
		"0 3 * * 1":                       "",
		"CRON_TZ=Europe/Vienna 0 3 * * *": "",
		"61 3 * * 1":                      "spec.rollback.drill.schedule",
		"0 3 30 2 *":                      "never comes",
		"CRON_TZ=Mars/Olympus 0 3 * * 1":  `"Mars/Olympus"`,
	} {
		sd := testkit.SignalDeployment()
		sd.Spec.Rollback.Drill = &v1alpha1.DrillSpec{Schedule: schedule}
		if err := drill.Validate(sd); words == "" && err != nil || words != "" && (err == nil || !strings.Contains(err.Error(), words)) {
			t.Errorf("%q: %v", schedule, err)
		}
	}
	if err := drill.Validate(testkit.SignalDeployment()); err != nil {
		t.Error(err)
	}
}

// The signal has the patience of the most patient metric.
func TestSignal(t *testing.T) {
	t.Parallel()
	for patience, spec := range map[int32]v1alpha1.AnalysisSpec{
		1: {},
		5: {Metrics: []v1alpha1.Metric{{ConsecutiveFailures: 2}, {ConsecutiveFailures: 5}, {}}},
	} {
		if got := drill.Signal(spec).ConsecutiveFailures; got != patience {
			t.Errorf("patience %d, want %d", got, patience)
		}
	}
}
