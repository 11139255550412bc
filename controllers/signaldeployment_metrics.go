package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// No metric has a label that grows with the number of releases.
var (
	phaseGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "signal_rollout_phase", Help: "1 for the phase that the latest release of a SignalDeployment is in.",
	}, []string{"namespace", "name", "phase"})
	weightGauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "signal_rollout_weight", Help: "The candidate's share of the traffic in percent, as read back from the routes.",
	}, []string{"namespace", "name"})
	rolloutsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "signal_rollouts_total", Help: "Releases that have ended, by result.",
	}, []string{"namespace", "name", "result"})
	rolloutSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "signal_rollout_duration_seconds", Help: "How long releases took from their start to their end, by result.",
		Buckets: []float64{15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 86400},
	}, []string{"result"})
	phaseSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "signal_rollout_phase_duration_seconds", Help: "How long releases stayed in a phase, a step or a move, without the time that people were waited for.",
		Buckets: []float64{1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400},
	}, []string{"phase"})
	verdictsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "signal_verdicts_total", Help: "Verdicts that decided something, by kind and outcome.",
	}, []string{"kind", "outcome"})
)

func init() {
	metrics.Registry.MustRegister(phaseGauge, weightGauge, rolloutsTotal, rolloutSeconds, phaseSeconds, verdictsTotal)
}

// measure counts what a decision that has been remembered changed.
func measure(now, before *v1alpha1.SignalDeployment) {
	is, was := now.Status.Rollout, before.Status.Rollout
	measureDrill(now, before)
	weightGauge.WithLabelValues(now.Namespace, now.Name).Set(float64(now.Status.Weight))
	if is.Phase != was.Phase {
		phaseGauge.DeletePartialMatch(prometheus.Labels{"namespace": now.Namespace, "name": now.Name})
	}
	if is.Phase != "" {
		phaseGauge.WithLabelValues(now.Namespace, now.Name, string(is.Phase)).Set(1)
	}
	sameAttempt := is.StartTime.Equal(&was.StartTime)
	moved := is.Phase != was.Phase || is.Step != was.Step || is.Move != was.Move // sinceTime alone moves on while people are waited for
	if sameAttempt && was.Phase != "" && moved {
		phaseSeconds.WithLabelValues(string(was.Phase)).Observe(is.SinceTime.Sub(was.SinceTime.Time).Seconds())
	}
	if !is.EndTime.IsZero() && (was.EndTime.IsZero() || !sameAttempt) {
		rolloutsTotal.WithLabelValues(now.Namespace, now.Name, string(is.Result)).Inc()
		rolloutSeconds.WithLabelValues(string(is.Result)).Observe(is.EndTime.Sub(is.StartTime.Time).Seconds())
	}
	known := 0
	if sameAttempt {
		known = min(len(was.Verdicts), len(is.Verdicts))
	}
	for _, v := range is.Verdicts[known:] {
		verdictsTotal.WithLabelValues(string(v.Kind), string(v.Outcome)).Inc()
	}
}

// forgetMetrics drops the series of a SignalDeployment that is gone.
func forgetMetrics(key types.NamespacedName) {
	series := prometheus.Labels{"namespace": key.Namespace, "name": key.Name}
	phaseGauge.DeletePartialMatch(series)
	weightGauge.DeletePartialMatch(series)
	rolloutsTotal.DeletePartialMatch(series)
	forgetDrills(series)
}
