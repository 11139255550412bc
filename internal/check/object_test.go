package check

import (
	"context"
	"errors"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/testkit"
)

const prober = "registry.example/prober:v1"

var (
	noon   = metav1.NewTime(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	rel    = testkit.Release("v2", func(r *v1alpha1.Release) { r.Attempt = 3 })
	target = Target{Stage: v1alpha1.StageCandidate, Address: "198.19.0.7", Host: "app-canary.prod.svc"}
	alive  = v1alpha1.SmokeCheck{Name: "alive", TimeoutSeconds: 60, HTTP: &v1alpha1.HTTPCheck{Requests: []v1alpha1.HTTPRequest{{Path: "/"}}}}
	own    = v1alpha1.SmokeCheck{Name: "own", TimeoutSeconds: 30, Retries: 2, Job: &v1alpha1.JobCheck{Image: "registry.example/checks:v3"}}
)

func deployment(checks ...v1alpha1.SmokeCheck) *v1alpha1.SignalDeployment {
	return testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Smoke = checks })
}

func cluster(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

// jobOf is the Job of a check as it is in the cluster.
func jobOf(check v1alpha1.SmokeCheck, conditions ...batchv1.JobCondition) *batchv1.Job {
	sd := deployment(check)
	job := Build(sd, rel, check, target, prober)
	job.UID = "job-uid"
	job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(sd, v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
	job.Status.Conditions = conditions
	return job
}

func condition(kind batchv1.JobConditionType, reason string) batchv1.JobCondition {
	return batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastTransitionTime: noon}
}

// podOf is a pod that the Job of a check started after so many minutes.
func podOf(check v1alpha1.SmokeCheck, minutes int, change ...func(*corev1.Pod)) corev1.Pod {
	job := jobOf(check)
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "prod", Name: job.Name + "-" + string(rune('a'+minutes)), Labels: job.Spec.Template.Labels,
			CreationTimestamp: metav1.NewTime(noon.Add(time.Duration(minutes) * time.Minute)),
			OwnerReferences:   []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec:   *job.Spec.Template.Spec.DeepCopy(),
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
	for _, c := range change {
		c(&pod)
	}
	return pod
}

// ended is a pod whose container ended with a code and a message.
func ended(code int32, message string, change ...func(*corev1.ContainerStateTerminated)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		end := &corev1.ContainerStateTerminated{ExitCode: code, Message: message, StartedAt: noon, Reason: "Error"}
		pod.Status.Phase = corev1.PodFailed
		if code == 0 {
			pod.Status.Phase, end.Reason = corev1.PodSucceeded, "Completed"
		}
		for _, c := range change {
			c(end)
		}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{
			{Name: "injected", ImageID: "proxy", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 9, Message: "of the proxy", StartedAt: noon}}},
			{Name: jobs.Container, ImageID: "sha256:1", State: corev1.ContainerState{Terminated: end}},
		}
	}
}

// waiting is a pod whose container is not there yet.
func waiting(reason, message string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: jobs.Container, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	}
}

func unscheduled(pod *corev1.Pod) {
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available: 3 Insufficient cpu.",
	}}
}

func running(pod *corev1.Pod) {
	pod.Status.Phase = corev1.PodRunning
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: jobs.Container, ImageID: "sha256:1", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: noon}}}}
}

// stopped is a pod that was taken away at the deadline of its Job.
func stopped(pod *corev1.Pod) { pod.DeletionTimestamp = &noon }

// broken is a client whose every read fails.
type broken struct{ client.Client }

func (broken) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("no answer")
}
