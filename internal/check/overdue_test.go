package check

import (
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/internal/verdict"
)

const pulled = "its image registry.example/checks:v3 cannot be pulled; check that it exists, and that the imagePullSecrets of spec.template may read it"

// Failure mode 44: an image that cannot be pulled is neither success nor a
// silent hang.
func TestAnImageThatCannotBePulled(t *testing.T) {
	late := batchv1.JobReasonDeadlineExceeded
	for _, reason := range []string{
		"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed",
	} {
		t.Run(reason, func(t *testing.T) {
			pods := []corev1.Pod{podOf(own, 0, waiting(reason, "what kubelet says differs from time to time"))}
			for name, tc := range map[string]struct {
				job  *batchv1.Job
				want verdict.Verdict
			}{
				"it waits":             {jobOf(own), wait(ReasonPending, `Check "own" does not run yet: %s`, pulled)},
				"until the deadline":   {jobOf(own, condition(batchv1.JobFailureTarget, late)), fail(ReasonNeverStarted, `Check "own" did not start within its timeoutSeconds of 30: %s`, pulled)},
				"which has it stopped": {jobOf(own, condition(batchv1.JobFailed, late)), fail(ReasonNeverStarted, `Check "own" did not start within its timeoutSeconds of 30: %s`, pulled)},
			} {
				got := judge(own, tc.job, pods)
				if got.Outcome != tc.want.Outcome || got.Reason != tc.want.Reason || got.Message != tc.want.Message {
					t.Errorf("%s: got %+v, want %+v", name, got, tc.want)
				}
			}
		})
	}
}

// neverThere is how kubelet ends a pod whose image never came.
func neverThere(pod *corev1.Pod) {
	ended(137, "The container could not be located when the pod was terminated", func(e *corev1.ContainerStateTerminated) {
		e.Reason, e.StartedAt = "ContainerStatusUnknown", metav1.Time{}
	})(pod)
	pod.Status.ContainerStatuses[1].ImageID = ""
	stopped(pod)
}

func TestAJobPastItsDeadline(t *testing.T) {
	const (
		slow  = `Check "own" did not pass within its timeoutSeconds of 30, retries included: raise timeoutSeconds of this check, or make it faster`
		never = `Check "own" did not start within its timeoutSeconds of 30: `
	)
	withoutImageID := podOf(own, 0, ended(1, "boom")) // some runtimes do not say it
	withoutImageID.Status.ContainerStatuses[1].ImageID = ""
	runsWithoutImageID := podOf(own, 0, running)
	runsWithoutImageID.Status.ContainerStatuses[0].ImageID = ""
	lost := podOf(own, 0, neverThere)
	lost.Status.ContainerStatuses[1].ImageID = "sha256:1" // so it had been there
	for name, tc := range map[string]struct {
		pods   []corev1.Pod
		failed int32 // pods, by the Job's own count
		reason string
		says   string
	}{
		"its pod was stopped and is gone":               {nil, 1, ReasonTimedOut, slow},
		"it never got a pod":                            {nil, 0, ReasonNeverStarted, never + "it got no pod; see kubectl describe job -n prod app-v2-3-own"},
		"its pod still runs":                            {[]corev1.Pod{podOf(own, 0, running)}, 0, ReasonTimedOut, slow},
		"its pod still runs, by a runtime of few words": {[]corev1.Pod{runsWithoutImageID}, 0, ReasonTimedOut, slow},
		"its pod was lost":                              {[]corev1.Pod{lost}, 1, ReasonTimedOut, slow},
		"its pod was stopped":                           {[]corev1.Pod{podOf(own, 0, ended(143, "stopped"), stopped)}, 1, ReasonTimedOut, slow},
		"its pod said something when it was":            {[]corev1.Pod{podOf(own, 0, ended(1, said("F")), stopped)}, 1, ReasonTimedOut, slow + "; its last attempt: F0"},
		"it had failed before":                          {[]corev1.Pod{podOf(own, 0, ended(1, "boom")), podOf(own, 1, running)}, 1, ReasonTimedOut, slow + "; its last attempt: it ended with exit code 1 and its last words: boom"},
		"it had run, by a runtime of few words": {
			[]corev1.Pod{withoutImageID},
			1, ReasonTimedOut,
			slow + "; its last attempt: it ended with exit code 1 and its last words: boom",
		},
		"it had no node": {[]corev1.Pod{podOf(own, 0, unscheduled)}, 1, ReasonNeverStarted, never + "no node takes its pod (Unschedulable): 0/3 nodes are available: 3 Insufficient cpu."},
		"its image never came": {
			[]corev1.Pod{podOf(own, 0, neverThere)},
			1, ReasonNeverStarted,
			never + "its image registry.example/checks:v3 was not there in time; check that it can be pulled, or raise timeoutSeconds of this check",
		},
		"its image is still on its way": {[]corev1.Pod{podOf(own, 0, waiting("ContainerCreating", ""))}, 1, ReasonNeverStarted, never + "its image registry.example/checks:v3 was not there in time"},
	} {
		t.Run(name, func(t *testing.T) {
			job := jobOf(own, condition(batchv1.JobFailed, batchv1.JobReasonDeadlineExceeded))
			job.Status.Failed = tc.failed
			got := judge(own, job, tc.pods)
			if got.Outcome != verdict.Failed || got.Reason != tc.reason || !strings.HasPrefix(got.Message, tc.says) || tc.reason == ReasonTimedOut && got.Message != tc.says {
				t.Errorf("got %+v, want %s", got, tc.says)
			}
			if got.Evidence == nil || got.Evidence.Source != "Job app-v2-3-own" {
				t.Errorf("evidence %+v", got.Evidence)
			}
		})
	}
}
