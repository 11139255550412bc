package report

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Whatever users, checks and metric servers say, a report stays a report.
func FuzzWellFormed(f *testing.F) {
	f.Add("app", "v1|v2", "a\nb", "x`y`", "| a |\n|---|\n", int64(90), byte(0))
	f.Add("<script>", "&amp;", "\\", "\\|", "\xff\u2028\n## Evidence", int64(-5), byte(1))
	f.Add("", "", "", "", "", int64(1)<<62, byte(2))
	f.Fuzz(func(t *testing.T, name, version, message, query, value string, seconds int64, pick byte) {
		at := metav1.NewTime(time.Unix(seconds, 0))
		kinds := []v1alpha1.SignalKind{v1alpha1.SignalMetric, v1alpha1.SignalAlert, v1alpha1.SignalRequest, v1alpha1.SignalSmoke, ""}
		results := []v1alpha1.Result{v1alpha1.ResultSucceeded, v1alpha1.ResultRolledBack, v1alpha1.ResultAborted, ""}
		in := Input{Namespace: name, Name: name, Environment: version, Release: v1alpha1.Release{ID: version, Version: version, Image: query, Digest: value, Asked: message}}
		in.Rollout = v1alpha1.RolloutStatus{
			Phase: v1alpha1.Phase(message), Result: results[int(pick)%len(results)], Reason: value, Message: message,
			StartTime: metav1.NewTime(time.Unix(0, 0)), EndTime: at, FiredBefore: []string{query}, Tallies: []v1alpha1.MetricTally{{Name: name, Failures: int32(pick)}},
			Timeline: []v1alpha1.TimelineEntry{{Time: at, Phase: v1alpha1.Phase(name), Step: value, Reason: message, Message: message}, {Time: metav1.NewTime(time.Unix(0, 0)), Step: query}},
		}
		for i, outcome := range []v1alpha1.Outcome{verdict.Passed, verdict.Failed, verdict.Unknown, v1alpha1.Outcome(value)} {
			v := verdict.Verdict{Kind: kinds[(int(pick)+i)%len(kinds)], Name: name, Outcome: outcome, Reason: value, Message: message, Phase: v1alpha1.Phase(query), Step: version}
			e := verdict.Evidence{Value: value, Baseline: message, Threshold: query, Query: query, Window: value, Source: name, Failures: int32(pick), Time: at}
			in.Rollout.Verdicts = append(in.Rollout.Verdicts, v, verdict.With(v, e))
		}
		wellFormed(t, Make(in))
	})
}
