package check

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

const (
	partLeaks = "leaks"
	// labelLeaks is no check's name: it has a dot.
	labelLeaks = "security.leaks"
	// tokenSeconds is how long a token is good for that the Job is given, at
	// least; the node renews it.
	tokenSeconds = 600
	// rootAuthorities is the ConfigMap that every namespace has.
	rootAuthorities = "kube-root-ca.crt"
)

// EnsureLeaks starts the check of leaks once for each attempt; a foreign Job of
// its name is an owned.ForeignError.
func EnsureLeaks(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, sides Sides, proberImage string) error {
	if proberImage == "" {
		return errors.New("start the check of leaks: the operator was started without --prober-image")
	}
	return owned.Create(ctx, c, sd, Leaks(sd, rel, sides, proberImage))
}

// Leaks is the Job that looks for leaks of one attempt: the only one with a
// token, that of the ServiceAccount which the spec names.
func Leaks(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, sides Sides, proberImage string) *batchv1.Job {
	spec, check := sd.Spec.Checks.Leaks, leaksCheck(sd)
	attempt := strconv.Itoa(int(rel.Attempt))
	own := release.Labels(sd.Name)
	own[v1alpha1.LabelRelease], own[v1alpha1.LabelAttempt], own[v1alpha1.LabelCheck] = rel.Hash, attempt, labelLeaks
	scheme, path, port := metrics(sd)
	c := jobs.Prober(proberImage, spec.TimeoutSeconds, "leaks")
	c.Env = append(c.Env,
		corev1.EnvVar{Name: jobs.EnvTarget, Value: net.JoinHostPort(sides.Canary, strconv.Itoa(int(portOf(sd, ""))))},
		corev1.EnvVar{Name: jobs.EnvHost, Value: sides.Host},
		corev1.EnvVar{Name: jobs.EnvReleaseID, Value: rel.ID},
		corev1.EnvVar{Name: "SIGNAL_ATTEMPT", Value: attempt},
		corev1.EnvVar{Name: "SIGNAL_NAMESPACE", Value: sd.Namespace},
		corev1.EnvVar{Name: "SIGNAL_NAME", Value: sd.Name},
		corev1.EnvVar{Name: "SIGNAL_SELECTOR", Value: labels.SelectorFromSet(release.Selector(sd.Name, rel.Hash)).String()},
		corev1.EnvVar{Name: "SIGNAL_LEAKS", Value: jobs.Encode(spec)},
		corev1.EnvVar{Name: "SIGNAL_METRICS_SCHEME", Value: scheme},
		corev1.EnvVar{Name: "SIGNAL_METRICS_PATH", Value: path},
		corev1.EnvVar{Name: "SIGNAL_METRICS_PORT", Value: port},
		corev1.EnvVar{Name: "SIGNAL_POD_NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"}}},
	)
	c.VolumeMounts = []corev1.VolumeMount{{Name: "api", MountPath: "/signal/api", ReadOnly: true}}
	return jobs.Job{
		Namespace: sd.Namespace, Name: release.LeaksName(sd.Name, rel.Hash, rel.Attempt),
		Labels: own, PodLabels: podLabels(sd, rel, check), TimeoutSeconds: spec.TimeoutSeconds, Retries: retriesSecurity,
		PullSecrets: sd.Spec.Template.Spec.ImagePullSecrets, Container: c, Volumes: []corev1.Volume{token()}, ServiceAccount: spec.ServiceAccountName,
	}.Build()
}

// token is a short-lived one for Kubernetes' API alone, and who vouches for that.
func token() corev1.Volume {
	return corev1.Volume{Name: "api", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: new(int64(tokenSeconds))}},
		{ConfigMap: &corev1.ConfigMapProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: rootAuthorities}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
		}},
	}}}}
}

// metrics is where each pod serves them: where they are scraped.
func metrics(sd *v1alpha1.SignalDeployment) (scheme, path, port string) {
	scrape, first := sd.Spec.Analysis.Scrape, sd.Spec.Service.Ports[0]
	port = strconv.Itoa(int(first.Port))
	if first.TargetPort != nil {
		port = first.TargetPort.String()
	}
	if scrape.Port != nil {
		port = scrape.Port.String()
	}
	return string(cmp.Or(scrape.Scheme, v1alpha1.ScrapeHTTP)), cmp.Or(scrape.Path, "/metrics"), port
}

// ReadLeaks answers with what the check of leaks amounts to, and then with each
// kind of leak.
func ReadLeaks(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) ([]verdict.Verdict, error) {
	name, check := release.LeaksName(sd.Name, rel.Hash, rel.Attempt), leaksCheck(sd)
	job, pods, waits, err := readSummed(ctx, c, sd, rel, name, check, partLeaks, "the check of leaks", "The check of leaks is")
	if job == nil {
		return waits, err
	}
	check.Name = partLeaks
	return judgeSummed(check, "The check of leaks", job, pods), nil
}

// leaksCheck is the check of leaks as one check among others.
func leaksCheck(sd *v1alpha1.SignalDeployment) v1alpha1.SmokeCheck {
	return v1alpha1.SmokeCheck{Name: labelLeaks, TimeoutSeconds: sd.Spec.Checks.Leaks.TimeoutSeconds}
}
