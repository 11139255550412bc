package integration

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/test/stage"
)

// What is asked of the registry is asked by a Job, and what it found is kept.
func TestTheDigestIsFoundByAJob(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	c := y.SD.Status.Candidate
	if c.Artifact == nil || len(c.Artifact.Platforms) == 0 || c.Artifact.SizeBytes == 0 || !strings.HasPrefix(c.Digest, "sha256:") {
		t.Fatalf("candidate %+v", c)
	}
	cm := &corev1.ConfigMap{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: release.ManifestName(stage.Name, *c)}, cm); err != nil {
		t.Fatal(err)
	}
	if text := cm.Data[release.ManifestKey]; !strings.Contains(text, c.Digest) || !strings.Contains(text, c.ID) || cm.Immutable == nil || !*cm.Immutable {
		t.Errorf("manifest %s", text)
	}
}

// An image by digest, with nothing to verify, is released without a Job.
func TestADigestNeedsNoJob(t *testing.T) {
	t.Parallel()
	y := on.Story(t)
	y.SD.Spec.Artifact.Image = y.Registry + "/acme/app@" + y.Digest("v1")
	y.Begin()
	if c := y.SD.Status.Candidate; c.Artifact != nil || c.Digest != y.Digest("v1") {
		t.Errorf("candidate %+v", c)
	}
	jobs, err := y.Kubectl("get", "jobs", "-o", "name")
	if err != nil || strings.Contains(jobs, "-resolve") || strings.Contains(jobs, "-seal") {
		t.Errorf("Jobs %s, %v", jobs, err)
	}
}

// A pod that runs something else than it was given takes no traffic.
func TestAPodThatRunsAnotherImage(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	y.World.Misbehave(y.Namespace, stage.Faults{Runs: "sha256:" + strings.Repeat("0", 64)})
	y.Ask("v2")
	y.Rest("v2 has failed", stage.Failed)
	if y.SD.Status.Reason != "RunsAnotherImage" || y.SD.Status.Rollout.Exposed {
		t.Errorf("%s, exposed %t", y.SD.Status.Reason, y.SD.Status.Rollout.Exposed)
	}
	y.Stalled("sha256:0000", y.SD.Status.Candidate.Digest)
}

// A node that has the same image by another name is believed once a Job has
// compared the two.
func TestAPodThatRunsTheSameByAnotherName(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	alias := y.PushAlias(t, "v2")
	y.World.Misbehave(y.Namespace, stage.Faults{Runs: y.Registry + "/acme/app@" + alias})
	y.AskAgain("v2")
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Stable.Version == "v2-"+y.Namespace
	})
	jobs, err := y.Kubectl("get", "jobs", "-o", "name")
	if err != nil || !strings.Contains(jobs, "-compare-") {
		t.Errorf("nothing was compared: %s, %v", jobs, err)
	}
}

func TestATagThatMovesIsTold(t *testing.T) {
	t.Parallel()
	y := on.Story(t, stage.Hold(1)).Begin()
	first := y.SD.Status.Stable.Hash
	y.Ask("v2")
	y.Until("v2 is pinned", func(sd *v1alpha1.SignalDeployment) bool {
		return sd.Status.Candidate.Hash != first && sd.Status.Candidate.Digest != ""
	})
	digest := y.SD.Status.Candidate.Digest
	_, moved := y.Push(t, "v2-"+y.Namespace) // another image under the same tag
	if moved == digest {
		t.Fatal("the tag has not moved")
	}
	y.Rest("v2 is released", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Stable.Hash != first
	})
	if got := y.SD.Status.Stable.Digest; got != digest {
		t.Errorf("was %s, is %s", digest, got)
	}
	cm := &corev1.ConfigMap{}
	if err := y.Client.Get(t.Context(), types.NamespacedName{Namespace: y.Namespace, Name: release.ReportName(stage.Name)}, cm); err != nil {
		t.Fatal(err)
	}
	if text := cm.Data["report.md"]; !strings.Contains(text, "**TagMoved**") || !strings.Contains(text, moved) {
		t.Errorf("the report does not tell of %s:\n%s", moved, text)
	}
}

// Alert rules and checks are part of what is released.
func TestAnotherCheckIsAnotherRelease(t *testing.T) {
	t.Parallel()
	y := on.Story(t).Begin()
	was := *y.SD.Status.Stable
	y.Change(func(sd *v1alpha1.SignalDeployment) { sd.Spec.Checks.Smoke[0].TimeoutSeconds = 59 })
	y.Rest("the same image is released anew", func(sd *v1alpha1.SignalDeployment) bool {
		return stage.Succeeded(sd) && sd.Status.Stable.Hash != was.Hash
	})
	if y.SD.Status.Stable.Digest != was.Digest {
		t.Errorf("digest %s, was %s", y.SD.Status.Stable.Digest, was.Digest)
	}
}
