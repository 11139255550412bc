package world

import (
	"context"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// sends reports whether a Job sends background load.
func sends(job *batchv1.Job) bool {
	args := job.Spec.Template.Spec.Containers[0].Args
	return len(args) == 1 && args[0] == "load"
}

// load runs until its canary Service selects nothing, as one that refuses
// connections, and gives an account. No Service of this world can be called.
func (w *World) load(ctx context.Context, job *batchv1.Job) error {
	now := metav1.NewTime(time.Now())
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: job.Namespace, Name: job.Name + "-pod", Labels: job.Spec.Template.Labels}, Spec: job.Spec.Template.Spec}
	pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
	say := func(phase corev1.PodPhase, state corev1.ContainerState) error {
		pod.Status.Phase = phase
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image, State: state}}
		return w.client.Status().Update(ctx, pod)
	}
	if job.Status.StartTime == nil {
		if err := w.client.Create(ctx, pod); client.IgnoreAlreadyExists(err) != nil {
			return err
		}
		if err := say(corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}); err != nil {
			return err
		}
		job.Status.StartTime = &now
		return w.client.Status().Update(ctx, job)
	}
	canary := &corev1.Service{}
	err := w.client.Get(ctx, types.NamespacedName{Namespace: job.Namespace, Name: release.CanaryName(job.Labels[v1alpha1.LabelName])}, canary)
	if err != nil || canary.Spec.Selector[v1alpha1.LabelRelease] != v1alpha1.NoRelease {
		return client.IgnoreNotFound(err)
	}
	if err := w.client.Get(ctx, client.ObjectKeyFromObject(pod), pod); err != nil {
		return err
	}
	account := verdict.Answer{Verdicts: []verdict.Verdict{verdict.With(
		verdict.Pass(v1alpha1.SignalLoad, "BackgroundLoadSent", "Synthetic requests were sent, until the canary Service took no more connections"),
		verdict.Evidence{Value: "9 sent, 9 answered 2xx", Baseline: "9 sent, 9 answered 2xx", Samples: 18})}}
	if err := say(corev1.PodSucceeded, corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: string(account.Encode()), StartedAt: now}}); err != nil {
		return err
	}
	job.Status.CompletionTime, job.Status.Succeeded = &now, 1
	job.Status.Conditions = []batchv1.JobCondition{
		{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue, LastTransitionTime: now},
		{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: now},
	}
	return w.client.Status().Update(ctx, job)
}
