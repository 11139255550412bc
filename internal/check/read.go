package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Read answers with a verdict for each check of the spec, in its order.
func Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release) ([]verdict.Verdict, error) {
	verdicts := make([]verdict.Verdict, 0, len(sd.Spec.Checks.Smoke))
	for _, check := range sd.Spec.Checks.Smoke {
		v, err := readOne(ctx, c, sd, rel, check)
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, verdict.Named(v, check.Name))
	}
	return verdicts, nil
}

func readOne(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, rel v1alpha1.Release, check v1alpha1.SmokeCheck) (verdict.Verdict, error) {
	name := release.JobName(sd.Name, rel.Hash, rel.Attempt, check.Name)
	job := &batchv1.Job{}
	err := c.Get(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: name}, job)
	switch {
	case apierrors.IsNotFound(err):
		return wait(ReasonRunning, "Check %q is about to start", check.Name), nil
	case err != nil:
		return verdict.Verdict{}, fmt.Errorf("read Job %s/%s: %w", sd.Namespace, name, err)
	case !owned.Owns(sd, job):
		return wait(ReasonForeign, "Job %q exists and does not belong to this SignalDeployment, so it does not speak for check %q: delete it", name, check.Name), nil
	}
	pods := &corev1.PodList{}
	if err := c.List(ctx, pods, client.InNamespace(sd.Namespace), client.MatchingLabels(podLabels(sd, rel, check))); err != nil {
		return verdict.Verdict{}, fmt.Errorf("list the pods of Job %s/%s: %w", sd.Namespace, name, err)
	}
	return judge(check, job, podsOf(job, pods.Items)), nil
}

// podsOf are the pods that the Job controls, the oldest first: it runs one
// after the other.
func podsOf(job *batchv1.Job, pods []corev1.Pod) []corev1.Pod {
	pods = slices.DeleteFunc(pods, func(pod corev1.Pod) bool { return !metav1.IsControlledBy(&pod, job) })
	slices.SortFunc(pods, func(a, b corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return pods
}
