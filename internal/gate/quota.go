package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/signal-delivery/operator/internal/verdict"
)

// roomy says whether every quota has room for the release's pods at full
// strength, while those that serve are still there.
func roomy(name string, f Facts) verdict.Verdict {
	pods := int64(1)
	if n := f.Object.Spec.Replicas; n != nil {
		pods = max(int64(*n), 1)
	}
	needs := demand(f.Object.Spec.Template.Spec, pods)
	bare := len(needs) == 2 // pods alone: nothing is requested or limited
	quotas := slices.Clone(f.Quotas)
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
		rests := verdict.Evidence{Value: free.String(), Threshold: ">= " + need.String(), Source: fmt.Sprintf("ResourceQuota %s/%s", f.Object.Namespace, quota.Name)}
		return verdict.With(wait("QuotaFull", "Gate %q waits for room in ResourceQuota %q: the release adds %d pods, which need %s of %s", name, quota.Name, pods, need.String(), what), rests)
	}
	rests := verdict.Evidence{Value: fmt.Sprintf("%d quotas", len(quotas)), Threshold: fmt.Sprintf("room for %d pods", pods), Source: "ResourceQuotas of namespace " + f.Object.Namespace}
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

// counted are the resources that are counted, beside pods.
var counted = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}

// demand is what pods of a template need, by the names that quotas have for it.
func demand(spec corev1.PodSpec, pods int64) corev1.ResourceList {
	needs := corev1.ResourceList{
		corev1.ResourcePods: *resource.NewQuantity(pods, resource.DecimalSI),
		"count/pods":        *resource.NewQuantity(pods, resource.DecimalSI),
	}
	for _, name := range counted {
		if request := perPod(spec, name, requested); !request.IsZero() {
			request.Mul(pods)
			needs[name], needs["requests."+name] = request, request.DeepCopy()
		}
		if limit := perPod(spec, name, limited); !limit.IsZero() {
			limit.Mul(pods)
			needs["limits."+name] = limit
		}
	}
	return needs
}

// perPod is how much of a resource a pod needs: its containers together, or
// an init container beside the sidecars that start before it, if that is more.
func perPod(spec corev1.PodSpec, name corev1.ResourceName, of func(corev1.ResourceRequirements, corev1.ResourceName) resource.Quantity) resource.Quantity {
	var all, sidecars, peak resource.Quantity
	for _, c := range spec.Containers {
		all.Add(of(c.Resources, name))
	}
	for _, c := range spec.InitContainers {
		starting := of(c.Resources, name)
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			all.Add(starting)
			sidecars.Add(starting)
			continue
		}
		starting.Add(sidecars)
		if starting.Cmp(peak) > 0 {
			peak = starting
		}
	}
	if peak.Cmp(all) > 0 {
		all = peak
	}
	if spec.Resources != nil {
		if whole := of(*spec.Resources, name); !whole.IsZero() {
			all = whole
		}
	}
	if !all.IsZero() {
		all.Add(spec.Overhead[name])
	}
	return all
}

// requested is what a container requests: what it is limited to, if it does
// not say.
func requested(r corev1.ResourceRequirements, name corev1.ResourceName) resource.Quantity {
	if request, says := r.Requests[name]; says {
		return request.DeepCopy()
	}
	return limited(r, name)
}

func limited(r corev1.ResourceRequirements, name corev1.ResourceName) resource.Quantity {
	return r.Limits[name].DeepCopy()
}
