package world

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

type v1alpha1List = v1alpha1.SignalDeploymentList

// deployments have as many pods as they ask for.
func (w *World) deployments(ctx context.Context) error {
	list := &appsv1.DeploymentList{}
	if err := w.client.List(ctx, list); err != nil {
		return err
	}
	var problems []error
	for i := range list.Items {
		problems = append(problems, w.deployment(ctx, &list.Items[i]))
	}
	return errors.Join(problems...)
}

func (w *World) deployment(ctx context.Context, d *appsv1.Deployment) error {
	pods, err := w.podsOf(ctx, d)
	if err != nil {
		return err
	}
	want, template := int(ptr.Deref(d.Spec.Replicas, 1)), templateHash(d)
	if i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.Labels[appsv1.DefaultDeploymentUniqueLabelKey] != template }); i >= 0 {
		strange := pods[i] // one at a time
		return client.IgnoreNotFound(w.client.Delete(ctx, &strange, client.GracePeriodSeconds(0)))
	}
	for len(pods) > want {
		last := pods[len(pods)-1]
		pods = pods[:len(pods)-1]
		if err := w.client.Delete(ctx, &last, client.GracePeriodSeconds(0)); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	for i := range pods {
		if err := w.run(ctx, &pods[i]); err != nil {
			return err
		}
	}
	for n := 0; len(pods) < want; n++ {
		name := fmt.Sprintf("%s-%d", d.Name, n)
		if hasPod(pods, name) {
			continue
		}
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: name, Labels: d.Spec.Template.Labels}, Spec: *d.Spec.Template.Spec.DeepCopy()}
		pod.Labels = maps.Clone(pod.Labels)
		pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = template
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
		pod.OwnerReferences[0].Name += "-" + template
		if err := w.client.Create(ctx, &pod); err != nil {
			return err
		}
		pods = append(pods, pod)
	}
	return w.countPods(ctx, d, pods)
}

// templateHash stands for the label by which a Deployment tells its pods.
func templateHash(d *appsv1.Deployment) string {
	text, err := json.Marshal(d.Spec.Template)
	if err != nil {
		panic("world: encode a pod template: " + err.Error()) // API types always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:5])
}

func hasPod(pods []corev1.Pod, name string) bool {
	for i := range pods {
		if pods[i].Name == name {
			return true
		}
	}
	return false
}

func (w *World) podsOf(ctx context.Context, owner client.Object) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := w.client.List(ctx, list, client.InNamespace(owner.GetNamespace())); err != nil {
		return nil, err
	}
	var pods []corev1.Pod
	for i := range list.Items {
		if metav1.IsControlledBy(&list.Items[i], owner) {
			pods = append(pods, list.Items[i])
		}
	}
	sort.Slice(pods, func(i, j int) bool { return pods[i].Name < pods[j].Name })
	return pods, nil
}

// run makes a new pod ready, or not.
func (w *World) run(ctx context.Context, pod *corev1.Pod) error {
	if len(pod.Status.Conditions) > 0 {
		return nil
	}
	f := w.faultsOf(pod.Namespace)
	state, ready := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, corev1.ConditionTrue
	var restarts int32
	if f.NeverReady || f.CrashLoop {
		ready = corev1.ConditionFalse
	}
	if f.CrashLoop {
		state, restarts = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}, 5
	}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.PodIP = w.address(pod)
	pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: pod.Spec.Containers[0].Name, Ready: ready == corev1.ConditionTrue, State: state, RestartCount: restarts,
		ImageID: cmp.Or(f.Runs, pod.Spec.Containers[0].Image),
	}}
	return w.client.Status().Update(ctx, pod)
}

func (w *World) countPods(ctx context.Context, d *appsv1.Deployment, pods []corev1.Pod) error {
	status := appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: int32(len(pods)), UpdatedReplicas: int32(len(pods))}
	for i := range pods {
		if Ready(&pods[i]) {
			status.ReadyReplicas++
			status.AvailableReplicas++
		}
	}
	was := d.Status
	if was.ObservedGeneration == status.ObservedGeneration && was.Replicas == status.Replicas && was.ReadyReplicas == status.ReadyReplicas {
		return nil
	}
	d.Status = status
	return w.client.Status().Update(ctx, d)
}

// jobs run, each with one pod.
func (w *World) jobs(ctx context.Context) error {
	list := &batchv1.JobList{}
	if err := w.client.List(ctx, list); err != nil {
		return err
	}
	var problems []error
	for i := range list.Items {
		job := &list.Items[i]
		switch {
		case sends(job) && len(job.Status.Conditions) == 0 && w.faultsOf(job.Namespace).Job == "":
			problems = append(problems, w.load(ctx, job))
		case job.Status.StartTime == nil:
			w.begin(ctx, job)
		}
	}
	return errors.Join(problems...)
}

// begin runs a Job beside the others, as nodes do: one that takes its time must
// not keep those of other stories from being run. What it could not write is
// tried again.
func (w *World) begin(ctx context.Context, job *batchv1.Job) {
	if _, runs := w.running.LoadOrStore(job.UID, true); runs {
		return
	}
	w.done.Go(func() {
		defer w.running.Delete(job.UID)
		_ = w.job(ctx, job)
	})
}

func (w *World) job(ctx context.Context, job *batchv1.Job) error {
	f := w.faultsOf(job.Namespace)
	fault := f.Job
	if f.JobOf != "" && job.Labels[v1alpha1.LabelCheck] != f.JobOf {
		fault = ""
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: job.Namespace, Name: job.Name + "-pod", Labels: job.Spec.Template.Labels}, Spec: job.Spec.Template.Spec}
	pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}
	if err := w.client.Create(ctx, pod); client.IgnoreAlreadyExists(err) != nil {
		return err
	}
	state := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 0}}
	pod.Status.Phase = corev1.PodSucceeded
	if args := pod.Spec.Containers[0].Args; len(args) > 0 && !sends(job) && slices.Contains([]string{"image", "grafana", "security", "secret", "watermark", "leaks", "load"}, args[0]) {
		fault = ""
		end, err := w.probe(ctx, pod)
		if err != nil {
			return err
		}
		if state.Terminated = end; end.ExitCode != 0 {
			return nil // the Job would run another pod; the world looks again
		}
	}
	switch fault {
	case "fail":
		pod.Status.Phase = corev1.PodFailed
		state.Terminated.ExitCode, state.Terminated.Message = 3, cmp.Or(w.faultsOf(job.Namespace).Says, "the answer was 42")
	case "hang":
		pod.Status.Phase = corev1.PodRunning
		state = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	case "nopull":
		pod.Status.Phase = corev1.PodPending
		state = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image, State: state}}
	if err := w.client.Status().Update(ctx, pod); err != nil {
		return err
	}
	finish(job, fault)
	return w.client.Status().Update(ctx, job)
}

// finish is a Job's status once its pod has come that far.
func finish(job *batchv1.Job, fault string) {
	now := metav1.NewTime(time.Now())
	job.Status.StartTime = &now
	switch fault {
	case "hang", "nopull":
	case "fail":
		job.Status.Failed = 1
		job.Status.Conditions = []batchv1.JobCondition{
			{Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue, Reason: "BackoffLimitExceeded", LastTransitionTime: now},
			{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Reason: "BackoffLimitExceeded", LastTransitionTime: now},
		}
	default:
		job.Status.CompletionTime, job.Status.Succeeded = &now, 1
		job.Status.Conditions = []batchv1.JobCondition{
			{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: batchv1.JobComplete, Status: corev1.ConditionTrue, LastTransitionTime: now},
		}
	}
}

// collect deletes the objects of a list whose SignalDeployment is gone, and
// the pods of deleted Deployments and Jobs.
func (w *World) collect(ctx context.Context, list client.ObjectList, alive map[string]bool) error {
	if err := w.client.List(ctx, list); err != nil {
		return err
	}
	return meta.EachListItem(list, func(item runtime.Object) error {
		object, ok := item.(client.Object)
		if !ok {
			return nil
		}
		owner := metav1.GetControllerOf(object)
		if owner == nil || owner.Kind != "SignalDeployment" || alive[string(owner.UID)] {
			return nil
		}
		return client.IgnoreNotFound(w.client.Delete(ctx, object, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	})
}
