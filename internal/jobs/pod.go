package jobs

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/internal/verdict"
)

// pulling are the reasons for which an image is not there.
var pulling = map[string]bool{
	"ErrImagePull": true, "ImagePullBackOff": true, "InvalidImageName": true, "ErrImageNeverPull": true,
	"ImageInspectError": true, "RegistryUnavailable": true, "SignatureValidationFailed": true,
}

// Finished is the latest pod that has ended, or nil.
func Finished(pods []corev1.Pod) *corev1.Pod {
	for i := len(pods) - 1; i >= 0; i-- {
		if phase := pods[i].Status.Phase; phase == corev1.PodSucceeded || phase == corev1.PodFailed {
			return &pods[i]
		}
	}
	return nil
}

// status is the status of the Job's container, or nil. Others may have been
// injected.
func status(pod *corev1.Pod) *corev1.ContainerStatus {
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].Name == Container {
			return &pod.Status.ContainerStatuses[i]
		}
	}
	return nil
}

// Ran reports whether the container got to run in any of the pods.
// Kubelet says of one that never did that it was terminated, too, but has no
// image for it.
func Ran(pods []corev1.Pod) bool {
	for i := range pods {
		if s := status(&pods[i]); s != nil && (s.ImageID != "" || s.State.Running != nil || s.State.Terminated != nil && !s.State.Terminated.StartedAt.IsZero()) {
			return true
		}
	}
	return false
}

// Hindrance says what keeps a pod from running, or "". Kubelet's own words on
// images alternate between two, so they are not passed on.
func Hindrance(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("no node takes its pod (%s): %s", c.Reason, line(c.Message, maxQuote))
		}
	}
	s := status(pod)
	if s == nil || s.State.Waiting == nil {
		return ""
	}
	switch waiting := s.State.Waiting; {
	case pulling[waiting.Reason]:
		return fmt.Sprintf("its image %s cannot be pulled; check that it exists, and that the imagePullSecrets of spec.template may read it", ImageOf(pod))
	case waiting.Reason == "" || waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing":
		return ""
	default:
		return fmt.Sprintf("its container cannot start (%s): %s", waiting.Reason, Quote(waiting.Message))
	}
}

// ImageOf is the image that a pod is to run.
func ImageOf(pod *corev1.Pod) string {
	for _, c := range pod.Spec.Containers {
		if c.Name == Container {
			return c.Image
		}
	}
	return ""
}

// Account is how a finished pod ended: by its own verdict, else by its exit
// code and its last words.
func Account(pod *corev1.Pod) string {
	if said, _ := Said(pod); Objected(pod) {
		return Quote(said.Message)
	}
	s := status(pod)
	if s == nil || s.State.Terminated == nil {
		return fmt.Sprintf("its pod ended before it ran (%s): %s", orElse(pod.Status.Reason, "no reason given"), orElse(line(pod.Status.Message, maxQuote), "no message given"))
	}
	end, cause := s.State.Terminated, ""
	if end.Reason != "" && end.Reason != "Error" && end.Reason != "Completed" { // such as OOMKilled
		cause = " (" + end.Reason + ")"
	}
	return fmt.Sprintf("it ended with exit code %d%s and %s", end.ExitCode, cause, orElse(prefixed("its last words: ", LastLines(end.Message)), "said nothing"))
}

// Said is the one verdict that all amount to that a pod wrote: the first
// that failed, else the first unknown, else the last.
func Said(pod *corev1.Pod) (said verdict.Verdict, spoke bool) {
	if pod == nil {
		return verdict.Verdict{}, false
	}
	s := status(pod)
	if s == nil || s.State.Terminated == nil {
		return verdict.Verdict{}, false
	}
	answer, _ := verdict.Read(s.State.Terminated.Message)
	return verdict.All(verdict.Verdict{}, answer.Verdicts...), len(answer.Verdicts) > 0
}

// Objected reports whether a pod wrote that it did not pass.
func Objected(pod *corev1.Pod) bool {
	said, spoke := Said(pod)
	return spoke && said.Outcome != verdict.Passed
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// Message is what a pod wrote when it ended, as it is; it is not fit to be
// repeated.
func Message(pod *corev1.Pod) string {
	if s := status(pod); s != nil && s.State.Terminated != nil {
		return s.State.Terminated.Message
	}
	return ""
}
