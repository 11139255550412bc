package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func waiting(reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Image: "registry/app@sha256:abc", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
}

func ended(c corev1.ContainerStatus, code int32, reason string) corev1.ContainerStatus {
	c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}
	return c
}

func with(p *corev1.Pod, conditions ...corev1.PodCondition) *corev1.Pod {
	p.Status.Conditions = conditions
	return p
}

func TestJudge(t *testing.T) {
	const logs = "; see kubectl logs -n prod app-aaa-x -c main --previous"
	looped := func(value, message string) verdict.Verdict {
		return verdict.With(verdict.Fail(v1alpha1.SignalWorkload, ReasonCrashLooping, "%s", message), verdict.Evidence{Value: value, Source: "Pod prod/app-aaa-x, container main"})
	}
	runs := corev1.ContainerStatus{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	unplaced := corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available"}
	inInit := pod("aaa", "x", waiting("PodInitializing", ""))
	inInit.Status.InitContainerStatuses = []corev1.ContainerStatus{ended(crashed(3), 2, "")}
	inInit.Status.InitContainerStatuses[0].Name = "main"
	quota := appsv1.DeploymentCondition{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: "exceeded quota"}

	for name, tc := range map[string]struct {
		ready      int32
		conditions []appsv1.DeploymentCondition
		pods       []*corev1.Pod
		want       verdict.Verdict
	}{
		"all ready": {
			ready: 2,
			pods:  []*corev1.Pod{pod("aaa", "x", waiting("ErrImagePull", ""))}, // one too many
			want:  verdict.Pass(v1alpha1.SignalWorkload, ReasonReady, `All 2 pods of Deployment "app-aaa" are ready`),
		},
		"crash loop, though enough are ready": {
			ready: 2,
			pods:  []*corev1.Pod{pod("aaa", "x", ended(crashed(3), 137, "OOMKilled"))},
			want: looped("exit code 137 (OOMKilled)",
				`Container "main" of pod "app-aaa-x" crashes again and again: it last ended with exit code 137 (OOMKilled)`+logs),
		},
		"crash loop outranks what came before it": {
			pods: []*corev1.Pod{pod("aaa", "a", waiting("ErrImagePull", "")), pod("aaa", "x", ended(crashed(7), 1, "Error"))},
			want: looped("exit code 1 (Error)", `Container "main" of pod "app-aaa-x" crashes again and again: it last ended with exit code 1 (Error)`+logs),
		},
		"crash loop of an init container": {
			pods: []*corev1.Pod{inInit},
			want: looped("exit code 2", `Container "main" of pod "app-aaa-x" crashes again and again: it last ended with exit code 2`+logs),
		},
		"crashed, but not often": {
			pods: []*corev1.Pod{pod("aaa", "x", ended(crashed(2), 1, "Error"))},
			want: *wait(ReasonNotReady, `Container "main" of pod "app-aaa-x" has crashed with exit code 1 (Error) and is started again`),
		},
		"image not to be had": {
			pods: []*corev1.Pod{with(pod("aaa", "a", runs), unplaced), pod("aaa", "x", waiting("ImagePullBackOff", "Back-off 10s"))},
			want: *wait(ReasonImagePullFailing, `The image registry/app@sha256:abc of container "main" cannot be pulled for pod "app-aaa-x": check that it is there, and that the pod's imagePullSecrets may read it`),
		},
		"no node": {
			pods: []*corev1.Pod{pod("aaa", "a", waiting("CreateContainerConfigError", "")), with(pod("aaa", "x", waiting("", "")), unplaced)},
			want: *wait(ReasonUnschedulable, `Pod "app-aaa-x" has no node (Unschedulable): 0/3 nodes are available`),
		},
		"configuration missing": {
			conditions: []appsv1.DeploymentCondition{quota},
			pods:       []*corev1.Pod{pod("aaa", "a", waiting("ContainerCreating", "")), pod("aaa", "x", waiting("CreateContainerConfigError", `secret "s" not found`))},
			want:       *wait(ReasonNotReady, `Container "main" of pod "app-aaa-x" cannot start (CreateContainerConfigError): secret "s" not found`),
		},
		"pods refused": {
			conditions: []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue}, quota},
			pods:       []*corev1.Pod{pod("aaa", "x", runs)},
			want:       *wait(ReasonPodsRefused, `Deployment "app-aaa" cannot create its pods (FailedCreate): exceeded quota`),
		},
		"probes fail": {
			pods: []*corev1.Pod{with(pod("aaa", "a", runs), corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue}), pod("aaa", "x", runs)},
			want: *wait(ReasonNotReady, `Pod "app-aaa-x" runs but is not ready: container "main" does not pass its startup or readiness probe yet`),
		},
		"starting": {
			pods: []*corev1.Pod{pod("aaa", "x", waiting("ContainerCreating", ""))},
			want: *wait(ReasonNotReady, `Pod "app-aaa-x" is starting`),
		},
		"no pods yet": {
			ready: 1,
			want:  *wait(ReasonNotReady, `Deployment "app-aaa" has 1 of 2 pods ready; the others are on their way`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			pods := make([]corev1.Pod, 0, len(tc.pods))
			for _, p := range tc.pods {
				pods = append(pods, *p)
			}
			d := running("aaa", 2, appsv1.DeploymentStatus{Conditions: tc.conditions})
			got := judge(d, Side{Desired: 2, Ready: tc.ready}, pods)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
