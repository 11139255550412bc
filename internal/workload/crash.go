package workload

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/verdict"
)

// ReasonCrashed says that a container has ended that was to go on.
const ReasonCrashed = "Crashed"

// Crash is the latest end of a container that was to go on. Whether it matters
// depends on when it was: one that waits for something it needs may crash while
// it starts.
type Crash struct {
	Time    metav1.Time // of the end
	Created metav1.Time // when its pod was
	Again   bool        // it was not the first end
	Verdict verdict.Verdict
}

// crashes are those of the pods, in their order.
func crashes(pods []corev1.Pod) []Crash {
	var all []Crash
	for i := range pods {
		pod := &pods[i]
		for _, c := range pod.Status.ContainerStatuses {
			end := c.State.Terminated
			if end == nil {
				end = c.LastTerminationState.Terminated
			}
			if end != nil {
				all = append(all, Crash{Time: end.FinishedAt, Created: pod.CreationTimestamp, Again: c.RestartCount > 1, Verdict: crashOf(pod, c, end)})
			}
		}
	}
	return all
}

func crashOf(pod *corev1.Pod, c corev1.ContainerStatus, end *corev1.ContainerStateTerminated) verdict.Verdict {
	v := verdict.Fail(v1alpha1.SignalWorkload, ReasonCrashed, "Container %q of pod %q ended with %s while it was to serve%s; see kubectl logs -n %s %s -c %s --previous",
		c.Name, pod.Name, exit(end), said(pod, c.Name, end), pod.Namespace, pod.Name, c.Name)
	return verdict.With(v, verdict.Evidence{Value: exit(end), Source: fmt.Sprintf("Pod %s/%s, container %s", pod.Namespace, pod.Name, c.Name), Time: end.FinishedAt})
}

// exit is how a container ended.
func exit(end *corev1.ContainerStateTerminated) string {
	if end.Reason == "" {
		return fmt.Sprintf("exit code %d", end.ExitCode)
	}
	return fmt.Sprintf("exit code %d (%s)", end.ExitCode, end.Reason)
}

// maxSaid is how much is repeated of what a container said at its end, in bytes.
const maxSaid = 256

// said is what the container left as its reason, or what kept it from starting.
// The end of a log, which Kubernetes puts in its place where it is asked to, is
// not repeated: it may hold anything.
func said(pod *corev1.Pod, name string, end *corev1.ContainerStateTerminated) string {
	if end == nil || end.Message == "" {
		return ""
	}
	for _, c := range pod.Spec.Containers {
		if c.Name == name && c.TerminationMessagePolicy == corev1.TerminationMessageFallbackToLogsOnError && end.Reason == "Error" {
			return ""
		}
	}
	return ": " + jobs.Fit(end.Message, maxSaid)
}
