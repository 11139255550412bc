package dashboard

import (
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/release"
)

// LabelDashboard is the SignalDeployment whose dashboard a pod sends to Grafana,
// or looks for there.
const LabelDashboard = "delivery.signal.dev/dashboard"

// Where the Job has what it needs.
const (
	contentPath = "/signal/dashboard" // <uid>.json
	tokenPath   = "/signal/grafana"   // token
)

// maxRetries of the Job: the prober is patient itself.
const maxRetries = 3

// asked reports whether Grafana is called at all.
func asked(spec *v1alpha1.DashboardSpec) bool { return spec.API != nil }

// part is the Job's in the attempt: one for each content.
func part(d Dashboard) string { return "dashboard-" + d.Content[:8] }

// Caller is the Job that sends the dashboard to Grafana and reads it back, or
// waits until the sidecar has. Its name is a function of the attempt and of the
// content, so that asking twice creates once.
func Caller(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, d Dashboard, proberImage string) *batchv1.Job {
	spec := sd.Spec.Dashboard
	task := "find"
	if spec.Delivery == v1alpha1.DeliverAPI {
		task = "import"
	}
	timeout := 3*spec.SlowSeconds + 60 // the prober goes on for twice as long as is slow
	c := jobs.Prober(proberImage, timeout, "grafana", task)
	c.Env = append(c.Env,
		corev1.EnvVar{Name: "SIGNAL_DASHBOARD", Value: jobs.Encode(spec)},
		corev1.EnvVar{Name: "SIGNAL_UID", Value: d.UID},
		corev1.EnvVar{Name: "SIGNAL_CONTENT", Value: d.Content},
		corev1.EnvVar{Name: "SIGNAL_NAMESPACE", Value: sd.Namespace})
	var volumes []corev1.Volume
	mount := func(name, at string, from corev1.VolumeSource) {
		volumes = append(volumes, corev1.Volume{Name: name, VolumeSource: from})
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: at, ReadOnly: true})
	}
	// A Secret or a key that is not there is an empty folder, of which the
	// prober can say more than a pod that does not start.
	mount("token", tokenPath, corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{ //nolint:forbidigo // by name: the node mounts it
		SecretName: spec.API.TokenSecret.Name, Optional: new(true),
		Items: []corev1.KeyToPath{{Key: orElse(spec.API.TokenSecret.Key, "token"), Path: "token"}},
	}})
	if task == "import" {
		mount("dashboard", contentPath, corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: Name(sd)}}})
	}
	own := release.Labels(sd.Name)
	own[v1alpha1.LabelRelease] = rel.Asked
	own[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	own[v1alpha1.LabelCheck] = part(d)
	return jobs.Job{
		Namespace: sd.Namespace, Name: jobName(sd, rel, d), Labels: own, PodLabels: podLabels(sd, rel, d), TimeoutSeconds: timeout, Retries: maxRetries,
		PullSecrets: sd.Spec.Template.Spec.ImagePullSecrets, Container: c, Volumes: volumes,
	}.Build()
}

func jobName(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, d Dashboard) string {
	return release.JobName(sd.Name, rel.Asked, rel.Attempt, part(d))
}

// podLabels tell the pods of one attempt from all others, and from those of
// releases.
func podLabels(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, d Dashboard) map[string]string {
	return map[string]string{
		LabelDashboard: sd.Name, "delivery.signal.dev/asked": rel.Asked,
		v1alpha1.LabelAttempt: strconv.Itoa(int(rel.Attempt)), v1alpha1.LabelCheck: part(d),
	}
}
