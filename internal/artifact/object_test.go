package artifact

import (
	"errors"
	"strings"
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
	"github.com/signal-delivery/operator/internal/verdict"
)

const repository = "registry.example/acme/app"

var (
	noon     = metav1.NewTime(time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC))
	pinned   = "sha256:" + strings.Repeat("1", 64)
	elsewise = "sha256:" + strings.Repeat("2", 64)
	settings = Settings{ProberImage: "prober", Insecure: []string{"plain.example"}, Offered: []string{"linux/amd64"}}
	rel      = testkit.Release("v2", func(r *v1alpha1.Release) { r.Attempt, r.Digest = 3, pinned })
)

func app(change ...func(*v1alpha1.ArtifactSpec)) *v1alpha1.SignalDeployment {
	return testkit.SignalDeployment(func(sd *v1alpha1.SignalDeployment) {
		sd.Spec.Artifact.Image = repository + ":v2"
		for _, c := range change {
			c(&sd.Spec.Artifact)
		}
	})
}

func cluster(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

// own makes a Job the SignalDeployment's, as it is in the cluster.
func own(job *batchv1.Job, conditions ...batchv1.JobCondition) *batchv1.Job {
	job.UID = "uid-" + job.GetObjectMeta().GetUID()
	job.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(app(), v1alpha1.GroupVersion.WithKind("SignalDeployment"))}
	job.Status.Conditions = conditions
	return job
}

func condition(kind batchv1.JobConditionType, reason string) batchv1.JobCondition {
	return batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, LastTransitionTime: noon}
}

var complete = condition(batchv1.JobComplete, "")

// podOf is the Job's pod, which ended with a code and a message.
func podOf(job *batchv1.Job, code int32, message string) *corev1.Pod {
	phase := corev1.PodSucceeded
	if code != 0 {
		phase = corev1.PodFailed
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: job.Namespace, Name: job.Name + "-pod", Labels: job.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Spec: job.Spec.Template.Spec,
		Status: corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{
			Name: jobs.Container, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message, StartedAt: noon, Reason: "Error"}},
		}}},
	}
}

func answer(digest string, record *v1alpha1.ArtifactRecord, verdicts ...verdict.Verdict) string {
	return string(verdict.Answer{Digest: digest, Artifact: record, Verdicts: verdicts}.Encode())
}

func good(reason string) verdict.Verdict {
	return verdict.Pass(v1alpha1.SignalArtifact, reason, "The %s is good", reason)
}
