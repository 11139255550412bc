package controllers

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/rollout/drill"
)

var (
	drillSuccess = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "signal_drill_last_success_timestamp_seconds", Help: "When a rollback drill of a SignalDeployment last passed.",
	}, []string{"namespace", "name"})
	drillDue = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "signal_drill_due_timestamp_seconds", Help: "By when a rollback drill of a SignalDeployment has to pass, where one is asked for regularly.",
	}, []string{"namespace", "name"})
	drillFailing = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "signal_drill_failing", Help: "1 while the last rollback drill of a SignalDeployment that came to an end failed, 0 while it passed.",
	}, []string{"namespace", "name"})
	drillsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "signal_drills_total", Help: "Rollback drills that have ended, by result.",
	}, []string{"namespace", "name", "result"})
	drillSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "signal_drill_duration_seconds", Help: "How long the parts of rollback drills took: until a failing signal was noticed, until traffic was back, and the whole.",
		Buckets: []float64{0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600},
	}, []string{"part"})
)

func init() {
	metrics.Registry.MustRegister(drillSuccess, drillDue, drillFailing, drillsTotal, drillSeconds)
}

// drilling reports whether a drill is under way.
func drilling(sd *v1alpha1.SignalDeployment) bool { return drill.Running(sd.Status.Drill) }

// setDrill says what the last drill that came to an end said. One that is under
// way, or was interrupted, does not take that back.
func setDrill(sd *v1alpha1.SignalDeployment, overdue bool) {
	memory := sd.Status.Drill
	if memory == nil {
		meta.RemoveStatusCondition(&sd.Status.Conditions, v1alpha1.ConditionDrillPassed)
		return
	}
	c := metav1.Condition{
		Type: v1alpha1.ConditionDrillPassed, Status: metav1.ConditionUnknown, ObservedGeneration: sd.Generation,
		Reason: "NotDrilled", Message: "No rollback drill has come to an end yet",
	}
	switch last := drill.Last(memory); {
	case overdue:
		c.Status, c.Reason = metav1.ConditionFalse, "DrillOverdue"
		c.Message = "No rollback drill has passed for too long: ask for one by annotating " + v1alpha1.AnnotationDrill + "=$(date +%s)"
	case last == nil:
	case last.Result == v1alpha1.DrillPassed:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, "DrillPassed", last.Message
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, "DrillFailed", last.Message
	}
	meta.SetStatusCondition(&sd.Status.Conditions, c)
}

// measureDrill counts what a drill that has been remembered came to.
func measureDrill(now, before *v1alpha1.SignalDeployment) {
	memory, labels := now.Status.Drill, prometheus.Labels{"namespace": now.Namespace, "name": now.Name}
	due := drill.DueBy(now.Spec.Rollback.Drill, memory)
	if due.IsZero() {
		drillDue.Delete(labels)
	} else {
		drillDue.With(labels).Set(seconds(due))
	}
	if memory == nil {
		return
	}
	if !memory.LastSuccessTime.IsZero() {
		drillSuccess.With(labels).Set(seconds(memory.LastSuccessTime.Time))
	}
	if last := drill.Last(memory); last != nil {
		drillFailing.With(labels).Set(map[v1alpha1.DrillResult]float64{v1alpha1.DrillFailed: 1}[last.Result])
	}
	if !drilling(before) || drilling(now) {
		return
	}
	ended := memory.Runs[0]
	drillsTotal.WithLabelValues(now.Namespace, now.Name, string(ended.Result)).Inc()
	for part, took := range drill.Durations(ended) {
		drillSeconds.WithLabelValues(part).Observe(took.Seconds())
	}
}

// forgetDrills drops the series of a SignalDeployment that is gone.
func forgetDrills(series prometheus.Labels) {
	for _, gauge := range []*prometheus.GaugeVec{drillSuccess, drillDue, drillFailing} {
		gauge.DeletePartialMatch(series)
	}
	drillsTotal.DeletePartialMatch(series)
}

// seconds since the epoch.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
