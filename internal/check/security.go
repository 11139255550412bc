package check

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

const (
	partSecurity = "security"
	// labelSecurity is no check's name: it has a dot.
	labelSecurity = "security.checks"
	// The same, once the candidate serves all.
	partSecurityAfter  = "security-after"
	labelSecurityAfter = "security.AfterCutover"
	// retriesSecurity is how often checks that could not tell are run again.
	retriesSecurity = 1
)

// EnsureSecurity starts the security checks once for each attempt; a foreign
// Job of its name is an owned.ForeignError.
func EnsureSecurity(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, sides Sides, proberImage string) error {
	if proberImage == "" {
		return errors.New("start the security checks: the operator was started without --prober-image")
	}
	return owned.Create(ctx, c, sd, Security(sd, rel, sides, proberImage))
}

// Security is the Job that runs the security checks of one attempt. Its name is
// a function of (release, attempt), so that asking twice creates once.
func Security(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, sides Sides, proberImage string) *batchv1.Job {
	spec := sd.Spec.Checks.Security
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelRelease] = rel.Hash
	labels[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	labels[v1alpha1.LabelCheck] = labelSecurity
	at := func(address, port string) string {
		if address == "" {
			return ""
		}
		return net.JoinHostPort(address, strconv.Itoa(int(portOf(sd, port))))
	}
	c := jobs.Prober(proberImage, spec.TimeoutSeconds, "security")
	c.Env = append(c.Env,
		corev1.EnvVar{Name: jobs.EnvTarget, Value: at(sides.Canary, spec.Port)},
		corev1.EnvVar{Name: jobs.EnvHost, Value: sides.Host},
		corev1.EnvVar{Name: jobs.EnvReleaseID, Value: rel.ID},
		corev1.EnvVar{Name: "SIGNAL_SECURITY", Value: jobs.Encode(spec)},
		corev1.EnvVar{Name: "SIGNAL_POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "status.podIP"}}},
	)
	if spec.Compare != v1alpha1.CompareAbsolute {
		c.Env = append(c.Env, corev1.EnvVar{Name: "SIGNAL_STABLE", Value: at(sides.Stable, spec.Port)})
	}
	if spec.TLS != nil {
		c.Env = append(c.Env,
			corev1.EnvVar{Name: "SIGNAL_TARGET_TLS", Value: at(sides.Canary, spec.TLS.Port)},
			corev1.EnvVar{Name: "SIGNAL_STABLE_TLS", Value: at(sides.Stable, spec.TLS.Port)})
	}
	if own := spec.Resources; len(own.Requests)+len(own.Limits)+len(own.Claims) > 0 {
		c.Resources = own
	}
	volumes, mounts := given(spec)
	c.VolumeMounts = mounts
	return jobs.Job{
		Namespace: sd.Namespace, Name: release.SecurityName(sd.Name, rel.Hash, rel.Attempt),
		Labels: labels, PodLabels: podLabels(sd, rel, securityCheck(sd)), TimeoutSeconds: spec.TimeoutSeconds, Retries: retriesSecurity,
		PullSecrets: sd.Spec.Template.Spec.ImagePullSecrets, Container: c, Volumes: volumes,
	}.Build()
}

// EnsureSecurityAfter starts the security checks once more for each attempt,
// once the candidate serves all.
func EnsureSecurityAfter(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, sides Sides, proberImage string) error {
	if proberImage == "" {
		return errors.New("start the security checks: the operator was started without --prober-image")
	}
	return owned.Create(ctx, c, sd, SecurityAfter(sd, rel, sides, proberImage))
}

// SecurityAfter is the Job that runs the security checks the way of clients,
// once the candidate serves all. What it finds is held against what was found
// before: the canary Service, which nothing stands in front of, still leads to
// the same pods.
func SecurityAfter(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, sides Sides, proberImage string) *batchv1.Job {
	job := Security(sd, rel, Sides{Canary: sides.Stable, Stable: sides.Canary, Host: sides.Host}, proberImage)
	job.Name = release.LoadName(sd.Name, rel.Hash, rel.Attempt, partSecurityAfter)
	job.Labels[v1alpha1.LabelCheck] = labelSecurityAfter
	job.Spec.Template.Labels = podLabels(sd, rel, securityAfter(sd))
	c := &job.Spec.Template.Spec.Containers[0]
	set(c, "SIGNAL_KNOWN", known(sd))
	set(c, "SIGNAL_STABLE", net.JoinHostPort(sides.Canary, strconv.Itoa(int(portOf(sd, sd.Spec.Checks.Security.Port)))))
	if entry := sd.Spec.Traffic.Entry; entry != nil {
		dialled, secure := dialledAt(entry)
		set(c, jobs.EnvTarget, dialled)
		set(c, "SIGNAL_SECURITY", jobs.Encode(behindGateway(*sd.Spec.Checks.Security)))
		set(c, jobs.EnvHost, hostOf(entry))
		if secure {
			set(c, "SIGNAL_ENTRY_TLS", "true")
		}
	}
	return job
}

// ofConnections are the checks of how connections are treated: smuggling, and
// heads and bodies that do not end.
var ofConnections = []int32{41, 56}

// behindGateway is the spec without the checks that would look at the Gateway:
// clients' connections end there, so that what they find is not the release's.
func behindGateway(spec v1alpha1.SecuritySpec) v1alpha1.SecuritySpec {
	spec.Disable = slices.Concat(spec.Disable, ofConnections)
	slices.Sort(spec.Disable)
	spec.Disable = slices.Compact(spec.Disable)
	return spec
}

// set gives a container a variable.
func set(c *corev1.Container, name, value string) {
	for i := range c.Env {
		if c.Env[i].Name == name {
			c.Env[i].Value = value
			return
		}
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value})
}

// known are the checks that found something before the candidate took traffic,
// by number; "none", or "all" when that is not remembered.
func known(sd *v1alpha1.SignalDeployment) string {
	for _, v := range sd.Status.Rollout.Verdicts {
		if v.Kind == v1alpha1.SignalSecurity && v.Name == partSecurity && v.Phase == v1alpha1.PhaseChecking && v.Evidence != nil {
			return cmp.Or(v.Evidence.Statistic, "none")
		}
	}
	return "all"
}

// securityAfter is the security checks after the cutover as one check among
// others.
func securityAfter(sd *v1alpha1.SignalDeployment) v1alpha1.SmokeCheck {
	return v1alpha1.SmokeCheck{Name: labelSecurityAfter, TimeoutSeconds: sd.Spec.Checks.Security.TimeoutSeconds}
}

// given is what the user has put there for the checks: the Job mounts it, and
// nobody else reads it.
func given(spec *v1alpha1.SecuritySpec) (volumes []corev1.Volume, mounts []corev1.VolumeMount) {
	if spec.Users != nil {
		volumes = append(volumes, corev1.Volume{Name: "users", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: spec.Users.SecretName}}}) //nolint:forbidigo // by name: the node mounts it
		mounts = append(mounts, corev1.VolumeMount{Name: "users", MountPath: "/signal/users", ReadOnly: true})
	}
	if spec.TLS != nil {
		more, at := authorities(spec.TLS.CAConfigMapName)
		volumes, mounts = append(volumes, more...), append(mounts, at...)
	}
	return volumes, mounts
}

// authorities mounts the ConfigMap whose ca.crt has them, if it is named.
func authorities(configMap string) (volumes []corev1.Volume, mounts []corev1.VolumeMount) {
	if configMap == "" {
		return nil, nil
	}
	return []corev1.Volume{{Name: "authority", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: configMap},
			Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
		}}}},
		[]corev1.VolumeMount{{Name: "authority", MountPath: "/signal/authority", ReadOnly: true}}
}

// securityCheck is the security checks as one check among others.
func securityCheck(sd *v1alpha1.SignalDeployment) v1alpha1.SmokeCheck {
	return v1alpha1.SmokeCheck{Name: labelSecurity, TimeoutSeconds: sd.Spec.Checks.Security.TimeoutSeconds}
}
