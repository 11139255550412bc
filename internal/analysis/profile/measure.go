package profile

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Measure asks what has been of a part that has ended, and what stood out. An
// answer that does not come is told as such.
func Measure(ctx context.Context, source analysis.Source, s Subject, pair Pair) (v1alpha1.Profile, []v1alpha1.Anomaly) {
	interval := max(s.Interval, time.Second)
	r := reader{source: source, interval: interval, width: width(pair.Part, interval)}
	c := comparison{Pair: pair, width: r.width}
	if pair.End.Sub(pair.Start) < r.width {
		return v1alpha1.Profile{
			Phase: pair.Phase, Step: pair.Step, StartTime: metav1.NewTime(pair.Start), EndTime: metav1.NewTime(pair.End), Message: "It was too short to be measured",
		}, nil
	}
	r.ask = s.ask(s.Candidate)
	c.candidate = r.read(ctx, candidate, s.Candidate, pair)
	if s.Stable != "" && s.Stable != s.Candidate {
		r.ask = s.ask(s.Stable)
		c.stable = r.read(ctx, stable, s.Stable, pair)
	}
	return c.profile(), c.anomalies()
}

func (c comparison) anomalies() []v1alpha1.Anomaly {
	out := c.find()
	all := make([]v1alpha1.Anomaly, 0, len(out))
	for _, f := range out {
		all = append(all, c.anomaly(f))
	}
	slices.SortStableFunc(all, func(a, b v1alpha1.Anomaly) int { return a.StartTime.Compare(b.StartTime.Time) })
	return all
}

// profile is what is kept of the part.
func (c comparison) profile() v1alpha1.Profile {
	p := v1alpha1.Profile{
		Phase: c.Phase, Step: c.Step, StartTime: metav1.NewTime(c.Start), EndTime: metav1.NewTime(c.End),
		Candidate: c.candidate.profile(), Message: verdict.Clip(c.candidate.missing(), 512),
	}
	if !c.candidate.since.IsZero() {
		p.StartTime = metav1.NewTime(c.candidate.since.Truncate(time.Second))
	}
	if c.stable != nil {
		p.Stable = c.stable.profile()
	}
	return p
}

// profile is nil when nothing is known.
func (t *track) profile() *v1alpha1.TrackProfile {
	m := t.totals
	p := v1alpha1.TrackProfile{
		Requests: whole(m.requests), PeakPerMinute: whole(60 * m.peak), ClientErrors: whole(m.clientErrors), ServerErrors: whole(m.serverErrors),
		P50Microseconds: whole(1e6 * m.p50), P95Microseconds: whole(1e6 * m.p95), P99Microseconds: whole(1e6 * m.p99),
		CPUPercent: small(100 * m.cpuShare), CPUMillicores: whole(1000 * m.cpu), MemoryPercent: small(100 * m.memoryShare), MemoryBytes: whole(m.memory),
	}
	if p == (v1alpha1.TrackProfile{}) {
		return nil
	}
	p.Release = t.release
	if p.PeakPerMinute != nil {
		p.PeakSeconds = int32(t.width.Seconds())
	}
	return &p
}

// whole is nil for what is not known.
func whole(value float64) *int64 {
	if math.IsNaN(value) || value < 0 || value > math.MaxInt64/2 {
		return nil
	}
	return new(int64(math.Round(value)))
}

func small(value float64) *int32 {
	if n := whole(value); n != nil && *n <= math.MaxInt32 {
		return new(int32(*n)) //nolint:gosec // within bounds
	}
	return nil
}

// missing says what is not known, and why.
func (t *track) missing() string {
	reason := how(t.unavailable)
	if t.since.IsZero() {
		if reason == "" {
			return "No pod of the " + t.who + " was scraped in it"
		}
		return "The built-in source " + reason
	}
	var none []string
	for _, m := range []struct {
		metric string
		value  float64
	}{{requestsMetric, t.totals.requests}, {cpuMetric, t.totals.cpu}, {memoryMetric, t.totals.memory}} {
		if math.IsNaN(m.value) {
			none = append(none, m.metric)
		}
	}
	if math.IsNaN(t.totals.p50) && t.totals.requests != 0 {
		none = append(none, latencyMetric)
	}
	slices.Sort(none)
	switch {
	case len(none) == 0 && t.totals.requests == 0:
		return "The pods of the " + t.who + " answered no request in it"
	case len(none) == 0:
		return ""
	case reason != "":
		return "There is no value of " + strings.Join(none, ", ") + ": the built-in source " + reason
	}
	return "The pods of the " + t.who + " expose no value of " + strings.Join(none, ", ")
}
