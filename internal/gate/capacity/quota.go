// Package capacity decides whether there is room for the pods of a release
// while those that serve are still there: in quotas, and on nodes.
package capacity

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Quotas says whether every quota has room for the release's pods at full
// strength.
func Quotas(name string, sd *v1alpha1.SignalDeployment, quotas []corev1.ResourceQuota) verdict.Verdict {
	pods := strength(sd)
	needs := demand(sd.Spec.Template.Spec, pods)
	bare := len(needs) == 2 // pods alone: nothing is requested or limited
	quotas = slices.Clone(quotas)
	slices.SortFunc(quotas, func(a, b corev1.ResourceQuota) int { return strings.Compare(a.Name, b.Name) })
	for _, quota := range quotas {
		if !covers(quota, bare) {
			continue
		}
		what, free := short(quota, needs)
		if what == "" {
			continue
		}
		need := needs[what]
		rests := verdict.Evidence{Value: free.String(), Threshold: ">= " + need.String(), Source: fmt.Sprintf("ResourceQuota %s/%s", sd.Namespace, quota.Name)}
		return verdict.With(wait("QuotaFull", "Gate %q waits for room in ResourceQuota %q: the release adds %d pods, which need %s of %s", name, quota.Name, pods, need.String(), what), rests)
	}
	rests := verdict.Evidence{Value: fmt.Sprintf("%d quotas", len(quotas)), Threshold: fmt.Sprintf("room for %d pods", pods), Source: "ResourceQuotas of namespace " + sd.Namespace}
	return verdict.With(pass("QuotaRoom", "Every ResourceQuota has room for the %d pods that the release adds", pods), rests)
}

// covers reports whether a quota counts the pods of a Deployment, which have no
// deadline.
func covers(quota corev1.ResourceQuota, bare bool) bool {
	if quota.Spec.ScopeSelector != nil {
		return false
	}
	for _, scope := range quota.Spec.Scopes {
		if scope == corev1.ResourceQuotaScopeNotTerminating ||
			scope == corev1.ResourceQuotaScopeBestEffort && bare ||
			scope == corev1.ResourceQuotaScopeNotBestEffort && !bare {
			continue
		}
		return false
	}
	return true
}

// short is the first resource, by name, of which a quota has too little left,
// and how much that is.
func short(quota corev1.ResourceQuota, needs corev1.ResourceList) (corev1.ResourceName, resource.Quantity) {
	for _, name := range slices.Sorted(maps.Keys(quota.Status.Hard)) {
		free := quota.Status.Hard[name].DeepCopy()
		free.Sub(quota.Status.Used[name])
		if need, counted := needs[name]; counted && need.Cmp(free) > 0 {
			return name, free
		}
	}
	return "", resource.Quantity{}
}
