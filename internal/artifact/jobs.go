package artifact

import (
	"context"
	"errors"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

// Settings are what the administrator, and the cluster, say of artifacts.
type Settings struct {
	ProberImage string   // what the Jobs run
	Insecure    []string // registries, as host or host:port, that speak plain http
	Offered     []string // platforms of the nodes, such as linux/amd64; none are not known
}

// LabelArtifact is the SignalDeployment whose image a pod resolves or builds.
const LabelArtifact = "delivery.signal.dev/artifact"

// Parts of what is done to an artifact, each by a Job of its own.
const (
	partBuild   = "build"   // the user's builder makes the image
	partResolve = "resolve" // the prober finds, builds by appending, and verifies
	partSeal    = "seal"    // the prober looks at the tag again and attaches the manifest
)

// Where the Jobs have what they need.
const (
	pullPath     = "/signal/pull"     // <secret>/.dockerconfigjson
	trustPath    = "/signal/trust"    // <config map>/<key>
	volumePath   = "/signal/volumes"  // <claim>/<path>
	manifestPath = "/signal/manifest" // the release manifest
	dockerPath   = "/signal/docker"   // config.json of a builder
	scratchPath  = "/tmp"
)

// sealSeconds is how long the closing look at the registry may take: the
// release is over, and nothing waits for it for longer.
const sealSeconds = 60

// Ensure starts what has to be done to find the attempt's digest: the user's
// builder first, where there is one, then the prober. What is there already is
// left as it is; a foreign Job of the name is an owned.ForeignError.
func Ensure(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, s Settings) error {
	if _, known := Given(sd.Spec.Artifact); known {
		return nil
	}
	if s.ProberImage == "" {
		return errors.New("resolve the image: the operator was started without --prober-image")
	}
	built := ""
	if build := sd.Spec.Artifact.Build; build != nil && build.Job != nil {
		job := Builder(sd, rel)
		if err := owned.Create(ctx, c, sd, job); err != nil {
			return err
		}
		found, pods, err := jobs.Read(ctx, c, sd, job.Name, podLabels(sd, rel, partBuild))
		if err != nil {
			return err
		}
		digest, v := judgeBuild(build, found, pods)
		if digest == "" || v.Outcome != v1alpha1.OutcomePassed {
			return nil // it has not ended, or not well
		}
		built = digest
	}
	return owned.Create(ctx, c, sd, Prober(sd, rel, built, s))
}

// Seal starts the closing look at the registry.
func Seal(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, s Settings) error {
	if s.ProberImage == "" {
		return nil // then nothing has been resolved either
	}
	return owned.Create(ctx, c, sd, Sealer(sd, rel, s))
}

// Given is the digest of a reference that names one, when nothing has to be
// verified: then no registry is asked, and no Job is needed.
func Given(spec v1alpha1.ArtifactSpec) (digest string, known bool) {
	_, digest, pinned := strings.Cut(spec.Image, "@")
	return digest, pinned && len(spec.Signatures) == 0 && len(spec.Attestations) == 0
}

// Prober is the Job that finds the digest and verifies it. Its name is a
// function of what is asked and the attempt, so that asking twice creates once.
func Prober(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, built string, s Settings) *batchv1.Job {
	timeout := or(sd.Spec.Strategy.ProgressDeadlineSeconds, 600)
	if build := sd.Spec.Artifact.Build; build != nil {
		timeout = build.TimeoutSeconds
	}
	c := jobs.Prober(s.ProberImage, timeout, "image", partResolve)
	c.Env = append(append(c.Env, environment(sd, s)...),
		corev1.EnvVar{Name: "SIGNAL_BUILT", Value: built},
		corev1.EnvVar{Name: "SIGNAL_PLATFORMS", Value: strings.Join(s.Offered, ",")})
	mounts := &mounts{}
	mounts.secrets(sd)
	mounts.trust(sd.Spec.Artifact)
	if build := sd.Spec.Artifact.Build; build != nil && build.Append != nil {
		mounts.layers(build.Append)
		c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("512Mi")}
	}
	return job(sd, rel, partResolve, timeout, c, mounts)
}

// Sealer is the Job that looks at the registry once the release is over.
func Sealer(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, s Settings) *batchv1.Job {
	c := jobs.Prober(s.ProberImage, sealSeconds, "image", partSeal)
	c.Env = append(append(c.Env, environment(sd, s)...), corev1.EnvVar{Name: "SIGNAL_DIGEST", Value: rel.Digest}, corev1.EnvVar{Name: "SIGNAL_REFERENCE", Value: rel.Image})
	mounts := &mounts{}
	mounts.secrets(sd)
	if sd.Spec.Artifact.Attach {
		mounts.add("manifest", manifestPath, corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: release.ManifestName(sd.Name, rel)}, Optional: new(true),
		}})
	}
	return job(sd, rel, partSeal, sealSeconds, c, mounts)
}

// Builder is the Job that runs the user's builder image.
func Builder(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) *batchv1.Job {
	build := sd.Spec.Artifact.Build
	own := build.Job
	c := corev1.Container{Image: own.Image, Command: own.Command, Args: own.Args, Resources: own.Resources}
	c.Env = append([]corev1.EnvVar{
		{Name: "SIGNAL_REPOSITORY", Value: sd.Spec.Artifact.Repository},
		{Name: "SIGNAL_NAME", Value: sd.Name},
		{Name: "SIGNAL_NAMESPACE", Value: sd.Namespace},
		{Name: "SIGNAL_VERSION", Value: rel.Version},
		{Name: "DOCKER_CONFIG", Value: dockerPath},
		{Name: "HOME", Value: scratchPath},
	}, jobs.Env(own.Env)...)
	mounts := &mounts{}
	mounts.docker(sd)
	mounts.scratch()
	if own.CacheClaim != "" {
		mounts.add("cache", "/cache", corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: own.CacheClaim}})
	}
	made := job(sd, rel, partBuild, build.TimeoutSeconds, c, mounts)
	made.Spec.BackoffLimit = new(int32(0)) // what failed once is not known to be safe to repeat
	spec := &made.Spec.Template.Spec
	spec.SecurityContext.FSGroup = new(int64(jobs.ProberUser)) // whoever it runs as may write its cache
	spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem = new(false)
	if own.Privilege == v1alpha1.BuildRootless {
		spec.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
		spec.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
		spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = new(true)
		spec.Containers[0].SecurityContext.Capabilities = nil
	}
	return made
}

// job is a confined Job of one part.
func job(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, part string, timeout int32, c corev1.Container, m *mounts) *batchv1.Job {
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelRelease] = rel.Asked
	labels[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	labels[v1alpha1.LabelCheck] = part
	c.VolumeMounts = m.mounts
	return jobs.Job{
		Namespace: sd.Namespace, Name: name(sd, rel, part), Labels: labels, PodLabels: podLabels(sd, rel, part),
		TimeoutSeconds: timeout, Retries: maxRetries, PullSecrets: sd.Spec.Template.Spec.ImagePullSecrets, Container: c, Volumes: m.volumes,
	}.Build()
}

// maxRetries is more often than a Job can be tried again until its deadline:
// silence of a registry is not an answer.
const maxRetries = 1000

func name(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, part string) string {
	return release.JobName(sd.Name, rel.Asked, rel.Attempt, part)
}

// podLabels tell the pods of one part of one attempt from all others.
func podLabels(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, part string) map[string]string {
	return map[string]string{
		LabelArtifact: sd.Name, "delivery.signal.dev/asked": rel.Asked,
		v1alpha1.LabelAttempt: strconv.Itoa(int(rel.Attempt)), v1alpha1.LabelCheck: part,
	}
}

func environment(sd *v1alpha1.SignalDeployment, s Settings) []corev1.EnvVar {
	return []corev1.EnvVar{
		{Name: "SIGNAL_ARTIFACT", Value: jobs.Encode(sd.Spec.Artifact)},
		{Name: "SIGNAL_NAME", Value: sd.Name},
		{Name: "SIGNAL_NAMESPACE", Value: sd.Namespace},
		{Name: "SIGNAL_INSECURE_REGISTRIES", Value: strings.Join(s.Insecure, ",")},
	}
}

func or(value *int32, absent int32) int32 {
	if value == nil {
		return absent
	}
	return *value
}
