// Package check turns a smoke check into a Job and a Job into a verdict. What
// the Job does is not its matter: the built-in prober or the user's image does.
package check

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// keptSeconds is how long an ended Job is kept for people to look at. Its
// verdict has long been remembered.
const keptSeconds = 3600

// container is the one container of a check's pod.
const container = "check"

// Target is the candidate, as checks reach it.
type Target struct {
	Address string // IP of the canary Service: not every cluster has DNS for every pod
	Host    string // the Service's name, for the Host header
}

// Ensure starts every check of the attempt once.
func Ensure(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, target Target, proberImage string) error {
	for _, check := range sd.Spec.Checks.Smoke {
		job, err := Build(sd, rel, check, target, proberImage)
		if err != nil {
			return err
		}
		if err := owned.Create(ctx, c, sd, job); err != nil {
			return err
		}
	}
	return nil
}

// Build is the Job of one check of one attempt. Its pods are no pods of the
// release: no Service selects them.
func Build(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck, target Target, proberImage string) (*batchv1.Job, error) {
	one, err := containerOf(sd, check, target, proberImage)
	if err != nil {
		return nil, err
	}
	one.Env = append(one.Env, corev1.EnvVar{Name: "SIGNAL_RELEASE", Value: rel.ID}, corev1.EnvVar{Name: "SIGNAL_VERSION", Value: rel.Version})
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelCheck] = check.Name
	labels[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: sd.Namespace, Name: release.JobName(sd.Name, rel.Hash, rel.Attempt, check.Name), Labels: labels},
		Spec: batchv1.JobSpec{
			BackoffLimit:            ptr.To(check.Retries),
			ActiveDeadlineSeconds:   ptr.To(int64(check.TimeoutSeconds)),
			TTLSecondsAfterFinished: ptr.To(int32(keptSeconds)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					RestartPolicy:                corev1.RestartPolicyNever,
					AutomountServiceAccountToken: ptr.To(false),
					EnableServiceLinks:           ptr.To(false),
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot:   ptr.To(true),
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Containers: []corev1.Container{one},
				},
			},
		},
	}, nil
}

// containerOf is the built-in prober, or the user's image.
func containerOf(sd *v1alpha1.SignalDeployment, check v1alpha1.SmokeCheck, target Target, proberImage string) (corev1.Container, error) {
	one := corev1.Container{
		Name:                     container,
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
	port := sd.Spec.Service.Ports[0]
	if check.Job != nil {
		one.Image, one.Command, one.Args, one.Resources = check.Job.Image, check.Job.Command, check.Job.Args, check.Job.Resources
		for _, variable := range check.Job.Env {
			one.Env = append(one.Env, corev1.EnvVar{Name: variable.Name, Value: variable.Value})
		}
		one.Env = append(one.Env, address(target, port)...)
		return one, nil
	}
	for _, p := range sd.Spec.Service.Ports {
		if p.Name == check.HTTP.Port {
			port = p
		}
	}
	requests, err := json.Marshal(check.HTTP)
	if err != nil {
		return one, fmt.Errorf("encode check %s: %w", check.Name, err)
	}
	one.Image, one.Command, one.Args = proberImage, []string{"/prober"}, []string{"http"}
	one.Env = append(address(target, port), corev1.EnvVar{Name: "SIGNAL_HTTP_CHECK", Value: escape(string(requests))})
	one.SecurityContext.RunAsUser = ptr.To(int64(65532)) // the user of the operator's own image
	one.Resources = corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")},
	}
	return one, nil
}

// address tells a check where the candidate is.
func address(target Target, port v1alpha1.ServicePort) []corev1.EnvVar {
	return []corev1.EnvVar{
		{Name: "SIGNAL_TARGET", Value: "http://" + net.JoinHostPort(target.Address, strconv.Itoa(int(port.Port)))},
		{Name: "SIGNAL_HOST", Value: target.Host},
	}
}

// escape keeps kubelet from taking $(NAME) in a request for a variable.
func escape(text string) string {
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		if text[i] == '$' {
			out = append(out, '$')
		}
		out = append(out, text[i])
	}
	return string(out)
}
