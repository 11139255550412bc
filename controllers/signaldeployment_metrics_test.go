package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

// gathered are the values of our own metrics, by name and labels; of a histogram
// its count and its sum.
func gathered(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "signal_") {
			continue
		}
		for _, metric := range family.GetMetric() {
			key := family.GetName()
			for _, label := range metric.GetLabel() {
				key += fmt.Sprintf(" %s=%s", label.GetName(), label.GetValue())
			}
			switch {
			case metric.GetGauge() != nil:
				out[key] = metric.GetGauge().GetValue()
			case metric.GetCounter() != nil:
				out[key] = metric.GetCounter().GetValue()
			case metric.GetHistogram() != nil:
				out[key+" count"] = float64(metric.GetHistogram().GetSampleCount())
				out[key+" sum"] = metric.GetHistogram().GetSampleSum()
			}
		}
	}
	return out
}

// A release is measured at each of its moments once, however often that moment
// is remembered, and leaves no series that grow with the number of releases.
func TestAReleaseIsMeasured(t *testing.T) {
	start := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	attempt := 0
	at := func(seconds int) metav1.Time {
		return metav1.NewTime(start.Add(time.Duration(attempt)*time.Hour + time.Duration(seconds)*time.Second))
	}
	sd := testkit.SignalDeployment()
	sd.Namespace, sd.Name = "measured", "app"
	remember := func(change func(*v1alpha1.SignalDeploymentStatus)) {
		before := sd.DeepCopy()
		change(&sd.Status)
		measure(sd, before)
		measure(sd, sd.DeepCopy()) // the next reconcile changes nothing
	}
	begin := func() {
		remember(func(s *v1alpha1.SignalDeploymentStatus) {
			s.Rollout = v1alpha1.RolloutStatus{Phase: v1alpha1.PhasePending, StartTime: at(0), SinceTime: at(0)}
			s.Weight = 0
		})
		remember(func(s *v1alpha1.SignalDeploymentStatus) {
			s.Rollout.Phase, s.Rollout.SinceTime, s.Weight = v1alpha1.PhaseProgressing, at(5), 10
			s.Rollout.Verdicts = []v1alpha1.Verdict{verdict.Pass(v1alpha1.SignalSmoke, "CheckPassed", "passed")}
		})
		remember(func(s *v1alpha1.SignalDeploymentStatus) {
			s.Rollout.Step, s.Rollout.SinceTime, s.Weight = 1, at(35), 50 // another step of the same phase
		})
	}
	ended := func(phase v1alpha1.Phase, result v1alpha1.Result) func(*v1alpha1.SignalDeploymentStatus) {
		return func(s *v1alpha1.SignalDeploymentStatus) {
			s.Rollout.Phase, s.Rollout.SinceTime, s.Rollout.EndTime, s.Rollout.Result, s.Weight = phase, at(65), at(65), result, 0
			s.Rollout.Verdicts = append(s.Rollout.Verdicts, verdict.Fail(v1alpha1.SignalAlert, "AlertFiring", "it fires"))
		}
	}
	begin()
	remember(ended(v1alpha1.PhaseRolledBack, v1alpha1.ResultRolledBack))

	once := map[string]float64{
		"signal_rollout_phase name=app namespace=measured phase=RolledBack":   1,
		"signal_rollout_weight name=app namespace=measured":                   0,
		"signal_rollouts_total name=app namespace=measured result=RolledBack": 1,
		"signal_rollout_duration_seconds result=RolledBack count":             1,
		"signal_rollout_duration_seconds result=RolledBack sum":               65,
		"signal_rollout_phase_duration_seconds phase=Pending count":           1,
		"signal_rollout_phase_duration_seconds phase=Pending sum":             5,
		"signal_rollout_phase_duration_seconds phase=Progressing count":       2,
		"signal_rollout_phase_duration_seconds phase=Progressing sum":         60,
		"signal_verdicts_total kind=Alert outcome=Failed":                     1,
		"signal_verdicts_total kind=Smoke outcome=Passed":                     1,
	}
	if diff := cmp.Diff(once, gathered(t)); diff != "" {
		t.Errorf("one release (-want +got):\n%s", diff)
	}

	for range 3 {
		attempt++
		begin()
		remember(ended(v1alpha1.PhaseRolledBack, v1alpha1.ResultRolledBack))
	}
	if was, is := len(once), len(gathered(t)); is != was {
		t.Errorf("four releases have %d series, one had %d", is, was)
	}

	forgetMetrics(client.ObjectKeyFromObject(sd))
	for key := range gathered(t) {
		if strings.Contains(key, "namespace=measured") {
			t.Errorf("left behind by what is gone: %s", key)
		}
	}
}
