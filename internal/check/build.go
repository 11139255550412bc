// Package check turns a smoke check into a Job, and that Job into a verdict.
// What the Job does is not its matter: the built-in prober or the user's image
// does that, in the user's namespace. It believes no Job that is not ours, and
// repeats what a check said only in part and without credentials.
package check

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
)

// Labels of the pods of checks. They have neither the name nor the release of
// the pods of releases, so that no Service, budget or autoscaler takes them for
// one.
const (
	// LabelChecks is the SignalDeployment whose candidate a pod checks.
	LabelChecks = "delivery.signal.dev/checks"
	// LabelCheckedRelease is the hash of the release that a pod checks.
	LabelCheckedRelease = "delivery.signal.dev/checked-release"
)

const (
	// container is the one container of a check's pod.
	container = "check"
	// proberUser is the user of the built-in prober. An image of the user's
	// runs as the user that it names by number, which must not be root.
	proberUser = 65532
	// keptSeconds is how long an ended Job is kept for people to look at: a
	// day. It must outlast the slowest check beside it, which is an hour; once
	// all have ended, their verdicts are remembered and no Job is needed.
	keptSeconds = 86400
)

// Target is the candidate, as checks reach it.
type Target struct {
	Address string // IP of the canary Service: checks need no DNS
	Host    string // the canary Service's name, for the Host header
}

// Build is the Job of one check of one attempt. Its name is a function of
// (release, attempt, check), so that asking twice creates once.
func Build(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck, target Target, proberImage string) *batchv1.Job {
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelRelease] = rel.Hash
	labels[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	labels[v1alpha1.LabelCheck] = check.Name
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: sd.Namespace, Name: release.JobName(sd.Name, rel.Hash, rel.Attempt, check.Name), Labels: labels},
		Spec: batchv1.JobSpec{
			BackoffLimit:            new(check.Retries),
			ActiveDeadlineSeconds:   new(int64(check.TimeoutSeconds)),
			TTLSecondsAfterFinished: new(int32(keptSeconds)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: podLabels(sd, rel, check)},
				Spec: corev1.PodSpec{
					RestartPolicy:                corev1.RestartPolicyNever,
					AutomountServiceAccountToken: new(false),
					EnableServiceLinks:           new(false),
					ImagePullSecrets:             sd.Spec.Template.Spec.ImagePullSecrets, // by name: the nodes read them
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot:   new(true),
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Containers: []corev1.Container{containerOf(sd, rel, check, target, proberImage)},
				},
			},
		},
	}
}

// podLabels tell the pods of one check of one attempt from all others.
func podLabels(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck) map[string]string {
	return map[string]string{
		LabelChecks: sd.Name, LabelCheckedRelease: rel.Hash,
		v1alpha1.LabelAttempt: strconv.Itoa(int(rel.Attempt)), v1alpha1.LabelCheck: check.Name,
	}
}

// containerOf is the built-in prober or the user's image, confined alike.
func containerOf(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck, target Target, proberImage string) corev1.Container {
	c := corev1.Container{
		Name:                     container,
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
	if check.Job != nil {
		custom(&c, check.Job)
		c.Env = append(address(sd, rel, target, ""), c.Env...) // theirs may refer to ours
		return c
	}
	c.Env = address(sd, rel, target, check.HTTP.Port)
	builtin(&c, check, proberImage)
	return c
}

func custom(c *corev1.Container, job *v1alpha1.JobCheck) {
	c.Image, c.Command, c.Args, c.Resources = job.Image, job.Command, job.Args, job.Resources
	for _, variable := range job.Env {
		c.Env = append(c.Env, corev1.EnvVar{Name: variable.Name, Value: variable.Value})
	}
}

// builtin runs the prober. It is given a little less time than its Job, after
// which its pod is gone, and what it had to say with it.
func builtin(c *corev1.Container, check v1alpha1.SmokeCheck, image string) {
	c.Image, c.Command, c.Args = image, []string{"/prober"}, []string{"http"}
	c.SecurityContext.RunAsUser = new(int64(proberUser))
	c.Env = append(c.Env,
		corev1.EnvVar{Name: "SIGNAL_TIMEOUT", Value: (time.Duration(check.TimeoutSeconds) * time.Second * 9 / 10).String()},
		corev1.EnvVar{Name: "SIGNAL_HTTP_CHECK", Value: encode(check.HTTP)})
	c.Resources = corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
	}
}

// encode is the requests as JSON without a dollar sign, since kubelet takes
// $(NAME) for a variable. That they fit is for the prober's room to validate.
func encode(check *v1alpha1.HTTPCheck) string {
	text, err := json.Marshal(check)
	if err != nil {
		panic(fmt.Sprintf("check: encode requests: %v", err)) // API types always encode
	}
	return strings.ReplaceAll(string(text), "$", `\u0024`)
}

// address tells a check where the candidate is, and what it is.
func address(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, target Target, port string) []corev1.EnvVar {
	return []corev1.EnvVar{
		{Name: "SIGNAL_TARGET", Value: "http://" + net.JoinHostPort(target.Address, strconv.Itoa(int(portOf(sd, port))))},
		{Name: "SIGNAL_HOST", Value: target.Host},
		{Name: "SIGNAL_RELEASE", Value: rel.Hash},
		{Name: "SIGNAL_VERSION", Value: rel.Version},
	}
}

// portOf is the Service port of that name, or the first.
func portOf(sd *v1alpha1.SignalDeployment, name string) int32 {
	for _, p := range sd.Spec.Service.Ports {
		if name == "" || p.Name == name {
			return p.Port
		}
	}
	return 0
}
