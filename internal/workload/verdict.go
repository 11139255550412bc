package workload

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of a side's verdict.
const (
	// ReasonReady says that every desired pod is ready.
	ReasonReady = "Ready"
	// ReasonCrashLooping says that a container has crashed again and again.
	ReasonCrashLooping = "CrashLooping"
	// ReasonImagePullFailing says that a node cannot get an image.
	ReasonImagePullFailing = "ImagePullFailing"
	// ReasonUnschedulable says that no node takes a pod.
	ReasonUnschedulable = "Unschedulable"
	// ReasonPodsRefused says that the API server refuses pods, as a quota or a
	// policy asks it to.
	ReasonPodsRefused = "PodsRefused"
	// ReasonNotReady says that pods are starting, or not ready for another
	// reason, which the message gives.
	ReasonNotReady = "NotReady"
)

// enough is how many restarts make a crash a crash loop. A container that
// waits once for something it needs is not one.
const enough = 3

// crashing is what the kubelet says of a container that it holds back.
const crashing = "CrashLoopBackOff"

// pulling are the reasons for which an image is not there.
var pulling = map[string]bool{
	"ErrImagePull": true, "ImagePullBackOff": true, "InvalidImageName": true,
	"ErrImageNeverPull": true, "ImageInspectError": true, "RegistryUnavailable": true, "SignatureValidationFailed": true,
}

// judge says whether all desired pods are ready; the gravest trouble of the
// first pod that has it decides.
func judge(d *appsv1.Deployment, side Side, pods []corev1.Pod) verdict.Verdict {
	if v := first(pods, looping); v != nil {
		return *v
	}
	if side.Ready >= side.Desired {
		return verdict.Pass(v1alpha1.SignalWorkload, ReasonReady, "All %d pods of Deployment %q are ready", side.Desired, d.Name)
	}
	for _, trouble := range []func(*corev1.Pod) *verdict.Verdict{unpulled, unscheduled, blocked} {
		if v := first(pods, trouble); v != nil {
			return *v
		}
	}
	if v := refused(d); v != nil {
		return *v
	}
	if v := first(pods, unready); v != nil {
		return *v
	}
	return verdict.Wait(v1alpha1.SignalWorkload, ReasonNotReady, "Deployment %q has %d of %d pods ready; the others are on their way", d.Name, side.Ready, side.Desired)
}

// first is what the first troubled pod says.
func first(pods []corev1.Pod, trouble func(*corev1.Pod) *verdict.Verdict) *verdict.Verdict {
	for i := range pods {
		if v := trouble(&pods[i]); v != nil {
			return v
		}
	}
	return nil
}

// looping says that a container crashes again and again.
func looping(pod *corev1.Pod) *verdict.Verdict {
	for _, c := range containers(pod) {
		if waits(c) != crashing || c.RestartCount < enough {
			continue
		}
		v := verdict.Fail(v1alpha1.SignalWorkload, ReasonCrashLooping, "Container %q of pod %q crashes again and again: it last ended with %s%s; see kubectl logs -n %s %s -c %s --previous",
			c.Name, pod.Name, ending(c), said(pod, c.Name, c.LastTerminationState.Terminated), pod.Namespace, pod.Name, c.Name)
		v = verdict.With(v, verdict.Evidence{Value: ending(c), Source: fmt.Sprintf("Pod %s/%s, container %s", pod.Namespace, pod.Name, c.Name)})
		return &v
	}
	return nil
}

// unpulled says that an image is not to be had. The kubelet's own message
// alternates between two, so it is not passed on.
func unpulled(pod *corev1.Pod) *verdict.Verdict {
	for _, c := range containers(pod) {
		if pulling[waits(c)] {
			return wait(ReasonImagePullFailing, "The image %s of container %q cannot be pulled for pod %q: check that it is there, and that the pod's imagePullSecrets may read it", c.Image, c.Name, pod.Name)
		}
	}
	return nil
}

// unscheduled says that no node takes the pod.
func unscheduled(pod *corev1.Pod) *verdict.Verdict {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return wait(ReasonUnschedulable, "Pod %q has no node (%s): %s", pod.Name, c.Reason, c.Message)
		}
	}
	return nil
}

// blocked says that a container cannot start, or has crashed but not often
// enough to give it up. The time until the next attempt is not passed on.
func blocked(pod *corev1.Pod) *verdict.Verdict {
	for _, c := range containers(pod) {
		switch reason := waits(c); reason {
		case "", "ContainerCreating", "PodInitializing":
		case crashing:
			return wait(ReasonNotReady, "Container %q of pod %q has crashed with %s and is started again%s", c.Name, pod.Name, ending(c), said(pod, c.Name, c.LastTerminationState.Terminated))
		default:
			return wait(ReasonNotReady, "Container %q of pod %q cannot start (%s): %s", c.Name, pod.Name, reason, c.State.Waiting.Message)
		}
	}
	return nil
}

// refused says that the API server refuses the pods.
func refused(d *appsv1.Deployment) *verdict.Verdict {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return wait(ReasonPodsRefused, "Deployment %q cannot create its pods (%s): %s", d.Name, c.Reason, c.Message)
		}
	}
	return nil
}

// unready says that a pod is not ready though nothing stands in its way.
func unready(pod *corev1.Pod) *verdict.Verdict {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running != nil && !c.Ready {
			return wait(ReasonNotReady, "Pod %q runs but is not ready: container %q does not pass its startup or readiness probe yet", pod.Name, c.Name)
		}
	}
	return wait(ReasonNotReady, "Pod %q is starting", pod.Name)
}

// containers are what the kubelet says of a pod's containers.
func containers(pod *corev1.Pod) []corev1.ContainerStatus {
	all := make([]corev1.ContainerStatus, 0, len(pod.Status.InitContainerStatuses)+len(pod.Status.ContainerStatuses))
	return append(append(all, pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...)
}

// waits is what a container waits for, or empty.
func waits(c corev1.ContainerStatus) string {
	if c.State.Waiting == nil {
		return ""
	}
	return c.State.Waiting.Reason
}

// ending is how a container last ended.
func ending(c corev1.ContainerStatus) string {
	if last := c.LastTerminationState.Terminated; last != nil {
		return exit(last)
	}
	return "an unknown exit code"
}

func wait(reason, format string, args ...any) *verdict.Verdict {
	v := verdict.Wait(v1alpha1.SignalWorkload, reason, format, args...)
	return &v
}
