package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/jobs"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
)

const (
	partLoadTest = "load"
	envLoadTest  = "SIGNAL_LOAD_TEST"
	// labelLoadTest is no check's name: it has a dot.
	labelLoadTest = "load.test"
	// muster is how long workers have to start, so that they begin together.
	muster = 15 * time.Second
)

// EnsureLoadTest starts the workers of the load test once for each attempt; a
// foreign Job of the name of one is an owned.ForeignError.
func EnsureLoadTest(ctx context.Context, c client.Client, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, since time.Time, sides Sides, proberImage string) error {
	if proberImage == "" {
		return errors.New("start the load test: the operator was started without --prober-image")
	}
	var problems []error
	for worker := range workers(sd) {
		problems = append(problems, owned.Create(ctx, c, sd, LoadTest(sd, rel, worker, since, sides, proberImage)))
	}
	return errors.Join(problems...)
}

// workers is how many Jobs share the load.
func workers(sd *v1alpha1.SignalDeployment) int { return int(max(1, sd.Spec.Checks.Load.Test.Workers)) }

// LoadTest is the Job that sends one worker's share of the load test of one
// attempt. Its name is a function of (release, attempt, worker), so that asking
// twice creates once. When all are to begin follows from when the checks did,
// which is remembered. A Job that was lost is not tried again: its share would
// come when the others have ended.
func LoadTest(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, worker int, since time.Time, sides Sides, proberImage string) *batchv1.Job {
	spec := sd.Spec.Checks.Load.Test
	labels := release.Labels(sd.Name)
	labels[v1alpha1.LabelRelease] = rel.Hash
	labels[v1alpha1.LabelAttempt] = strconv.Itoa(int(rel.Attempt))
	labels[v1alpha1.LabelCheck] = labelLoadTest
	c := jobs.Prober(proberImage, spec.TimeoutSeconds, "load", "test")
	c.Env = append(c.Env,
		corev1.EnvVar{Name: jobs.EnvTarget, Value: "http://" + net.JoinHostPort(sides.Canary, strconv.Itoa(int(portOf(sd, spec.Port))))},
		corev1.EnvVar{Name: jobs.EnvHost, Value: sides.Host},
		corev1.EnvVar{Name: jobs.EnvReleaseID, Value: rel.ID},
		corev1.EnvVar{Name: "SIGNAL_WORKER", Value: strconv.Itoa(worker)},
		corev1.EnvVar{Name: envLoadTest, Value: jobs.Encode(spec)},
	)
	if spec.Workers > 1 {
		c.Env = append(c.Env, corev1.EnvVar{Name: "SIGNAL_START", Value: since.Add(muster).UTC().Format(time.RFC3339)})
	}
	c.Resources = corev1.ResourceRequirements{ // sending takes more than asking
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("256Mi")},
	}
	return jobs.Job{
		Namespace: sd.Namespace, Name: loadTestName(sd, rel, worker),
		Labels: labels, PodLabels: podLabels(sd, rel, loadTestCheck(spec)), TimeoutSeconds: spec.TimeoutSeconds,
		PullSecrets: sd.Spec.Template.Spec.ImagePullSecrets, Container: c,
	}.Build()
}

func loadTestName(sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, worker int) string {
	return release.LoadName(sd.Name, rel.Hash, rel.Attempt, fmt.Sprintf("load-%d", worker))
}

// loadTestCheck is the load test as one check among others.
func loadTestCheck(spec *v1alpha1.LoadTest) v1alpha1.SmokeCheck {
	return v1alpha1.SmokeCheck{Name: labelLoadTest, TimeoutSeconds: spec.TimeoutSeconds}
}
