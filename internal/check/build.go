// Package check turns a smoke check into a Job, and that Job into a verdict.
// What the Job does is not its matter: the built-in prober or the user's image
// does that, in the user's namespace.
package check

import (
	"net"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
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

// Target is the candidate, as checks reach it.
type Target struct {
	Stage   v1alpha1.CheckStage
	Address string // IP of a Service: checks need no DNS
	Host    string // the Service's name, for the Host header
	Entry   bool   // checks go the way of clients, by spec.traffic.entry, and not to the address
}

// Build is the Job of one check of one attempt at one stage. Its name is a
// function of these and the release, so that asking twice creates once.
func Build(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck, target Target, proberImage string) *batchv1.Job {
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelRelease] = rel.Hash
	labels[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	labels[v1alpha1.LabelCheck] = labelAt(check.Name, target.Stage)
	if target.Entry {
		check.TLS = fronted(check.TLS)
	}
	volumes, mounts := authority(check.TLS)
	container := containerOf(sd, rel, check, target, proberImage)
	container.VolumeMounts = mounts
	return jobs.Job{
		Namespace: sd.Namespace, Name: release.StageName(sd.Name, rel.Hash, rel.Attempt, check.Name, target.Stage),
		Labels: labels, PodLabels: podLabels(sd, rel, at(check, target.Stage)), TimeoutSeconds: check.TimeoutSeconds, Retries: check.Retries,
		PullSecrets: sd.Spec.Template.Spec.ImagePullSecrets, Container: container, Volumes: volumes,
	}.Build()
}

// podLabels tell the pods of one check of one attempt from all others.
func podLabels(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck) map[string]string {
	return map[string]string{
		LabelChecks: sd.Name, LabelCheckedRelease: rel.Hash,
		v1alpha1.LabelAttempt: strconv.Itoa(int(rel.Attempt)), v1alpha1.LabelCheck: check.Name,
	}
}

// containerOf is the built-in prober or the user's image.
func containerOf(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck, target Target, proberImage string) corev1.Container {
	if own := check.Job; own != nil {
		return corev1.Container{
			Image: own.Image, Command: own.Command, Args: own.Args, Resources: own.Resources,
			Env: append(address(sd, rel, target, "http", ""), jobs.Env(own.Env)...), // theirs may refer to ours
		}
	}
	kind, scheme := "http", "http"
	var port string
	var variable corev1.EnvVar
	if asked := check.GRPC; asked != nil {
		kind, port, variable = "grpc", asked.Port, corev1.EnvVar{Name: "SIGNAL_GRPC_CHECK", Value: jobs.Encode(asked)}
	} else {
		port, variable = check.HTTP.Port, corev1.EnvVar{Name: "SIGNAL_HTTP_CHECK", Value: jobs.Encode(check.HTTP)}
	}
	if check.TLS != nil {
		scheme = "https"
	}
	c := jobs.Prober(proberImage, check.TimeoutSeconds, kind)
	c.Env = append(append(address(sd, rel, target, scheme, port), c.Env...), variable)
	if check.TLS != nil {
		c.Env = append(c.Env, corev1.EnvVar{Name: "SIGNAL_TLS", Value: jobs.Encode(check.TLS)})
	}
	return c
}

// authority is the ConfigMap with what may have signed the candidate's
// certificate: the Job mounts it.
func authority(tls *v1alpha1.CheckTLS) (volumes []corev1.Volume, mounts []corev1.VolumeMount) {
	if tls == nil {
		return nil, nil
	}
	return authorities(tls.CAConfigMapName)
}

// address tells a check where the candidate is, and what it is.
func address(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, target Target, scheme, port string) []corev1.EnvVar {
	env := []corev1.EnvVar{
		{Name: jobs.EnvTarget, Value: scheme + "://" + net.JoinHostPort(target.Address, strconv.Itoa(int(portOf(sd, port))))},
		{Name: jobs.EnvHost, Value: target.Host},
		{Name: "SIGNAL_RELEASE", Value: rel.Hash},
		{Name: "SIGNAL_VERSION", Value: rel.Version},
	}
	if target.Entry {
		env = append(env, by(sd.Spec.Traffic.Entry, target.Stage, rel)...)
		env[0].Value, env[1].Value = sd.Spec.Traffic.Entry.URL, hostOf(sd.Spec.Traffic.Entry)
	}
	return env
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
