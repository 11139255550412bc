package profile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of what is told of a profile.
const (
	ReasonMeasured    = "Measured"
	ReasonNotMeasured = "NotMeasured"
	ReasonAnomaly     = "Anomaly"
)

// Names of what is measured.
const (
	NameLatency    = "Response Times"
	NameThroughput = "Throughput"
	NameErrors     = "Error Rates"
	NameCPU        = "CPU"
	NameMemory     = "Memory"
)

const source = "built-in"

// Facts are what is remembered of a release, as facts that a report can rest
// on: what was measured, then what stood out. They pass and fail nothing, so
// that they have no outcome.
func Facts(s Subject, memory v1alpha1.RolloutStatus) []verdict.Verdict {
	all := make([]verdict.Verdict, 0, 6*len(memory.Profiles)+len(memory.Anomalies))
	for i, p := range memory.Profiles {
		all = append(all, s.facts(p, besides(p, memory.Profiles[:i]))...)
	}
	for _, a := range memory.Anomalies {
		all = append(all, s.fact(a))
	}
	return all
}

// beside is what a part is told beside, and over how long that was measured.
type beside struct {
	track *v1alpha1.TrackProfile
	over  time.Duration
}

func lasted(p v1alpha1.Profile) time.Duration {
	return max(p.EndTime.Sub(p.StartTime.Time), time.Second)
}

// besides is the stable release, which took traffic as well; once the candidate
// serves all, it is what the candidate did at the last step before.
func besides(p v1alpha1.Profile, earlier []v1alpha1.Profile) beside {
	for _, e := range slices.Backward(earlier) {
		if p.Phase == v1alpha1.PhaseVerifying && step(e) {
			return beside{e.Candidate, lasted(e)}
		}
	}
	return beside{p.Stable, lasted(p)}
}

// step reports whether the part is a step at which the candidate was measured.
func step(p v1alpha1.Profile) bool { return p.Phase == v1alpha1.PhaseProgressing && p.Candidate != nil }

// facts of one part.
func (s Subject) facts(p v1alpha1.Profile, b beside) []verdict.Verdict {
	base := verdict.Verdict{Kind: v1alpha1.SignalMetric, Phase: p.Phase, Step: p.Step}
	over := lasted(p)
	evidence := verdict.Evidence{Window: model.Duration(over).String(), Source: source, Time: p.EndTime}
	var all []verdict.Verdict
	if p.Candidate != nil {
		a := s.ask(p.Candidate.Release)
		for _, m := range measures {
			value := m.text(p.Candidate, over)
			if value == "" {
				continue
			}
			v, e := base, evidence
			v.Name, v.Reason, v.Message = m.name, ReasonMeasured, value
			e.Value, e.Query = value, verdict.Clip(m.query(a, p.Candidate, over), 4096)
			if b.track != nil {
				e.Baseline = m.text(b.track, b.over)
			}
			all = append(all, verdict.With(v, e))
		}
	}
	if p.Message != "" {
		v := base
		v.Reason, v.Message = ReasonNotMeasured, p.Message
		all = append(all, verdict.With(v, evidence))
	}
	return all
}

// fact is an anomaly. Its query tells of the windows that were compared.
func (s Subject) fact(a v1alpha1.Anomaly) verdict.Verdict {
	v := verdict.Verdict{Kind: v1alpha1.SignalMetric, Name: string(a.Kind), Reason: ReasonAnomaly, Phase: a.Phase, Step: a.Step}
	v.Message = fmt.Sprintf("%s (%s severity), from %s to %s", a.Message, strings.ToLower(string(a.Severity)),
		a.StartTime.UTC().Format(time.TimeOnly), a.EndTime.UTC().Format(time.TimeOnly))
	return verdict.With(v, verdict.Evidence{
		Value: a.Value, Baseline: a.Usual, Source: source, Time: a.EndTime, Window: model.Duration(time.Duration(a.WindowSeconds) * time.Second).String(),
		Query: verdict.Clip(s.window(a), 4096),
	})
}

// window is the query that an anomaly was seen with.
func (s Subject) window(a v1alpha1.Anomaly) string {
	asked, width := s.ask(a.Release), time.Duration(a.WindowSeconds)*time.Second
	if a.Release == "" {
		asked = ask{fmt.Sprintf(`namespace=%q,delivery_signal_dev_name=%q`, s.Namespace, s.Name)}
	}
	ofLimit := strings.Contains(a.Value, "%")
	switch a.Kind {
	case v1alpha1.AnomalyLatencySpike, v1alpha1.AnomalyLatencyRise:
		return asked.quantile("0.95", width)
	case v1alpha1.AnomalyErrorBurst, v1alpha1.AnomalyErrorRise:
		if strings.Contains(a.Message, "4xx") {
			return asked.share("4", width)
		}
		return asked.share("5", width)
	case v1alpha1.AnomalyThroughputDip:
		return asked.requests("rate", "", width)
	case v1alpha1.AnomalyCPUSpike, v1alpha1.AnomalyCPURise:
		if ofLimit {
			return asked.cpuShare(width)
		}
		return asked.cpu("avg", width)
	case v1alpha1.AnomalyMemorySpike, v1alpha1.AnomalyMemoryRise:
	}
	if ofLimit {
		return asked.memoryShare()
	}
	return asked.memory()
}

// measure is a line of what was measured: in words, and as it was asked.
type measure struct {
	name  string
	text  func(t *v1alpha1.TrackProfile, over time.Duration) string
	query func(a ask, t *v1alpha1.TrackProfile, over time.Duration) string
}

var measures = []measure{
	{NameLatency, latencies, func(a ask, _ *v1alpha1.TrackProfile, over time.Duration) string { return a.quantile("0.95", over) }},
	{NameThroughput, throughput, func(a ask, t *v1alpha1.TrackProfile, over time.Duration) string {
		return a.peak(over, time.Duration(max(1, t.PeakSeconds))*time.Second)
	}},
	{NameErrors, errorRates, func(a ask, _ *v1alpha1.TrackProfile, over time.Duration) string { return a.share("5", over) }},
	{NameCPU, cpuUsage, func(a ask, t *v1alpha1.TrackProfile, over time.Duration) string {
		if t.CPUPercent != nil {
			return a.cpuShare(over)
		}
		return a.cpu("avg", over)
	}},
	{NameMemory, memoryUsage, func(a ask, t *v1alpha1.TrackProfile, over time.Duration) string {
		query, width := a.memory(), time.Duration(max(1, t.PeakSeconds))*time.Second
		if t.MemoryPercent != nil {
			query = a.memoryShare()
		}
		return highest(query, over, width)
	}},
}

func latencies(t *v1alpha1.TrackProfile, _ time.Duration) string {
	if t.P50Microseconds == nil || t.P95Microseconds == nil || t.P99Microseconds == nil {
		return ""
	}
	micro := func(n *int64) string { return seconds(float64(*n) / 1e6) }
	return fmt.Sprintf("p50 %s, p95 %s, p99 %s", micro(t.P50Microseconds), micro(t.P95Microseconds), micro(t.P99Microseconds))
}

func throughput(t *v1alpha1.TrackProfile, over time.Duration) string {
	if t.Requests == nil {
		return ""
	}
	text := fmt.Sprintf("mean %.1f RPS, %d requests", float64(*t.Requests)/over.Seconds(), *t.Requests)
	if t.PeakPerMinute == nil {
		return text
	}
	return fmt.Sprintf("peak %.1f RPS, %s", float64(*t.PeakPerMinute)/60, text)
}

func errorRates(t *v1alpha1.TrackProfile, _ time.Duration) string {
	if t.Requests == nil || *t.Requests == 0 || t.ServerErrors == nil {
		return ""
	}
	all := float64(*t.Requests)
	text := fmt.Sprintf("%.2f %% server errors", 100*float64(*t.ServerErrors)/all)
	if t.ClientErrors != nil {
		text += fmt.Sprintf(", %.2f %% client errors", 100*float64(*t.ClientErrors)/all)
	}
	return text
}

func cpuUsage(t *v1alpha1.TrackProfile, _ time.Duration) string {
	switch {
	case t.CPUPercent != nil:
		return fmt.Sprintf("%d %% of its limit", *t.CPUPercent)
	case t.CPUMillicores != nil:
		return fmt.Sprintf("%.2f cores a pod, no limit", float64(*t.CPUMillicores)/1000)
	}
	return ""
}

func memoryUsage(t *v1alpha1.TrackProfile, _ time.Duration) string {
	switch {
	case t.MemoryPercent != nil:
		return fmt.Sprintf("%d %% of its limit", *t.MemoryPercent)
	case t.MemoryBytes != nil:
		return mebibytes(float64(*t.MemoryBytes)) + ", no limit"
	}
	return ""
}
