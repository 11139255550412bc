package profile

import (
	"fmt"
	"math"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// anomaly is what was found, as it is remembered.
func (c comparison) anomaly(f found) v1alpha1.Anomaly {
	a := v1alpha1.Anomaly{
		Kind: f.kind, Severity: c.severity(f), Phase: c.Phase, Step: c.Step, WindowSeconds: int32(c.width.Seconds()),
		StartTime: metav1.NewTime(f.start), EndTime: metav1.NewTime(f.end), Value: f.text(f.value), Usual: f.text(f.usual),
	}
	if f.track != nil {
		a.Release = f.track.release
	}
	a.Message = verdict.Clip(c.sentence(f, a), 512)
	return a
}

// sentence tells what was found. It does not tell when: that is beside it.
func (c comparison) sentence(f found, a v1alpha1.Anomaly) string {
	what := nouns[f.kind]
	if f.kind == v1alpha1.AnomalyErrorBurst || f.kind == v1alpha1.AnomalyErrorRise {
		what = strings.Replace(what, "answers", f.class+" answers", 1)
	}
	if c.brief(f) {
		what = "brief " + what
	}
	whose := ""
	if f.track != nil {
		whose = " of the " + f.track.who
	}
	usual := "where " + a.Usual + " was usual"
	if f.against != "" {
		usual = "where " + f.against + " had " + a.Usual
	}
	text := fmt.Sprintf("%s%s %s: %s%s %s", what, whose, during(c.Part), f.measure(), a.Value, usual)
	return strings.ToUpper(text[:1]) + text[1:]
}

var nouns = map[v1alpha1.AnomalyKind]string{
	v1alpha1.AnomalyLatencySpike: "latency spike", v1alpha1.AnomalyLatencyRise: "higher latency",
	v1alpha1.AnomalyErrorBurst: "burst of answers", v1alpha1.AnomalyErrorRise: "more answers",
	v1alpha1.AnomalyThroughputDip: "dip in throughput",
	v1alpha1.AnomalyCPUSpike:      "CPU spike", v1alpha1.AnomalyCPURise: "higher CPU usage",
	v1alpha1.AnomalyMemorySpike: "memory spike", v1alpha1.AnomalyMemoryRise: "higher memory usage",
}

// during says when, in the terms of the release.
func during(p Part) string {
	switch p.Phase {
	case v1alpha1.PhaseProgressing:
		return "during step " + p.Step
	case v1alpha1.PhaseCuttingOver:
		return "during move " + p.Step + " of the cutover"
	case v1alpha1.PhaseVerifying:
		return "during the verification after the cutover"
	case v1alpha1.PhaseRollingBack:
		return "during the rollback"
	case v1alpha1.PhasePending, v1alpha1.PhaseResolving, v1alpha1.PhaseGating, v1alpha1.PhaseStaging, v1alpha1.PhaseChecking,
		v1alpha1.PhaseSettling, v1alpha1.PhaseSucceeded, v1alpha1.PhaseRolledBack, v1alpha1.PhaseFailed:
	}
	return "during " + string(p.Phase)
}

// measure is what the value is of.
func (f found) measure() string {
	switch f.kind {
	case v1alpha1.AnomalyLatencySpike, v1alpha1.AnomalyLatencyRise:
		return "p95 "
	case v1alpha1.AnomalyCPUSpike, v1alpha1.AnomalyCPURise, v1alpha1.AnomalyMemorySpike, v1alpha1.AnomalyMemoryRise,
		v1alpha1.AnomalyErrorBurst, v1alpha1.AnomalyErrorRise, v1alpha1.AnomalyThroughputDip:
	}
	return ""
}

// text of a value or a usual value.
func (f found) text(value float64) string {
	switch f.kind {
	case v1alpha1.AnomalyLatencySpike, v1alpha1.AnomalyLatencyRise:
		return seconds(value)
	case v1alpha1.AnomalyErrorBurst, v1alpha1.AnomalyErrorRise:
		return percent(value)
	case v1alpha1.AnomalyCPUSpike, v1alpha1.AnomalyCPURise:
		if f.track.ofCPU {
			return percent(value) + " of its limit"
		}
		return fmt.Sprintf("%.2f cores a pod", value)
	case v1alpha1.AnomalyMemorySpike, v1alpha1.AnomalyMemoryRise:
		if f.track.ofMemory {
			return percent(value) + " of its limit"
		}
		return mebibytes(value)
	case v1alpha1.AnomalyThroughputDip:
	}
	return fmt.Sprintf("%.1f requests/s", value)
}

// percent has two digits for small shares, none for large ones.
func percent(share float64) string {
	if share < 0.1 {
		return fmt.Sprintf("%.2f %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

func mebibytes(bytes float64) string { return fmt.Sprintf("%.0f MiB", bytes/(1<<20)) }

// seconds as people write them: 280ms, 1.25s.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// brief reports whether it was soon over.
func (c comparison) brief(f found) bool {
	lasted := f.end.Sub(f.start)
	return f.against == "" && lasted <= 30*time.Second && 4*lasted <= c.End.Sub(c.Start)
}

// steps are where an anomaly is of medium and of high severity.
type steps struct{ medium, high float64 }

// severity goes by size: how many times the usual a latency is, which share of
// answers were errors or of requests missing, how near a limit usage comes, or
// how many times the usual it is. What was soon over is one less.
func (c comparison) severity(f found) v1alpha1.AnomalySeverity {
	size, at := f.value/f.usual, steps{3, 10}
	switch f.kind {
	case v1alpha1.AnomalyErrorBurst, v1alpha1.AnomalyErrorRise:
		size, at = f.value-f.usual, steps{0.05, 0.25}
	case v1alpha1.AnomalyThroughputDip:
		size, at = 1-f.value/f.usual, steps{0.75, 0.95}
	case v1alpha1.AnomalyCPUSpike, v1alpha1.AnomalyCPURise:
		size, at = usage(f, f.track.ofCPU)
	case v1alpha1.AnomalyMemorySpike, v1alpha1.AnomalyMemoryRise:
		size, at = usage(f, f.track.ofMemory)
	case v1alpha1.AnomalyLatencySpike, v1alpha1.AnomalyLatencyRise:
	}
	level := 0
	if size >= at.medium || math.IsNaN(size) {
		level++
	}
	if size >= at.high {
		level++
	}
	if c.brief(f) {
		level--
	}
	return []v1alpha1.AnomalySeverity{v1alpha1.SeverityLow, v1alpha1.SeverityMedium, v1alpha1.SeverityHigh}[max(0, level)]
}

func usage(f found, ofLimit bool) (float64, steps) {
	if ofLimit {
		return f.value, steps{0.8, 0.95}
	}
	return f.value / f.usual, steps{2, 4}
}
