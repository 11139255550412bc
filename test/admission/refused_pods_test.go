package admission_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/signal-delivery/operator/internal/release"
)

// TestPodsAreOfTheRelease tries to have pods of another making take its
// traffic, or answer for its checks.
func TestPodsAreOfTheRelease(t *testing.T) {
	t.Parallel()
	const only, given = "only Kubernetes makes pods and ReplicaSets with labels", "are not given by hand"
	const pinned, set = "the images of a release are pinned", "a release does not change, nor does its ReplicaSet"
	refused(t, map[string]refusal{
		"a pod that would take traffic": {create(func(m *made) client.Object {
			return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: m.sd.Namespace, Name: "evil", Labels: release.Selector(m.sd.Name, m.rel.Hash)}, Spec: container()}
		}), only},
		"a pod that says whose it is": {create(func(m *made) client.Object {
			set := m.objects["replicaset"].(*appsv1.ReplicaSet)
			return podOf(set, "ReplicaSet", set.Spec.Template, "evil")
		}), only},
		"a pod that answers for a check": {create(func(m *made) client.Object {
			p := m.objects["check pod"].(*corev1.Pod)
			return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "evil", Labels: p.Labels, OwnerReferences: p.OwnerReferences}, Spec: container()}
		}), only},
		"one's own pod given the labels":           {merge("own pod", `{"metadata":{"labels":{"delivery.signal.dev/name":"app","delivery.signal.dev/release":"%HASH%"}}}`), given},
		"the same through its status":              {status("own pod", `{"metadata":{"labels":{"delivery.signal.dev/name":"app","delivery.signal.dev/release":"%HASH%"}}}`), given},
		"one's own pod made a check's":             {merge("own pod", `{"metadata":{"labels":{"delivery.signal.dev/attempt":"1"}}}`), given},
		"a pod moved to another release":           {merge("pod", `{"metadata":{"labels":{"delivery.signal.dev/release":"0000000000"}}}`), given},
		"a check's pod moved to another attempt":   {merge("check pod", `{"metadata":{"labels":{"delivery.signal.dev/attempt":"2"}}}`), given},
		"the image of a pod":                       {strategic("pod", `{"spec":{"containers":[{"name":"app","image":"evil"}]}}`), pinned},
		"the image of a check's pod":               {strategic("check pod", `{"spec":{"containers":[{"name":"check","image":"evil"}]}}`), pinned},
		"the template of a ReplicaSet":             {strategic("replicaset", `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"evil"}]}}}}`), set},
		"a ReplicaSet moved to another release":    {merge("replicaset", `{"metadata":{"labels":{"delivery.signal.dev/release":"0000000000"}}}`), given},
		"the same through the ReplicaSet's status": {status("replicaset", `{"metadata":{"labels":{"delivery.signal.dev/release":"0000000000"}}}`), given},
		"a ReplicaSet beside the release's": {create(func(m *made) client.Object {
			return replicaSet(m.objects["deployment"].(*appsv1.Deployment), "0000")
		}), only},
	})
}

// TestPodsOfOtherWorkloads are refused to Kubernetes' own controllers, which
// make them for whoever put a release's labels into a template.
func TestPodsOfOtherWorkloads(t *testing.T) {
	t.Parallel()
	for by, g := range guards {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			deployment := g.objects["deployment"].(*appsv1.Deployment)
			for name, tc := range map[string]struct {
				user string
				pod  *corev1.Pod
			}{
				"of a ReplicaSet of another name":    {"replicaset-controller", podOf(named("evil"), "ReplicaSet", replicaSet(deployment, "5d4f").Spec.Template, "evil")},
				"of a ReplicaSet of another release": {"replicaset-controller", podOf(named("app-0000000000-5d4f"), "ReplicaSet", replicaSet(deployment, "5d4f").Spec.Template, "evil")},
				"of a Job":                           {"job-controller", podOf(named(deployment.Name+"-5d4f"), "Job", replicaSet(deployment, "5d4f").Spec.Template, "evil")},
				"of nothing":                         {"replicaset-controller", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "evil", Labels: deployment.Spec.Template.Labels}, Spec: container()}},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					err := g.dry(system+tc.user).Create(t.Context(), tc.pod)
					wantRefused(t, tc.user, err, "leave the labels delivery.signal.dev/* out of the pod template of your own workload")
				})
			}
		})
	}
}

func named(name string) client.Object {
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: name, UID: "any"}}
}
