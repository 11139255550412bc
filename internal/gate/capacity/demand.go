package capacity

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// strength is how many pods the release adds: as many as serve.
func strength(sd *v1alpha1.SignalDeployment) int64 {
	if n := sd.Spec.Replicas; n != nil {
		return max(int64(*n), 1)
	}
	return 1
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

func pass(reason, format string, args ...any) verdict.Verdict {
	return verdict.Pass(v1alpha1.SignalGate, reason, format, args...)
}

func wait(reason, format string, args ...any) verdict.Verdict {
	return verdict.Wait(v1alpha1.SignalGate, reason, format, args...)
}
