package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/release"
	"github.com/signal-delivery/operator/internal/verdict"
)

// running is a release's Deployment as the cluster has it.
func running(hash string, replicas int32, status appsv1.DeploymentStatus) *appsv1.Deployment {
	d := Deployment(deployment(), v1alpha1.Release{Hash: hash, Digest: digest}, replicas)
	own(d)
	d.Generation, d.Status = 2, status
	return d
}

func own(object metav1.Object) {
	object.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(deployment(), v1alpha1.GroupVersion.WithKind("SignalDeployment"))})
}

// pod is a pod of a release, with one container.
func pod(hash, suffix string, container corev1.ContainerStatus) *corev1.Pod {
	container.Name = "main"
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: release.DeploymentName("app", hash) + "-" + suffix, Namespace: "prod", Labels: release.Selector("app", hash)},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{container}},
	}
}

// templated is a pod of ddd that was made of a template.
func templated(suffix, template string) *corev1.Pod {
	p := pod("ddd", suffix, corev1.ContainerStatus{})
	p.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = template
	return p
}

func crashed(restarts int32) corev1.ContainerStatus {
	return corev1.ContainerStatus{RestartCount: restarts, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}}
}

func TestRead(t *testing.T) {
	foreign := running("fff", 1, appsv1.DeploymentStatus{})
	foreign.OwnerReferences = nil
	unnamed := running("ggg", 1, appsv1.DeploymentStatus{})
	delete(unnamed.Labels, v1alpha1.LabelRelease)
	delete(unnamed.Spec.Selector.MatchLabels, v1alpha1.LabelRelease)
	relabelled := running("eee", 1, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, ReadyReplicas: 1})
	relabelled.Labels[v1alpha1.LabelRelease] = "aaa" // what it runs is said by its selector, which cannot be changed
	byDefault := running("ccc", 1, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 1, ReadyReplicas: 1, AvailableReplicas: 0})
	byDefault.Spec.Replicas = nil
	check := pod("aaa", "smoke", crashed(9))
	check.Labels[v1alpha1.LabelCheck] = "smoke"
	evicted := pod("aaa", "evicted", crashed(9))
	evicted.Status.Phase = corev1.PodFailed
	going := pod("aaa", "going", crashed(9))
	going.DeletionTimestamp, going.Finalizers = new(metav1.Unix(1, 0)), []string{"x/y"}
	objects := []client.Object{
		running("aaa", 2, appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 3, ReadyReplicas: 2}),
		running("bbb", 4, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, ReadyReplicas: 2}), // has just been scaled up
		running("ddd", 1, appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 3, ReadyReplicas: 3}), // has just been scaled down
		byDefault, foreign, unnamed, relabelled, check, evicted, going, pod("bbb", "x", crashed(3)), templated("p", "t2"), templated("q", "t1"), templated("r", "t1"),
	}
	passed := func(count int32, name string) verdict.Verdict {
		return verdict.Named(verdict.Pass(v1alpha1.SignalWorkload, ReasonReady, "All %d pods of Deployment %q are ready", count, name), name)
	}
	loop := verdict.Fail(v1alpha1.SignalWorkload, ReasonCrashLooping,
		`Container "main" of pod "app-bbb-x" crashes again and again: it last ended with an unknown exit code; see kubectl logs -n prod app-bbb-x -c main --previous`)
	loop = verdict.With(verdict.Named(loop, "app-bbb"), verdict.Evidence{Value: "an unknown exit code", Source: "Pod prod/app-bbb-x, container main"})
	want := map[string]Side{
		"aaa": {Desired: 2, Created: 3, Ready: 2, Verdict: passed(2, "app-aaa")},
		"bbb": {Desired: 4, Created: 2, Ready: 2, Verdict: loop},
		"ccc": {Desired: 1, Created: 1, Ready: 1, Verdict: passed(1, "app-ccc")},
		"ddd": {Desired: 1, Created: 3, Ready: 1, Verdict: passed(1, "app-ddd"), Templates: []string{"t1", "t2"}},
		"eee": {Desired: 1, Created: 1, Ready: 1, Verdict: passed(1, "app-eee")},
	}
	got, err := Read(t.Context(), fake.NewClientBuilder().WithObjects(objects...).Build(), deployment())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{}
	for hash, side := range got {
		for _, pod := range side.Pods {
			names[hash] = append(names[hash], pod.Name)
		}
		side.Pods = nil
		got[hash] = side
	}
	if diff := cmp.Diff(map[string][]string{"bbb": {"app-bbb-x"}, "ddd": {"app-ddd-p", "app-ddd-q", "app-ddd-r"}}, names); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
}
