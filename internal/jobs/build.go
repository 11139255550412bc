// Package jobs is how every Job of the operator's looks, and how it is read:
// confined, named by what it is for, in the user's namespace, and without a token
// unless what it is for is to read Kubernetes' API.
// It believes no Job that is not ours, and repeats what a Job said only in part
// and without credentials. What a Job is for is not its matter.
package jobs

import (
	"cmp"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// Container is the one container of a Job's pod.
const Container = "check"

// Variables by which Jobs are told of the release that they are about.
const (
	EnvTarget    = "SIGNAL_TARGET"     // where it is called
	EnvHost      = "SIGNAL_HOST"       // the name by which clients know the service
	EnvReleaseID = "SIGNAL_RELEASE_ID" // of the release
)

const (
	// ProberUser is the user of the built-in prober. An image of the user's
	// runs as the user that it names by number, which must not be root.
	ProberUser = 65532
	// keptSeconds is how long an ended Job is kept for people to look at: a
	// day. It must outlast the slowest check beside it, which is an hour; once
	// all have ended, their verdicts are remembered and no Job is needed.
	keptSeconds = 86400
)

// Job is what is particular to one Job.
type Job struct {
	Namespace, Name   string
	Labels, PodLabels map[string]string
	TimeoutSeconds    int32
	Retries           int32
	KeptSeconds       int32                         // once it has ended; absent: a day
	PullSecrets       []corev1.LocalObjectReference // by name: the nodes read them
	Container         corev1.Container              // its image, command, arguments, environment and mounts
	Volumes           []corev1.Volume
	ServiceAccount    string // whose token one of the volumes has; none is mounted by itself
}

// Build is the Job, confined as the restricted pod security standard asks.
func (j Job) Build() *batchv1.Job {
	c := j.Container
	c.Name = Container
	c.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	if c.SecurityContext == nil {
		c.SecurityContext = &corev1.SecurityContext{}
	}
	c.SecurityContext.AllowPrivilegeEscalation = new(false)
	c.SecurityContext.ReadOnlyRootFilesystem = new(true)
	c.SecurityContext.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: j.Namespace, Name: j.Name, Labels: j.Labels},
		Spec: batchv1.JobSpec{
			BackoffLimit:            new(j.Retries),
			ActiveDeadlineSeconds:   new(int64(j.TimeoutSeconds)),
			TTLSecondsAfterFinished: new(cmp.Or(j.KeptSeconds, keptSeconds)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: j.PodLabels},
				Spec: corev1.PodSpec{
					RestartPolicy:                corev1.RestartPolicyNever,
					ServiceAccountName:           j.ServiceAccount,
					AutomountServiceAccountToken: new(false),
					EnableServiceLinks:           new(false),
					ImagePullSecrets:             j.PullSecrets,
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot:   new(true),
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Containers: []corev1.Container{c},
					Volumes:    j.Volumes,
				},
			},
		},
	}
}

// Prober is the container that runs the built-in prober. It is given a little
// less time than its Job, after which its pod is gone, and what it had to say
// with it.
func Prober(image string, timeoutSeconds int32, args ...string) corev1.Container {
	return corev1.Container{
		Image: image, Command: []string{"/prober"}, Args: args,
		SecurityContext: &corev1.SecurityContext{RunAsUser: new(int64(ProberUser))},
		Env: []corev1.EnvVar{
			{Name: "SIGNAL_TIMEOUT", Value: (time.Duration(timeoutSeconds) * time.Second * 9 / 10).String()},
		},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
		},
	}
}

// Env are a user's plain variables as Kubernetes has them.
func Env(variables []v1alpha1.CheckEnv) []corev1.EnvVar {
	env := make([]corev1.EnvVar, 0, len(variables))
	for _, variable := range variables {
		env = append(env, corev1.EnvVar{Name: variable.Name, Value: variable.Value})
	}
	return env
}
