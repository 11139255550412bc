package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// said is a termination message of verdicts: P, F and U, numbered.
func said(outcomes string) string {
	var all []string
	for i, o := range outcomes {
		outcome := map[rune]string{'P': "Passed", 'F': "Failed", 'U': "Unknown", 'X': "Perhaps"}[o]
		all = append(all, fmt.Sprintf(`{"outcome":%q,"reason":"R","message":"%c%d"}`, outcome, o, i))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func TestAJobThatCompleted(t *testing.T) {
	for name, tc := range map[string]struct {
		message string
		outcome v1alpha1.Outcome
		reason  string
		says    string
	}{
		"said nothing":               {"", verdict.Passed, ReasonPassed, `Check "own" passed`},
		"said what it did":           {"42 tests passed", verdict.Passed, ReasonPassed, `Check "own" passed`},
		"said that it passed":        {said("PP"), verdict.Passed, ReasonPassed, `Check "own" passed: P1`},
		"said that it failed":        {said("PFPF"), verdict.Failed, ReasonFailed, `Check "own" failed: F1`},
		"failed, or does not know":   {said("UF"), verdict.Failed, ReasonFailed, `Check "own" failed: F1`},
		"does not know":              {said("PUP"), verdict.Unknown, ReasonInconclusive, `Check "own" ended and does not know: U1; unless the release is aborted or tried again, its deadline ends it`},
		"said nothing, in JSON":      {"[]", verdict.Passed, ReasonPassed, `Check "own" passed`},
		"with space around":          {"\n " + said("F") + "\n", verdict.Failed, ReasonFailed, `Check "own" failed: F0`},
		"an object":                  {`{"outcome":"Failed"}`, verdict.Passed, ReasonPassed, `Check "own" passed`},
		"cut off":                    {said("PF")[:60], verdict.Passed, ReasonPassed, `Check "own" passed`},
		"an outcome that is none":    {said("FX"), verdict.Passed, ReasonPassed, `Check "own" passed`},
		"sixteen verdicts":           {said(strings.Repeat("P", 15) + "F"), verdict.Failed, ReasonFailed, `Check "own" failed: F15`},
		"seventeen verdicts":         {said(strings.Repeat("P", 16) + "F"), verdict.Passed, ReasonPassed, `Check "own" passed`},
		"as long as kubelet keeps":   {said("F") + strings.Repeat(" ", 9000), verdict.Failed, ReasonFailed, `Check "own" failed: F0`},
		"longer than kubelet keeps":  {`[{"outcome":"Failed","message":"` + strings.Repeat("a", 4096) + `"}]`, verdict.Passed, ReasonPassed, `Check "own" passed`},
		"credentials in its verdict": {`[{"outcome":"Failed","message":"password=hunter2"}]`, verdict.Failed, ReasonFailed, `Check "own" failed: password=[redacted]`},
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(own, jobOf(own, condition(batchv1.JobSuccessCriteriaMet, ""), condition(batchv1.JobComplete, "")), []corev1.Pod{podOf(own, 0, ended(0, tc.message))})
			if got.Kind != v1alpha1.SignalSmoke || got.Outcome != tc.outcome || got.Reason != tc.reason || got.Message != tc.says {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAJobThatFailed(t *testing.T) {
	for name, tc := range map[string]struct {
		pods []corev1.Pod
		says string
	}{
		"by its exit code":         {[]corev1.Pod{podOf(own, 0, ended(3, "boom"))}, "it ended with exit code 3 and its last words: boom"},
		"without a word":           {[]corev1.Pod{podOf(own, 0, ended(3, ""))}, "it ended with exit code 3 and said nothing"},
		"for want of memory":       {[]corev1.Pod{podOf(own, 0, ended(137, "", func(e *corev1.ContainerStateTerminated) { e.Reason = "OOMKilled" }))}, "it ended with exit code 137 (OOMKilled) and said nothing"},
		"by its own word":          {[]corev1.Pod{podOf(own, 0, ended(1, said("PF")))}, "F1"},
		"though it does not know":  {[]corev1.Pod{podOf(own, 0, ended(1, said("PU")))}, "U1"},
		"though it says it passed": {[]corev1.Pod{podOf(own, 0, ended(1, `[{"outcome":"Passed"}]`))}, `it ended with exit code 1 and its last words: [{"outcome":"Passed"}]`},
		"though it said otherwise": {[]corev1.Pod{podOf(own, 0, ended(1, said("F"))), podOf(own, 1, ended(1, "boom"))}, "it ended with exit code 1 and its last words: boom"},
		"and its pod is gone":      {nil, ""},
		"before it ran, by eviction": {[]corev1.Pod{podOf(own, 0, func(p *corev1.Pod) {
			p.Status = corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", Message: "The node was low on resource: memory."}
		})}, "its pod ended before it ran (Evicted): The node was low on resource: memory."},
		"before it ran, without a word": {
			[]corev1.Pod{podOf(own, 0, func(p *corev1.Pod) { p.Status = corev1.PodStatus{Phase: corev1.PodFailed} })},
			"its pod ended before it ran (no reason given): no message given",
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := `Check "own" failed: ` + tc.says
			if tc.says == "" {
				want = `Check "own" failed and its pod is gone: see kubectl describe job -n prod app-v2-3-own`
			}
			got := judge(own, jobOf(own, condition(batchv1.JobFailureTarget, batchv1.JobReasonBackoffLimitExceeded), condition(batchv1.JobFailed, batchv1.JobReasonBackoffLimitExceeded)), tc.pods)
			if got.Kind != v1alpha1.SignalSmoke || got.Outcome != verdict.Failed || got.Reason != ReasonFailed || got.Message != want {
				t.Errorf("got %+v, want %s", got, want)
			}
		})
	}
}

func TestAJobThatHasNotEnded(t *testing.T) {
	met := []batchv1.JobCondition{condition(batchv1.JobSuccessCriteriaMet, "")}
	giveUp := []batchv1.JobCondition{condition(batchv1.JobFailureTarget, batchv1.JobReasonBackoffLimitExceeded)}
	overdue := []batchv1.JobCondition{condition(batchv1.JobFailureTarget, batchv1.JobReasonDeadlineExceeded)}
	for name, tc := range map[string]struct {
		conditions []batchv1.JobCondition
		pods       []corev1.Pod
		reason     string
		says       string
	}{
		"has no pod yet":                 {nil, nil, ReasonRunning, "is running"},
		"is being created":               {nil, []corev1.Pod{podOf(own, 0, waiting("ContainerCreating", ""))}, ReasonRunning, "is running"},
		"is being prepared":              {nil, []corev1.Pod{podOf(own, 0, waiting("PodInitializing", ""))}, ReasonRunning, "is running"},
		"runs":                           {nil, []corev1.Pod{podOf(own, 0, running)}, ReasonRunning, "is running"},
		"is tried again":                 {nil, []corev1.Pod{podOf(own, 0, ended(1, "boom")), podOf(own, 1, running)}, ReasonRunning, "is running"},
		"has no node":                    {nil, []corev1.Pod{podOf(own, 0, unscheduled)}, ReasonPending, "does not run yet: no node takes its pod (Unschedulable): 0/3 nodes are available: 3 Insufficient cpu."},
		"has no node for its second try": {nil, []corev1.Pod{podOf(own, 0, ended(1, "")), podOf(own, 1, unscheduled)}, ReasonPending, "no node takes its pod"},
		"may not run as root": {
			nil,
			[]corev1.Pod{podOf(own, 0, waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"))},
			ReasonPending, "its container cannot start (CreateContainerConfigError): container has runAsNonRoot and image will run as root",
		},
		"has succeeded, but not wholly":   {met, []corev1.Pod{podOf(own, 0, ended(0, ""))}, ReasonRunning, "is running"},
		"has failed, but not wholly":      {giveUp, []corev1.Pod{podOf(own, 0, ended(1, ""))}, ReasonRunning, "is running"},
		"is being stopped while it runs":  {overdue, []corev1.Pod{podOf(own, 0, running, stopped)}, ReasonRunning, "is running"},
		"is being stopped, its pod gone":  {overdue, nil, ReasonRunning, "is running"},
		"has completed, its pod does not": {[]batchv1.JobCondition{condition(batchv1.JobComplete, "")}, []corev1.Pod{podOf(own, 0, running)}, ReasonRunning, "its answer is being read"},
	} {
		t.Run(name, func(t *testing.T) {
			got := judge(own, jobOf(own, tc.conditions...), tc.pods)
			if got.Kind != v1alpha1.SignalSmoke || got.Outcome != verdict.Unknown || got.Reason != tc.reason || !strings.HasPrefix(got.Message, `Check "own" `) || !strings.Contains(got.Message, tc.says) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestTheEvidenceIsTheDecidingVerdicts(t *testing.T) {
	const message = `[{"outcome":"Passed","evidence":{"value":"status 200"}},
		{"outcome":"Failed","evidence":{"value":"status\u001b[31m 500","baseline":"b","threshold":"token=hunter2","query":"GET /","window":"4ms","source":"elsewhere"}},
		{"outcome":"Failed","evidence":{"value":"status 501"}}]`
	got := judge(own, jobOf(own, condition(batchv1.JobComplete, "")), []corev1.Pod{podOf(own, 0, ended(0, message))}).Evidence
	want := &verdict.Evidence{Value: "status 500", Baseline: "b", Threshold: "token=[redacted]", Query: "GET /", Window: "4ms", Source: "Job app-v2-3-own", Time: noon}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
