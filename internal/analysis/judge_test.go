package analysis

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

var (
	within  = Sample{Time: noon, Outcome: verdict.Passed, Reason: ReasonWithin, Value: new(0.001), Threshold: "<= 0.01", Query: "errors", Window: time.Minute, Source: "main"}
	outside = Sample{Time: noon, Outcome: verdict.Failed, Reason: ReasonOutside, Message: "was 0.31, above its maximum 0.01", Value: new(0.31), Baseline: new(0.1), Threshold: "<= 0.01", Query: "errors", Window: time.Minute, Source: "main"}
	silent  = Sample{Time: noon, Outcome: verdict.Unknown, Reason: ReasonNoData, Message: "the query answers with no data", Threshold: "<= 0.01", Query: "errors", Source: "main"}
	ignored = Sample{Time: noon, Outcome: verdict.Passed, Reason: ReasonIgnored, Message: "the query answers with no data", Threshold: "<= 0.01", Query: "errors", Source: "main"}
)

// after is what is known once the samples have been taken.
func after(samples ...Sample) (Record, v1alpha1.MetricTally) {
	r, tally := Record{}, v1alpha1.MetricTally{Name: "errors"}
	for _, s := range samples {
		r, tally = r.Add(s), Count(tally, s)
	}
	return r, tally
}

func TestJudge(t *testing.T) {
	for name, tc := range map[string]struct {
		inARow, needed int32
		budget         *int32
		samples        []Sample
		want           verdict.Verdict // without evidence
	}{
		"not sampled":                   {want: verdict.Wait("Metric", ReasonNotSampled, `Metric "errors" has not been sampled yet`)},
		"within its limits":             {samples: []Sample{within}, want: verdict.Pass("Metric", ReasonWithin, `Metric "errors" is within its limits: <= 0.01`)},
		"one failure when absent":       {samples: []Sample{outside}, want: verdict.Fail("Metric", ReasonConsecutive, `Metric "errors" was 0.31, above its maximum 0.01`)},
		"failing needs no samples":      {needed: 100, samples: []Sample{outside}, want: verdict.Fail("Metric", ReasonConsecutive, `Metric "errors" was 0.31, above its maximum 0.01`)},
		"not yet often enough":          {inARow: 3, samples: []Sample{outside, outside}, want: verdict.Wait("Metric", ReasonFailing, `Metric "errors" is failing, not yet often enough to decide: it must be <= 0.01`)},
		"often enough in a row":         {inARow: 3, samples: []Sample{within, outside, outside, outside}, want: verdict.Fail("Metric", ReasonConsecutive, `Metric "errors" was 0.31, above its maximum 0.01, in 3 samples in a row`)},
		"the message does not count on": {inARow: 3, samples: []Sample{outside, outside, outside, outside}, want: verdict.Fail("Metric", ReasonConsecutive, `Metric "errors" was 0.31, above its maximum 0.01, in 3 samples in a row`)},
		"interrupted":                   {inARow: 2, samples: []Sample{outside, within, outside, within}, want: verdict.Pass("Metric", ReasonWithin, `Metric "errors" is within its limits: <= 0.01`)},
		"silence does not interrupt":    {inARow: 2, samples: []Sample{outside, silent, outside}, want: verdict.Fail("Metric", ReasonConsecutive, `Metric "errors" was 0.31, above its maximum 0.01, in 2 samples in a row`)},
		"ignoring does not interrupt":   {inARow: 2, samples: []Sample{outside, ignored, outside}, want: verdict.Fail("Metric", ReasonConsecutive, `Metric "errors" was 0.31, above its maximum 0.01, in 2 samples in a row`)},
		"decided, then silent":          {inARow: 1, samples: []Sample{outside, silent}, want: verdict.Fail("Metric", ReasonConsecutive, `Metric "errors" was 0.31, above its maximum 0.01`)},
		"within its budget":             {inARow: 2, budget: new(int32(1)), samples: []Sample{outside, within}, want: verdict.Pass("Metric", ReasonWithin, `Metric "errors" is within its limits: <= 0.01`)},
		"beyond its budget":             {inARow: 2, budget: new(int32(1)), samples: []Sample{outside, within, outside}, want: verdict.Fail("Metric", ReasonBudget, `Metric "errors" was 0.31, above its maximum 0.01, in more samples than its failureBudget of 1 allows`)},
		"no budget at all":              {inARow: 2, budget: new(int32(0)), samples: []Sample{outside, within}, want: verdict.Fail("Metric", ReasonBudget, `Metric "errors" was 0.31, above its maximum 0.01, in more samples than its failureBudget of 0 allows`)},
		"silent":                        {samples: []Sample{within, silent}, want: verdict.Wait("Metric", ReasonNoData, `Metric "errors" is unknown: the query answers with no data. Its query is: ${name}_errors`)},
		"too few":                       {needed: 3, samples: []Sample{within, silent, within}, want: verdict.Wait("Metric", ReasonTooFew, `Metric "errors" needs 3 samples in a step before it can pass`)},
		"enough":                        {needed: 3, samples: []Sample{within, silent, within, within}, want: verdict.Pass("Metric", ReasonWithin, `Metric "errors" is within its limits: <= 0.01`)},
		"ignored":                       {samples: []Sample{ignored}, want: verdict.Pass("Metric", ReasonIgnored, `Metric "errors" has no data, which its noData policy ignores`)},
		"ignored after a failure":       {inARow: 2, samples: []Sample{outside, ignored}, want: verdict.Wait("Metric", ReasonFailing, `Metric "errors" is failing, not yet often enough to decide: it must be <= 0.01`)},
		"nothing to compare with":       {samples: []Sample{{Outcome: verdict.Passed, Reason: ReasonWithin, Value: new(1.0)}}, want: verdict.Pass("Metric", ReasonWithin, `Metric "errors" has only limits relative to a stable release, and there is none to compare with`)},
	} {
		t.Run(name, func(t *testing.T) {
			r, tally := after(tc.samples...)
			m := v1alpha1.Metric{Name: "errors", Query: "${name}_errors", ConsecutiveFailures: tc.inARow, MinSamples: tc.needed, FailureBudget: tc.budget}
			got := Judge(m, r, tally)
			got.Evidence = nil
			if diff := cmp.Diff(verdict.Named(tc.want, "errors"), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEvidenceOfAVerdict(t *testing.T) {
	m := v1alpha1.Metric{Name: "errors", Query: "${name}_errors", Max: limitOf("0.01"), Compare: &v1alpha1.MetricComparison{MaxRatio: limitOf("2")}, ConsecutiveFailures: 2}
	failing := verdict.Evidence{Value: "0.31", Baseline: "0.1", Threshold: "<= 0.01", Query: "errors", Window: "1m0s", Source: "main", Samples: 3, Failures: 2, Time: metav1.NewTime(noon)}
	for name, tc := range map[string]struct {
		samples []Sample
		earlier v1alpha1.MetricTally
		want    verdict.Evidence
	}{
		"passed: the latest sample, and the step's failures": {
			samples: []Sample{within, outside, within}, earlier: v1alpha1.MetricTally{Failures: 7},
			want: verdict.Evidence{Value: "0.001", Threshold: "<= 0.01", Query: "errors", Window: "1m0s", Source: "main", Samples: 3, Failures: 1, Time: metav1.NewTime(noon)},
		},
		"failed: the failing sample":                 {samples: []Sample{within, outside, outside}, want: failing},
		"failed, then silent: still the failing one": {samples: []Sample{within, outside, outside, silent}, want: failing},
		"failed over several steps": {
			samples: []Sample{outside}, earlier: v1alpha1.MetricTally{Failures: 7, Consecutive: 1},
			want: verdict.Evidence{Value: "0.31", Baseline: "0.1", Threshold: "<= 0.01", Query: "errors", Window: "1m0s", Source: "main", Samples: 8, Failures: 8, Time: metav1.NewTime(noon)},
		},
		"unknown: the query without an answer": {
			samples: []Sample{outside, silent},
			want:    verdict.Evidence{Threshold: "<= 0.01", Query: "errors", Source: "main", Samples: 1, Failures: 1, Time: metav1.NewTime(noon)},
		},
		"failed before a restart": {
			earlier: v1alpha1.MetricTally{Failures: 2, Consecutive: 2},
			want:    verdict.Evidence{Threshold: "<= 0.01, <= 2 * stable", Query: "${name}_errors", Samples: 2, Failures: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, tally := Record{}, tc.earlier
			for _, s := range tc.samples {
				r, tally = r.Add(s), Count(tally, s)
			}
			if diff := cmp.Diff(&tc.want, Judge(m, r, tally).Evidence); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFailureBeforeARestartStillFails(t *testing.T) {
	got := Judge(v1alpha1.Metric{Name: "errors"}, Record{}, v1alpha1.MetricTally{Failures: 1, Consecutive: 1})
	if want := `Metric "errors" failed in earlier samples`; got.Outcome != verdict.Failed || got.Message != want {
		t.Errorf("got %s %q, want %q", got.Outcome, got.Message, want)
	}
}

func TestCount(t *testing.T) {
	start := v1alpha1.MetricTally{Name: "errors", Failures: 5, Consecutive: 2}
	for name, tc := range map[string]struct {
		sample Sample
		want   v1alpha1.MetricTally
	}{
		"a failure adds to both":                  {outside, v1alpha1.MetricTally{Name: "errors", Failures: 6, Consecutive: 3}},
		"a pass ends the row":                     {within, v1alpha1.MetricTally{Name: "errors", Failures: 5}},
		"silence moves nothing":                   {silent, start},
		"what is ignored is no proof of recovery": {ignored, start},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Count(start, tc.sample)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
