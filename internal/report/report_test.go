package report

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/testkit"
	"github.com/signal-delivery/operator/internal/verdict"
)

var update = flag.Bool("update", false, "rewrite golden reports")

var start = time.Date(2026, 1, 18, 8, 31, 35, 0, time.UTC)

func at(seconds int) metav1.Time {
	return metav1.NewTime(start.Add(time.Duration(seconds) * time.Second))
}

// attempt is a release of v2 beside v1 that ended after so many seconds.
func attempt(result v1alpha1.Result, took int, change func(*Input)) Input {
	in := Input{
		Namespace: "prod", Name: "signal-service", Environment: "prod", Release: testkit.Release("v2"), Stable: new(testkit.Release("v1")),
		Rollout: v1alpha1.RolloutStatus{
			Result: result, StartTime: at(0), EndTime: at(took), SinceTime: at(took), Exposed: true,
			Verdicts: []v1alpha1.Verdict{
				{Kind: v1alpha1.SignalArtifact, Outcome: verdict.Passed, Reason: "Resolved", Message: "app:v2 is pinned to sha256:2", Phase: v1alpha1.PhaseResolving, Evidence: &v1alpha1.Evidence{Value: "sha256:2", Source: "registry.example"}},
				{Kind: v1alpha1.SignalGate, Outcome: verdict.Passed, Reason: "NoGates", Message: "No gate was asked for", Phase: v1alpha1.PhaseGating},
				{Kind: v1alpha1.SignalSmoke, Name: "api", Outcome: verdict.Passed, Reason: "CheckPassed", Message: `Check "api" passed`, Phase: v1alpha1.PhaseChecking},
				metric("first", "0.002", 0), metric("half", "0.004", 2),
				{Kind: v1alpha1.SignalAlert, Name: "Errors", Outcome: verdict.Passed, Reason: "Quiet", Message: "Alert Errors does not fire", Phase: v1alpha1.PhaseProgressing, Step: "half"},
				{Kind: v1alpha1.SignalAlert, Name: "Old", Outcome: verdict.Passed, Reason: "FiredBefore", Message: "Alert Old fired before the release started", Phase: v1alpha1.PhaseProgressing, Step: "half"},
			},
			Timeline: []v1alpha1.TimelineEntry{
				{Time: at(0), Phase: v1alpha1.PhasePending, Reason: "NewRelease"},
				{Time: at(5), Phase: v1alpha1.PhaseProgressing, Step: "first", Weight: 5, Reason: "CheckPassed"},
				{Time: at(took), Phase: v1alpha1.PhaseSucceeded, Weight: 100, Reason: "Promoted"},
			},
		},
	}
	if change != nil {
		change(&in)
	}
	return in
}

func metric(step, value string, failures int32) v1alpha1.Verdict {
	return v1alpha1.Verdict{
		Kind: v1alpha1.SignalMetric, Name: "error-rate", Outcome: verdict.Passed, Reason: "WithinLimits", Message: "within its limits", Phase: v1alpha1.PhaseProgressing, Step: step,
		Evidence: &v1alpha1.Evidence{Value: value, Threshold: "<= 0.01", Baseline: "0.001", Query: "errors|total", Window: "60s", Source: "default", Samples: 60, Failures: failures, Time: at(60)},
	}
}

func ended(phase v1alpha1.Phase, why v1alpha1.Verdict) func(*Input) {
	return func(in *Input) {
		in.Rollout.Phase, in.Rollout.Reason, in.Rollout.Message = phase, why.Reason, why.Message
		in.Rollout.Verdicts = append(in.Rollout.Verdicts, why)
		in.Rollout.Timeline[2].Phase, in.Rollout.Timeline[2].Reason = phase, why.Reason
	}
}

var reports = map[string]Input{
	"succeeded": attempt(v1alpha1.ResultSucceeded, 880, func(in *Input) {
		in.Release.Artifact = &v1alpha1.ArtifactRecord{
			Platforms: []string{"linux/amd64", "linux/arm64"}, Source: "https://git.example/acme/app", Revision: "4f2a9c1", SizeBytes: 12345678,
			Signer: "SHA256:abc", Builder: "https://ci.example/builder",
		}
		in.Stable = &in.Release
	}),
	"rolled back by an alert": attempt(v1alpha1.ResultRolledBack, 90, ended(v1alpha1.PhaseRolledBack, v1alpha1.Verdict{
		Kind: v1alpha1.SignalAlert, Name: "Errors", Outcome: verdict.Failed, Reason: "AlertFiring", Message: "Alert Errors fires for the candidate", Phase: v1alpha1.PhaseProgressing, Step: "half",
		Evidence: &v1alpha1.Evidence{Value: "0.31", Query: "sum(rate(errors[1m])) > 0.05", Source: "default", Time: at(88)},
	})),
	"a first release that failed its check": attempt(v1alpha1.ResultFailed, 12, func(in *Input) {
		in.Stable, in.Rollout.Exposed, in.Rollout.Verdicts = nil, false, in.Rollout.Verdicts[:2]
		ended(v1alpha1.PhaseFailed, v1alpha1.Verdict{Kind: v1alpha1.SignalSmoke, Name: "api", Outcome: verdict.Failed, Reason: "CheckFailed", Message: `Check "api" failed: GET / was answered with status 500`, Phase: v1alpha1.PhaseChecking})(in)
	}),
	"superseded": attempt(v1alpha1.ResultSuperseded, 30, ended(v1alpha1.PhaseRolledBack, v1alpha1.Verdict{
		Kind: v1alpha1.SignalRequest, Outcome: verdict.Failed, Reason: "Superseded", Message: "A newer release was asked for", Phase: v1alpha1.PhaseProgressing,
	})),
}

func TestGolden(t *testing.T) {
	for name, in := range reports {
		t.Run(name, func(t *testing.T) {
			got := Make(in)
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
			if again := Make(in); again.Markdown != got.Markdown || string(again.JSON) != string(got.JSON) {
				t.Error("the same input gave another report")
			}
		})
	}
}

func TestSummary(t *testing.T) {
	got := Make(reports["rolled back by an alert"]).Summary
	want := v1alpha1.ReportSummary{
		ConfigMap: "signal-service-report-v2", Release: "v2-prod-20300101_120000", Result: v1alpha1.ResultRolledBack, DurationSeconds: 90,
		Summary: "v2-prod-20300101_120000 was rolled back: Alert Errors fires for the candidate",
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

var reference = regexp.MustCompile(`\[([0-9, ]+)\]$`)

// Law 14: each line of what worked rests on verdicts in favour, and each
// number that a line names is one of the evidence table.
func TestEveryClaimHasEvidence(t *testing.T) {
	for name, in := range reports {
		for _, l := range tell(in).worked {
			for _, n := range l.facts {
				if in.Rollout.Verdicts[n-1].Outcome != verdict.Passed {
					t.Errorf("%s: %q rests on %d, which did not pass", name, l.text, n)
				}
			}
		}
		claims := 0
		for row := range strings.Lines(Make(in).Markdown) {
			match := reference.FindStringSubmatch(strings.TrimSpace(row))
			if match == nil {
				continue
			}
			claims++
			for number := range strings.SplitSeq(match[1], ", ") {
				if n, err := strconv.Atoi(number); err != nil || n < 1 || n > len(in.Rollout.Verdicts) {
					t.Errorf("%s: %q names evidence that is not there", name, row)
				}
			}
		}
		if claims == 0 {
			t.Errorf("%s: no line names its evidence", name)
		}
	}
}

// Whatever users write into names and messages, tables keep their columns, the
// text is UTF-8 and the JSON can be read.
func FuzzMake(f *testing.F) {
	f.Add("a|b", "line\nbreak", "`code` <b>*x*</b>")
	f.Add("", "\xff\xfe", strings.Repeat("|", 400))
	f.Fuzz(func(t *testing.T, name, message, value string) {
		in := attempt(v1alpha1.ResultRolledBack, 90, ended(v1alpha1.PhaseRolledBack, v1alpha1.Verdict{
			Kind: v1alpha1.SignalMetric, Name: name, Outcome: verdict.Failed, Reason: name, Message: message,
			Evidence: &v1alpha1.Evidence{Value: value, Query: message, Source: name},
		}))
		got := Make(in)
		if !utf8.ValidString(got.Markdown) || !json.Valid(got.JSON) {
			t.Fatal("not UTF-8, or not JSON")
		}
		rows := 0
		_, table, _ := strings.Cut(got.Markdown, "## Evidence")
		for row := range strings.Lines(table) {
			if strings.HasPrefix(row, "| ") && strings.HasSuffix(row, "|\n") {
				rows++
				if columns := strings.Count(row, "|") - strings.Count(row, `\|`); columns != 13 {
					t.Errorf("%d columns in %q", columns-1, row)
				}
			}
		}
		if want := len(in.Rollout.Verdicts) + 1; rows != want {
			t.Errorf("%d rows, want %d", rows, want)
		}
	})
}
