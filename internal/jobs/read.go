package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/owned"
)

// Read is the Job of that name and its pods, the oldest first: it runs one
// after the other. There is no Job where none has been made; one that is not
// the SignalDeployment's own, by owner and label, is an owned.ForeignError.
func Read(ctx context.Context, c client.Reader, sd *v1alpha1.SignalDeployment, name string, podLabels map[string]string) (*batchv1.Job, []corev1.Pod, error) {
	found := &batchv1.Job{}
	err := c.Get(ctx, types.NamespacedName{Namespace: sd.Namespace, Name: name}, found)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read Job %s/%s: %w", sd.Namespace, name, err)
	case !owned.Owns(sd, found) || found.Labels[v1alpha1.LabelName] != sd.Name: // an ownerReference alone anyone may write; the label the guard keeps
		return nil, nil, &owned.ForeignError{Kind: "Job", Name: name, Owner: sd.Name}
	}
	pods := &corev1.PodList{}
	if err := c.List(ctx, pods, client.InNamespace(sd.Namespace), client.MatchingLabels(podLabels)); err != nil {
		return nil, nil, fmt.Errorf("list the pods of Job %s/%s: %w", sd.Namespace, name, err)
	}
	return found, podsOf(found, pods.Items), nil
}

// podsOf are the pods that the Job controls, the oldest first.
func podsOf(of *batchv1.Job, pods []corev1.Pod) []corev1.Pod {
	pods = slices.DeleteFunc(pods, func(pod corev1.Pod) bool { return !metav1.IsControlledBy(&pod, of) })
	slices.SortFunc(pods, func(a, b corev1.Pod) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	return pods
}

// Encode is a value as JSON without a dollar sign, since kubelet takes $(NAME)
// in an environment variable for another one.
func Encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("jobs: encode %T: %v", value, err)) // API types always encode
	}
	return strings.ReplaceAll(string(text), "$", `\u0024`)
}
