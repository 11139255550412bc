package profile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// remember is the memory of an attempt whose phases and steps began as the lines say:
// second, phase, step, reason.
func remember(lines ...string) v1alpha1.RolloutStatus {
	r := v1alpha1.RolloutStatus{StartTime: metav1.NewTime(noon)}
	for _, line := range lines {
		fields := append(strings.Fields(line), "", "", "")
		var second int
		_, _ = fmt.Sscan(fields[0], &second)
		step := fields[2]
		if step == "-" {
			step = ""
		}
		r.Phase = v1alpha1.Phase(fields[1])
		r.Timeline = append(r.Timeline, v1alpha1.TimelineEntry{Time: metav1.NewTime(noon.Add(time.Duration(second) * time.Second)), Phase: r.Phase, Step: step, Reason: fields[3]})
	}
	return r
}

func told(pairs []Pair) []string {
	var out []string
	text := func(p Part) string {
		return strings.TrimSpace(fmt.Sprintf("%s %s", p.Phase, p.Step)) + fmt.Sprintf(" %v-%v", p.Start.Sub(noon).Seconds(), p.End.Sub(noon).Seconds())
	}
	for _, p := range pairs {
		line := text(p.Part)
		if !p.Held.IsZero() {
			line += fmt.Sprintf(" held %v", p.Held.Sub(noon).Seconds())
		}
		if !p.Before.Start.IsZero() {
			line += ", before " + text(p.Before)
		}
		if p.Failing {
			line += ", failing"
		}
		out = append(out, line)
	}
	return out
}

// A part is measured when it has ended, once, and never before a rollback has.
func TestWhatIsMeasuredWhen(t *testing.T) {
	way := []string{"0 Pending", "1 Staging", "5 Checking", "9 Progressing first Passed", "11 Progressing first Holding", "71 Progressing half", "130 CuttingOver Weight"}
	failed := v1alpha1.Verdict{Kind: v1alpha1.SignalMetric, Outcome: v1alpha1.OutcomeFailed, Phase: v1alpha1.PhaseProgressing, Step: "half"}
	late := v1alpha1.Verdict{Kind: v1alpha1.SignalDeadline, Outcome: v1alpha1.OutcomeFailed, Phase: v1alpha1.PhaseProgressing, Step: "half"}
	full := remember()
	for len(full.Timeline) < maxTimeline {
		full.Timeline = append(full.Timeline, v1alpha1.TimelineEntry{Phase: v1alpha1.PhaseProgressing, Step: fmt.Sprint(len(full.Timeline))})
	}
	almost := full
	almost.Timeline = full.Timeline[:maxTimeline-1]
	another := remember(way...)
	another.StartTime = metav1.NewTime(noon.Add(-time.Hour))
	with := func(r v1alpha1.RolloutStatus, profiles []v1alpha1.Profile, verdicts ...v1alpha1.Verdict) v1alpha1.RolloutStatus {
		r.Profiles, r.Verdicts = profiles, verdicts
		return r
	}
	first := []v1alpha1.Profile{{Phase: v1alpha1.PhaseProgressing, Step: "first"}}
	for name, tc := range map[string]struct {
		before, next v1alpha1.RolloutStatus
		want         []string
	}{
		"at rest":             {remember(way...), remember(way...), nil},
		"nothing remembered":  {remember(), remember(), nil},
		"before traffic":      {remember(way[:2]...), remember(way[:3]...), nil},
		"the first step":      {remember(way[:3]...), remember(way[:4]...), nil},
		"its weight is seen":  {remember(way[:4]...), remember(way[:5]...), nil},
		"the second step":     {remember(way[:5]...), remember(way[:6]...), []string{"Progressing first 9-71 held 11, before Checking 5-9"}},
		"the cutover":         {with(remember(way[:6]...), first), with(remember(way...), first), []string{"Progressing half 71-130, before Progressing first 9-71"}},
		"one that was missed": {remember(way[:6]...), remember(way...), []string{"Progressing first 9-71 held 11, before Checking 5-9", "Progressing half 71-130, before Progressing first 9-71"}},
		"a rollback is not kept waiting": {
			with(remember(way[:6]...), first), with(remember(append(way[:6:6], "90 RollingBack")...), first, failed), nil,
		},
		"it is measured afterwards": {
			with(remember(append(way[:6:6], "90 RollingBack")...), first, failed), with(remember(append(way[:6:6], "90 RollingBack", "93 RolledBack")...), first, failed),
			[]string{"Progressing half 71-90, before Progressing first 9-71, failing", "RollingBack 90-93, before Progressing half 71-90"},
		},
		"a deadline is no metric": {
			with(remember(append(way[:6:6], "90 RollingBack")...), first, late), with(remember(append(way[:6:6], "90 RollingBack", "93 RolledBack")...), first, late),
			[]string{"Progressing half 71-90, before Progressing first 9-71", "RollingBack 90-93, before Progressing half 71-90"},
		},
		"a new attempt":                      {another, remember(way...), nil},
		"a new attempt with an empty memory": {remember(way...), remember(way[:1]...), nil},
		"a full timeline tells nothing":      {almost, full, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, told(Ended(tc.before, tc.next))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The memory is bounded, and the gravest of what stood out is kept.
func TestKeepingIsBounded(t *testing.T) {
	r := v1alpha1.RolloutStatus{}
	severities := []v1alpha1.AnomalySeverity{v1alpha1.SeverityLow, v1alpha1.SeverityMedium, v1alpha1.SeverityHigh}
	for i := range 60 {
		Keep(&r, v1alpha1.Profile{Step: fmt.Sprint(i)}, []v1alpha1.Anomaly{{Severity: severities[i%3], StartTime: metav1.NewTime(noon.Add(time.Duration(i) * time.Second))}})
	}
	count := map[v1alpha1.AnomalySeverity]int{}
	for i, a := range r.Anomalies {
		count[a.Severity]++
		if i > 0 && a.StartTime.Before(&r.Anomalies[i-1].StartTime) {
			t.Error("they are out of order")
		}
	}
	if diff := cmp.Diff(map[v1alpha1.AnomalySeverity]int{v1alpha1.SeverityHigh: 20, v1alpha1.SeverityMedium: 12}, count); diff != "" || len(r.Profiles) != 32 || r.Profiles[31].Step != "31" {
		t.Errorf("%d profiles; %s", len(r.Profiles), diff)
	}
}

// Whatever step names and values there are, what is kept fits the schema.
func TestWordsAreBounded(t *testing.T) {
	c := scene(1, 60, except(healthy, 20, 21, func(s *shape) { s.median *= 5 }), always(healthy))
	c.Step = strings.Repeat("ä", 400)
	c.candidate.since = time.Time{}
	c.candidate.unavailable = fmt.Errorf("boom")
	for _, a := range c.anomalies() {
		if len(a.Message) > 512 || len(a.Value) > 64 || len(a.Usual) > 64 || !strings.HasPrefix(a.Message, "Brief latency spike of the candidate during step ää") {
			t.Errorf("%+v", a)
		}
	}
	if p := c.profile(); p.Message != "No pod of the candidate was scraped in it" || p.Candidate != nil || p.Stable != nil {
		t.Errorf("%+v", p)
	}
}

// What was measured is told with the query that it was asked with.
func TestFacts(t *testing.T) {
	profile := v1alpha1.Profile{
		Phase: v1alpha1.PhaseVerifying, StartTime: metav1.NewTime(noon), EndTime: metav1.NewTime(noon.Add(time.Minute)),
		Candidate: &v1alpha1.TrackProfile{
			Release: "v2", Requests: new(int64(4800)), PeakPerMinute: new(int64(5100)), PeakSeconds: 2, ClientErrors: new(int64(12)), ServerErrors: new(int64(0)),
			P50Microseconds: new(int64(45_120)), P95Microseconds: new(int64(280_000)), P99Microseconds: new(int64(1_234_000)),
			CPUPercent: new(int32(35)), CPUMillicores: new(int64(70)), MemoryBytes: new(int64(66 << 20)),
		},
		Stable: &v1alpha1.TrackProfile{Release: "v1", MemoryPercent: new(int32(61))},
	}
	spike := v1alpha1.Anomaly{
		Kind: v1alpha1.AnomalyLatencySpike, Severity: v1alpha1.SeverityLow, Release: "v2", Phase: v1alpha1.PhaseProgressing, Step: "half", WindowSeconds: 5,
		StartTime: metav1.NewTime(noon), EndTime: metav1.NewTime(noon.Add(10 * time.Second)), Value: "900ms", Usual: "80ms", Message: "Brief latency spike",
	}
	var got []string
	for _, f := range Facts(Subject{Namespace: "prod", Name: "app"}, v1alpha1.RolloutStatus{
		Profiles: []v1alpha1.Profile{profile, {Phase: v1alpha1.PhaseProgressing, Step: "half", Message: "Nothing was scraped"}}, Anomalies: []v1alpha1.Anomaly{spike},
	}) {
		e := f.Evidence
		got = append(got, strings.Join([]string{string(f.Outcome), f.Name, f.Reason, string(f.Phase), f.Step, f.Message, e.Value, e.Baseline, e.Window, e.Source}, "|"), "  "+e.Query)
	}
	pods := `{namespace="prod",delivery_signal_dev_name="app",delivery_signal_dev_release="v2"`
	want := []string{
		"|Response Times|Measured|Verifying||p50 45ms, p95 280ms, p99 1.23s|p50 45ms, p95 280ms, p99 1.23s||1m|built-in",
		"  histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket" + pods + "}[1m]))) or histogram_quantile(0.95, sum(rate(http_request_duration_seconds" + pods + "}[1m])))",
		"|Throughput|Measured|Verifying||peak 85.0 RPS, mean 80.0 RPS, 4800 requests|peak 85.0 RPS, mean 80.0 RPS, 4800 requests||1m|built-in",
		"  max_over_time((sum(rate(http_requests_total" + pods + "}[2s])))[1m:2s])",
		"|Error Rates|Measured|Verifying||0.00 % server errors, 0.25 % client errors|0.00 % server errors, 0.25 % client errors||1m|built-in",
		"  (sum(increase(http_requests_total" + pods + `,code=~"5.."}[1m])) or 0 * sum(increase(http_requests_total` + pods + `,code=~".+"}[1m]))) / sum(increase(http_requests_total` + pods + "}[1m]))",
		"|CPU|Measured|Verifying||35 % of its limit|35 % of its limit||1m|built-in",
		"  avg(rate(process_cpu_seconds_total" + pods + "}[1m]) / on (pod, container) kube_pod_container_resource_limits" + pods + `,resource="cpu"})`,
		"|Memory|Measured|Verifying||66 MiB, no limit|66 MiB, no limit|61 % of its limit|1m|built-in",
		"  max_over_time((max(process_resident_memory_bytes" + pods + "}))[1m:2s])",
		"||NotMeasured|Progressing|half|Nothing was scraped|||1s|built-in",
		"  ",
		"|LatencySpike|Anomaly|Progressing|half|Brief latency spike (low severity), from 12:00:00 to 12:00:10|900ms|80ms|5s|built-in",
		"  histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket" + pods + "}[5s]))) or histogram_quantile(0.95, sum(rate(http_request_duration_seconds" + pods + "}[5s])))",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The verification is told beside the last step before the cutover: the stable
// release takes nothing any more.
func TestTheVerificationIsToldBesideTheLastStep(t *testing.T) {
	part := func(phase v1alpha1.Phase, requests int64, seconds int) v1alpha1.Profile {
		return v1alpha1.Profile{
			Phase: phase, StartTime: metav1.NewTime(noon), EndTime: metav1.NewTime(noon.Add(time.Duration(seconds) * time.Second)),
			Candidate: &v1alpha1.TrackProfile{Release: "v2", Requests: new(requests)}, Stable: &v1alpha1.TrackProfile{Release: "v1", Requests: new(requests / 2)},
		}
	}
	unseen := v1alpha1.Profile{Phase: v1alpha1.PhaseProgressing, Step: "half", Message: "Nothing was scraped"}
	first, last, verifying := part(v1alpha1.PhaseProgressing, 600, 60), part(v1alpha1.PhaseProgressing, 1200, 30), part(v1alpha1.PhaseVerifying, 4800, 60)
	for name, tc := range map[string]struct {
		profiles []v1alpha1.Profile
		want     string
	}{
		"after two steps":              {[]v1alpha1.Profile{first, last, part(v1alpha1.PhaseCuttingOver, 9, 9), verifying}, "mean 40.0 RPS, 1200 requests"},
		"after one that was not seen":  {[]v1alpha1.Profile{first, unseen, verifying}, "mean 10.0 RPS, 600 requests"},
		"without steps":                {[]v1alpha1.Profile{verifying}, "mean 40.0 RPS, 2400 requests"},
		"a step is beside the release": {[]v1alpha1.Profile{verifying, last}, "mean 20.0 RPS, 600 requests"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, f := range Facts(Subject{Namespace: "prod", Name: "app"}, v1alpha1.RolloutStatus{Profiles: tc.profiles}) {
				if f.Name == NameThroughput {
					got = f.Evidence.Baseline
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A step that waited for people for days is measured as far as samples go
// back, and says since when.
func TestALongStep(t *testing.T) {
	end := noon.Add(90 * time.Second)
	pair := Pair{Part: Part{Phase: v1alpha1.PhaseProgressing, Step: "half", Start: noon.Add(-72 * time.Hour), End: end}}
	p, _ := Measure(t.Context(), record(t, 1, 91), Subject{Namespace: "prod", Name: "app", Candidate: "v2", Interval: time.Second}, pair)
	if p.Candidate == nil || p.Candidate.Requests == nil || p.Candidate.P95Microseconds == nil {
		t.Fatalf("%+v", p)
	}
	if since := p.StartTime.Sub(noon); since < 0 || since > 10*time.Second || !p.EndTime.Time.Equal(end) {
		t.Errorf("measured from %s to %s", p.StartTime, p.EndTime)
	}
}
