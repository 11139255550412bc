package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis/profile"
)

// gauged is what was measured of a track with so many requests and a 95th
// percentile of so many milliseconds.
func gauged(hash string, requests, p95 int64) *v1alpha1.TrackProfile {
	return &v1alpha1.TrackProfile{
		Release: hash, Requests: new(requests), PeakPerMinute: new(requests + 300), PeakSeconds: 2, ClientErrors: new(requests / 400), ServerErrors: new(int64(0)),
		P50Microseconds: new(p95 * 200), P95Microseconds: new(p95 * 1000), P99Microseconds: new(p95 * 2000),
		CPUPercent: new(int32(35)), CPUMillicores: new(int64(70)), MemoryPercent: new(int32(66)), MemoryBytes: new(int64(42 << 20)),
	}
}

func remembering(in Input, profiles []v1alpha1.Profile, anomalies ...v1alpha1.Anomaly) Input {
	in.Rollout.Profiles, in.Rollout.Anomalies = profiles, anomalies
	in.Measured = profile.Facts(profile.Subject{Namespace: in.Namespace, Name: in.Name}, in.Rollout)
	return in
}

var spike = v1alpha1.Anomaly{
	Kind: v1alpha1.AnomalyLatencySpike, Severity: v1alpha1.SeverityLow, Release: "v2", Phase: v1alpha1.PhaseProgressing, Step: "half", WindowSeconds: 2,
	StartTime: at(70), EndTime: at(74), Value: "900ms", Usual: "80ms", Message: "Brief latency spike of the candidate during step half: p95 900ms where 80ms was usual",
}

// measuredReports are of releases of which something was measured, or not.
var measuredReports = map[string]Input{
	"measured": remembering(reports["succeeded"], []v1alpha1.Profile{
		{Phase: v1alpha1.PhaseProgressing, Step: "half", StartTime: at(5), EndTime: at(65), Candidate: gauged("v2", 2400, 80), Stable: gauged("v1", 2400, 75)},
		{Phase: v1alpha1.PhaseVerifying, StartTime: at(65), EndTime: at(125), Candidate: gauged("v2", 4800, 280)},
	}, spike),
	"not measured": remembering(reports["rolled back by an alert"], []v1alpha1.Profile{
		{Phase: v1alpha1.PhaseProgressing, Step: "first", StartTime: at(5), EndTime: at(65), Message: `The built-in source cannot scrape pod "a", which answers with 404 Not Found at http://10.0.0.1:8080/metrics`},
		{Phase: v1alpha1.PhaseRollingBack, StartTime: at(65), EndTime: at(68), Message: `The built-in source cannot scrape pod "a", which answers with 404 Not Found at http://10.0.0.1:8080/metrics`},
	}),
}

func TestMeasuredReports(t *testing.T) {
	for name, in := range measuredReports {
		t.Run(name, func(t *testing.T) {
			got := Make(in)
			wellFormed(t, got)
			for ending, text := range map[string]string{".md": got.Markdown, ".json": string(got.JSON)} {
				path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+ending)
				if *update {
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if text != string(want) {
					t.Errorf("differs from %s (run with -update to accept):\n%s", path, text)
				}
			}
		})
	}
}

// Law 14: what is said of key metrics and of what stood out is what the
// evidence that it names says.
func TestWhatWasMeasuredRestsOnEvidence(t *testing.T) {
	for name, in := range measuredReports {
		told := tell(in)
		for _, l := range append(told.measures, told.anomalies...) {
			if len(l.facts) == 0 {
				t.Errorf("%s: %q rests on nothing", name, l.text)
			}
			for _, n := range l.facts {
				f := told.facts[n-1]
				if f.number != n || f.Outcome == "" && !strings.Contains(l.text, f.Message) {
					t.Errorf("%s: %q rests on %d, which says %q", name, l.text, n, f.Message)
				}
			}
		}
		for _, f := range told.facts {
			if f.Reason == profile.ReasonMeasured && (f.Evidence.Query == "" || f.Evidence.Source == "" || f.Evidence.Value != f.Message) {
				t.Errorf("%s: evidence %d: %+v", name, f.number, f.Evidence)
			}
		}
	}
}

// The line of each measure is of the part that tells most.
func TestWhichPartTellsMost(t *testing.T) {
	part := func(phase v1alpha1.Phase, step string, p *v1alpha1.TrackProfile) v1alpha1.Profile {
		return v1alpha1.Profile{Phase: phase, Step: step, StartTime: at(0), EndTime: at(60), Candidate: p}
	}
	idle := &v1alpha1.TrackProfile{Release: "v2", Requests: new(int64(0))}
	for name, tc := range map[string]struct {
		profiles []v1alpha1.Profile
		want     string
	}{
		"the latest":                {[]v1alpha1.Profile{part("Progressing", "first", gauged("v2", 100, 80)), part("Verifying", "", gauged("v2", 200, 80))}, "Verifying"},
		"one with traffic":          {[]v1alpha1.Profile{part("Progressing", "first", gauged("v2", 100, 80)), part("Verifying", "", idle)}, "Progressing first"},
		"no rollback if there is":   {[]v1alpha1.Profile{part("Progressing", "first", gauged("v2", 100, 80)), part("RollingBack", "", gauged("v2", 100, 80))}, "Progressing first"},
		"a rollback if there is no": {[]v1alpha1.Profile{part("RollingBack", "", gauged("v2", 100, 80))}, "RollingBack"},
		"none":                      {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := remembering(attempt(v1alpha1.ResultSucceeded, 60, nil), tc.profiles)
			var facts []fact
			for _, v := range in.Measured {
				facts = append(facts, fact{0, v})
			}
			if got := telling(facts); got != tc.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

// Whatever was measured beside a full memory, the report fits.
func TestACrowdedProfileFits(t *testing.T) {
	in := crowded("|")
	var profiles []v1alpha1.Profile
	var anomalies []v1alpha1.Anomaly
	for i := range 32 {
		step := strings.Repeat("|", 60) + fmt.Sprint(i)
		profiles = append(profiles, v1alpha1.Profile{
			Phase: v1alpha1.PhaseProgressing, Step: step, Candidate: gauged("v2", 1e12, 1e12), Stable: gauged("v1", 1e12, 1e12), Message: strings.Repeat("`", 512),
		})
		a := spike
		a.Step, a.Message = step, strings.Repeat("&a;", 170)
		anomalies = append(anomalies, a)
	}
	r := Make(remembering(in, profiles, anomalies...))
	wellFormed(t, r)
	var got document
	if err := json.Unmarshal(r.JSON, &got); err != nil || len(r.JSON) > maxJSON || len(got.Evidence) != 200+32*6+32 {
		t.Errorf("%d bytes of JSON, %d exhibits: %v", len(r.JSON), len(got.Evidence), err)
	}
}

// Machines read what people do.
func TestMachinesReadWhatWasMeasured(t *testing.T) {
	in := measuredReports["measured"]
	var got document
	if err := json.Unmarshal(Make(in).JSON, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in.Rollout.Profiles, got.Profiles); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(in.Rollout.Anomalies, got.Observed); diff != "" {
		t.Error(diff)
	}
}
