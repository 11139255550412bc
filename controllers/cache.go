package controllers

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Cache is what the operator keeps of the cluster in memory: of the given
// namespaces, or of all when there are none, and without the bookkeeping that
// nothing here reads. An unplanned read fails rather than start to watch.
func Cache(namespaces []string) cache.Options {
	o := cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(), ReaderFailOnMissingInformer: false,
		ByObject: map[client.Object]cache.ByObject{&corev1.Node{}: {Transform: slim}},
	}
	if len(namespaces) == 0 {
		return o
	}
	o.DefaultNamespaces = map[string]cache.Config{}
	for _, namespace := range namespaces {
		o.DefaultNamespaces[namespace] = cache.Config{}
	}
	return o
}

// slim keeps of a node what gates judge it by; most of one is its images.
func slim(object any) (any, error) {
	node, is := object.(*corev1.Node)
	if !is {
		return object, nil
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion, Labels: node.Labels},
		Spec:       corev1.NodeSpec{Unschedulable: node.Spec.Unschedulable, Taints: node.Spec.Taints},
		Status:     corev1.NodeStatus{Conditions: node.Status.Conditions, Allocatable: node.Status.Allocatable},
	}, nil
}
