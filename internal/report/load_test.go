package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/loadtest"
	"github.com/signal-delivery/operator/internal/verdict"
)

// loaded are the verdicts on a load test of 2000 requests, of which each
// fiftieth took slow, and so many failed.
func loaded(slow time.Duration, failed int64) []verdict.Verdict {
	spec := v1alpha1.LoadTest{
		Requests: []v1alpha1.LoadRequest{{Path: "/v1/signals"}}, Shape: v1alpha1.LoadConstant, RatePerSecond: 100, DurationSeconds: 20, Workers: 1,
		Edges:  []v1alpha1.LoadEdge{v1alpha1.EdgeOversized},
		Peak:   &v1alpha1.LoadPeak{FromRatePerSecond: 100, ToRatePerSecond: 1000, StepSeconds: 5},
		Limits: v1alpha1.LoadLimits{P95Milliseconds: 100, P99Milliseconds: 250, ErrorPercent: "1", MinRatePerSecond: 90, NoWorseThanStablePercent: 20},
	}
	r := loadtest.Result{
		End: 20_000, CPU: 900, Workers: 1, Latency: &loadtest.Histogram{}, Classes: map[string]int64{"503": failed},
		Edges:   map[v1alpha1.LoadEdge]loadtest.EdgeCounts{v1alpha1.EdgeOversized: {Sent: 20, Refused: 20}},
		Windows: []loadtest.Counts{{Sent: 2000, Timed: 2000, Errors: failed}},
		Steps:   []loadtest.Counts{{Sent: 500, Timed: 500}, {Sent: 1000, Timed: 1000}, {Sent: 1500, Timed: 1500, Errors: 300}},
	}
	for n := range 2000 {
		took := 20 * time.Millisecond
		if n%50 == 0 {
			took = slow
		}
		if r.Latency.Add(took); took > 250*time.Millisecond {
			r.Windows[0].Over[3]++
		}
	}
	stable := v1alpha1.LoadRecord{Release: "v1", Test: loadtest.Hash(spec), Requests: 2000, LatencyMicroseconds: []int64{19_000, 19_000, 19_000, 90_000, 95_000}, PeakRatePerSecond: 400}
	all := loadtest.Judge(spec, r, []v1alpha1.LoadRecord{stable}, "v1")
	for i := range all {
		all[i].Phase, all[i].Evidence.Source, all[i].Evidence.Time = v1alpha1.PhaseChecking, "Job app-v2-load-0-1", at(4)
	}
	return all
}

// tested is a report of a release that was load tested.
func tested(in Input, said []verdict.Verdict) Input {
	in.Rollout.Verdicts = append(append([]verdict.Verdict{}, said...), in.Rollout.Verdicts...)
	return in
}

func TestReportsOfLoadTests(t *testing.T) {
	for name, in := range map[string]Input{
		"load held":   tested(reports["succeeded"], loaded(90*time.Millisecond, 0)),
		"load broken": tested(reports["a first release that failed its check"], loaded(400*time.Millisecond, 50)),
	} {
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
				if diff := cmp.Diff(string(want), text); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// Without a load test, the report has no word of one; background load is none.
func TestWithoutALoadTest(t *testing.T) {
	in := reports["succeeded"]
	in.Rollout.Verdicts = append([]verdict.Verdict{verdict.With(verdict.Named(verdict.Pass(v1alpha1.SignalLoad, "BackgroundLoadSent", "Sent"), "background"), verdict.Evidence{Value: "9 sent"})}, in.Rollout.Verdicts...)
	got := Make(in)
	var d map[string]any
	if err := json.Unmarshal(got.JSON, &d); err != nil {
		t.Fatal(err)
	}
	if _, has := d["loadTest"]; has || strings.Contains(got.Markdown, "## Load Test") {
		t.Error("it tells of a load test")
	}
}
