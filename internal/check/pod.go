package check

import (
	"bytes"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	maxAnswer   = 4096 // bytes that kubelet keeps of a termination message
	maxVerdicts = 16   // that are taken from one
)

// pulling are the reasons for which an image is not there.
var pulling = map[string]bool{
	"ErrImagePull": true, "ImagePullBackOff": true, "InvalidImageName": true, "ErrImageNeverPull": true,
	"ImageInspectError": true, "RegistryUnavailable": true, "SignatureValidationFailed": true,
}

// finished is the latest pod that has ended, or nil.
func finished(pods []corev1.Pod) *corev1.Pod {
	for i := len(pods) - 1; i >= 0; i-- {
		if phase := pods[i].Status.Phase; phase == corev1.PodSucceeded || phase == corev1.PodFailed {
			return &pods[i]
		}
	}
	return nil
}

// status is the status of the check's container, or nil. Others may have been
// injected.
func status(pod *corev1.Pod) *corev1.ContainerStatus {
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].Name == container {
			return &pod.Status.ContainerStatuses[i]
		}
	}
	return nil
}

// ran reports whether the check's container got to run in any of the pods.
// Kubelet says of one that never did that it was terminated, too, but has no
// image for it.
func ran(pods []corev1.Pod) bool {
	for i := range pods {
		if s := status(&pods[i]); s != nil && (s.ImageID != "" || s.State.Running != nil || s.State.Terminated != nil && !s.State.Terminated.StartedAt.IsZero()) {
			return true
		}
	}
	return false
}

// hindrance says what keeps a pod from running, or "". Kubelet's own words on
// images alternate between two, so they are not passed on.
func hindrance(pod *corev1.Pod) string {
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
		return fmt.Sprintf("its image %s cannot be pulled; check that it exists, and that the imagePullSecrets of spec.template may read it", imageOf(pod))
	case waiting.Reason == "" || waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing":
		return ""
	default:
		return fmt.Sprintf("its container cannot start (%s): %s", waiting.Reason, quote(waiting.Message))
	}
}

func imageOf(pod *corev1.Pod) string {
	for _, c := range pod.Spec.Containers {
		if c.Name == container {
			return c.Image
		}
	}
	return ""
}

// account is how a finished pod ended: by its own verdict, else by its exit
// code and its last words.
func account(pod *corev1.Pod) string {
	if said, _ := decision(pod); objected(pod) {
		return quote(said.Message)
	}
	s := status(pod)
	if s == nil || s.State.Terminated == nil {
		return fmt.Sprintf("its pod ended before it ran (%s): %s", orElse(pod.Status.Reason, "no reason given"), orElse(line(pod.Status.Message, maxQuote), "no message given"))
	}
	end, cause := s.State.Terminated, ""
	if end.Reason != "" && end.Reason != "Error" && end.Reason != "Completed" { // such as OOMKilled
		cause = " (" + end.Reason + ")"
	}
	return fmt.Sprintf("it ended with exit code %d%s and %s", end.ExitCode, cause, orElse(prefixed("its last words: ", lastLines(end.Message)), "said nothing"))
}

// decision is the one verdict that all amount to that a pod wrote: the first
// that failed, else the first unknown, else the last.
func decision(pod *corev1.Pod) (said verdict.Verdict, spoke bool) {
	if pod == nil {
		return verdict.Verdict{}, false
	}
	s := status(pod)
	if s == nil || s.State.Terminated == nil {
		return verdict.Verdict{}, false
	}
	all := words(s.State.Terminated.Message)
	return verdict.All(verdict.Verdict{}, all...), len(all) > 0
}

// objected reports whether a pod wrote that it did not pass.
func objected(pod *corev1.Pod) bool {
	said, spoke := decision(pod)
	return spoke && said.Outcome != verdict.Passed
}

// words are the verdicts of a termination message. What is not whole, or has
// more than is taken from one check, is not trusted: the exit code decides.
func words(message string) []verdict.Verdict {
	text := bytes.TrimSpace([]byte(message))
	if len(text) > maxAnswer || len(text) == 0 || text[0] != '[' {
		return nil
	}
	var said []verdict.Verdict
	if json.Unmarshal(text, &said) != nil || len(said) > maxVerdicts {
		return nil
	}
	for _, v := range said {
		if v.Outcome != verdict.Passed && v.Outcome != verdict.Failed && v.Outcome != verdict.Unknown {
			return nil
		}
	}
	return said
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
