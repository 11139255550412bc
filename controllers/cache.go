package controllers

import (
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// Cache is what the operator keeps of the cluster in memory: of the given
// namespaces, or of all when there are none, and without the bookkeeping that
// nothing here reads. An unplanned read fails rather than start to watch.
func Cache(namespaces []string) cache.Options {
	o := cache.Options{DefaultTransform: cache.TransformStripManagedFields(), ReaderFailOnMissingInformer: false}
	if len(namespaces) == 0 {
		return o
	}
	o.DefaultNamespaces = map[string]cache.Config{}
	for _, namespace := range namespaces {
		o.DefaultNamespaces[namespace] = cache.Config{}
	}
	return o
}
