package artifact

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Prove says whether every pod of a release runs the digest that it was pinned
// to, by what the kubelet reports of them. A pod that has not said so yet is
// waited for.
//
// A node that has the same image under several names reports any one of them.
// So a digest that is not known to be the release's is compared before it is
// judged: asks are the references that Compare is to look at.
func Prove(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, pods []corev1.Pod) (v verdict.Verdict, asks []string, err error) {
	p := proof{rel: rel, same: []string{rel.Digest}, look: func(ref string) ([]string, bool, error) { return compared(ctx, c, sd, rel, ref) }}
	if rel.Artifact != nil {
		p.same = append(p.same, rel.Artifact.Accepted...)
	}
	var silent string
	for i := range pods {
		container, reported := running(&pods[i], rel.Digest)
		if reported == "" {
			silent = pods[i].Name
			continue
		}
		same, asks, err := p.runs(reported)
		switch {
		case err != nil:
			return verdict.Verdict{}, nil, err
		case len(asks) > 0:
			return wait(ReasonUnproven, "The node of pod %q reports %s, which is compared with %s", pods[i].Name, reported, rel.Digest), asks, nil
		case !same:
			return other(rel, &pods[i], container, reported), nil, nil
		}
	}
	if silent != "" || len(pods) == 0 {
		return wait(ReasonUnproven, "Pod %q has not reported yet which digest it runs", silent), nil, nil
	}
	v = verdict.Pass(v1alpha1.SignalArtifact, ReasonProven, "All %d pods of %s run %s, as their nodes report", len(pods), rel.ID, rel.Digest)
	return verdict.With(v, verdict.Evidence{Value: rel.Digest, Threshold: rel.Digest, Source: fmt.Sprintf("status.containerStatuses of %d pods", len(pods))}), nil, nil
}

// Compare starts the Jobs that look at references which nodes report.
func Compare(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, refs []string, s Settings) error {
	for _, ref := range refs {
		if s.ProberImage == "" {
			return nil // the deadline will say so
		}
		look := jobs.Prober(s.ProberImage, compareSeconds, "image", partResolve)
		only := sd.DeepCopy()
		only.Spec.Artifact = v1alpha1.ArtifactSpec{Image: ref}
		look.Env = append(append(look.Env, environment(only, s)...), corev1.EnvVar{Name: "SIGNAL_PLATFORMS", Value: strings.Join(s.Offered, ",")})
		mounts := &mounts{}
		mounts.secrets(sd)
		if err := owned.Create(ctx, c, sd, job(sd, rel, partCompare(ref), compareSeconds, look, mounts)); err != nil {
			return err
		}
	}
	return nil
}

// compareSeconds is how long a comparison may take.
const compareSeconds = 60

func partCompare(ref string) string {
	digest := strings.TrimPrefix(digestOf(ref), "sha256:")
	return "compare-" + digest[:min(12, len(digest))]
}

// compared is what a reference was found to be, and whether that is known yet.
func compared(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, ref string) ([]string, bool, error) {
	found, pods, err := jobs.Read(ctx, c, sd, name(sd, rel, partCompare(ref)), podLabels(sd, rel, partCompare(ref)))
	if err != nil || found == nil {
		return nil, false, err
	}
	reading := judgeProber(found, pods)
	if reading.Record == nil {
		return nil, verdict.All(verdict.Verdict{}, reading.Verdicts...).Outcome == verdict.Failed, nil
	}
	return append([]string{reading.Digest}, reading.Record.Accepted...), true, nil
}

// proof is what is known to be the same as the release's digest.
type proof struct {
	rel  v1alpha1.Release
	same []string
	look func(ref string) (digests []string, known bool, err error)
}

// runs reports whether what a node reports is the release's image, or which
// references have to be looked at to tell.
func (p *proof) runs(reported string) (same bool, asks []string, err error) {
	if slices.Contains(p.same, digestOf(reported)) {
		return true, nil, nil
	}
	if !strings.Contains(reported, "@sha256:") { // nowhere to look
		return false, nil, nil
	}
	theirs, known, err := p.look(reported)
	if err != nil {
		return false, nil, err
	}
	if !known {
		asks = append(asks, reported)
	}
	if p.rel.Artifact == nil { // its digest was given, and nobody has looked at it
		own := release.Repository(p.rel.Image) + "@" + p.rel.Digest
		ours, known, err := p.look(own)
		if err != nil {
			return false, nil, err
		}
		if !known {
			asks = append(asks, own)
		}
		p.same = append(p.same, ours...)
	}
	if len(asks) > 0 {
		return false, asks, nil
	}
	if !slices.ContainsFunc(theirs, func(d string) bool { return slices.Contains(p.same, d) }) {
		return false, nil, nil
	}
	p.same = append(p.same, digestOf(reported))
	return true, nil, nil
}

// other is the verdict on a pod that runs something else.
func other(rel v1alpha1.Release, pod *corev1.Pod, container, reported string) verdict.Verdict {
	if container == "" {
		container = "every"
	}
	v := verdict.Fail(v1alpha1.SignalArtifact, ReasonOtherImage, "Container %q of pod %q runs %s, but %s is pinned to %s: something replaced the image on its way to the node; see kubectl get pod -n %s %s -o yaml",
		container, pod.Name, reported, rel.ID, rel.Digest, pod.Namespace, pod.Name)
	return verdict.With(v, verdict.Evidence{Value: verdict.Clip(reported, 256), Threshold: rel.Digest, Source: fmt.Sprintf("Pod %s/%s, status.containerStatuses", pod.Namespace, pod.Name)})
}

// running is what the node reports for the container that was given the
// release's digest; empty while it has not started. A pod of which no container
// was given it runs something else.
func running(pod *corev1.Pod, digest string) (container, reported string) {
	for _, c := range pod.Spec.Containers {
		if !strings.HasSuffix(c.Image, "@"+digest) {
			continue
		}
		for _, status := range pod.Status.ContainerStatuses {
			if status.Name == c.Name {
				return c.Name, strings.TrimPrefix(status.ImageID, "docker-pullable://")
			}
		}
		return c.Name, ""
	}
	var images []string
	for _, c := range pod.Spec.Containers {
		images = append(images, strings.ReplaceAll(c.Image, "@", " at ")) // they are not to be looked up
	}
	return "", strings.Join(images, ", ")
}

// digestOf is the digest in what the kubelet reports: alone, or behind a
// repository.
func digestOf(imageID string) string {
	if i := strings.LastIndex(imageID, "sha256:"); i >= 0 {
		return imageID[i:]
	}
	return imageID
}
