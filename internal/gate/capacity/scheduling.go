package capacity

import (
	"maps"
	"slices"
	"strconv"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// Requested is what the pods on each node request: those that have not ended.
func Requested(pods []corev1.Pod) map[string]corev1.ResourceList {
	all := map[string]corev1.ResourceList{}
	for i := range pods {
		pod := &pods[i]
		if pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		on := all[pod.Spec.NodeName]
		if on == nil {
			on = corev1.ResourceList{}
			all[pod.Spec.NodeName] = on
		}
		for name, amount := range requests(pod.Spec) {
			sum := on[name]
			sum.Add(amount)
			on[name] = sum
		}
	}
	return all
}

// requests are what the scheduler counts of one pod.
func requests(spec corev1.PodSpec) corev1.ResourceList {
	need := corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(1, resource.DecimalSI)}
	for name := range mentioned(spec) {
		if amount := perPod(spec, name, requested); !amount.IsZero() {
			need[name] = amount
		}
	}
	return need
}

// mentioned are the resources that a pod speaks of.
func mentioned(spec corev1.PodSpec) corev1.ResourceList {
	all := corev1.ResourceList{}
	for _, c := range slices.Concat(spec.Containers, spec.InitContainers) {
		maps.Copy(all, c.Resources.Requests)
		maps.Copy(all, c.Resources.Limits)
	}
	if spec.Resources != nil {
		maps.Copy(all, spec.Resources.Requests)
	}
	return all
}

// room is for how many such pods a node has room.
func room(need, has, used corev1.ResourceList) int64 {
	fits := int64(-1)
	for name, amount := range need {
		free := has[name].DeepCopy()
		free.Sub(used[name])
		here := max(free.MilliValue()/max(amount.MilliValue(), 1), 0)
		if fits < 0 || here < fits {
			fits = here
		}
	}
	return max(fits, 0)
}

// admitted reports whether a node may run such pods, by its labels and taints.
func admitted(spec corev1.PodSpec, node corev1.Node) bool {
	return labels.SelectorFromSet(spec.NodeSelector).Matches(labels.Set(node.Labels)) && near(spec.Affinity, node) && tolerated(spec.Tolerations, node.Spec.Taints)
}

func tolerated(tolerations []corev1.Toleration, taints []corev1.Taint) bool {
	return !slices.ContainsFunc(taints, func(taint corev1.Taint) bool {
		return taint.Effect != corev1.TaintEffectPreferNoSchedule && !slices.ContainsFunc(tolerations, func(t corev1.Toleration) bool {
			return t.ToleratesTaint(logr.Discard(), &taint, false)
		})
	})
}

// near reports whether a node is one that the pods must be on: one of the terms
// holds. A term of nothing never does.
func near(affinity *corev1.Affinity, node corev1.Node) bool {
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return true
	}
	terms := affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	return slices.ContainsFunc(terms, func(term corev1.NodeSelectorTerm) bool {
		return len(term.MatchExpressions)+len(term.MatchFields) > 0 &&
			all(term.MatchExpressions, node.Labels) && all(term.MatchFields, map[string]string{"metadata.name": node.Name})
	})
}

var operators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn: selection.In, corev1.NodeSelectorOpNotIn: selection.NotIn,
	corev1.NodeSelectorOpExists: selection.Exists, corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist,
	corev1.NodeSelectorOpGt: selection.GreaterThan, corev1.NodeSelectorOpLt: selection.LessThan,
}

// all reports whether every requirement holds. One that is invalid does not, as
// for the scheduler.
func all(requirements []corev1.NodeSelectorRequirement, of labels.Set) bool {
	for _, r := range requirements {
		values := r.Values
		if number := r.Operator == corev1.NodeSelectorOpGt || r.Operator == corev1.NodeSelectorOpLt; number && len(values) == 1 {
			if _, err := strconv.ParseInt(of[r.Key], 10, 64); err != nil {
				return false
			}
		}
		requirement, err := labels.NewRequirement(r.Key, operators[r.Operator], values)
		if err != nil || !requirement.Matches(of) {
			return false
		}
	}
	return true
}

// unjudged is what a template asks of nodes that is not looked at here.
func unjudged(spec corev1.PodSpec) []string {
	var found []string
	add := func(is bool, what string) {
		if is {
			found = append(found, what)
		}
	}
	a := spec.Affinity
	add(a != nil && a.PodAffinity != nil && len(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0, "podAffinity")
	add(a != nil && a.PodAntiAffinity != nil && len(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0, "podAntiAffinity")
	add(slices.ContainsFunc(spec.TopologySpreadConstraints, func(c corev1.TopologySpreadConstraint) bool {
		return c.WhenUnsatisfiable == corev1.DoNotSchedule
	}), "topologySpreadConstraints")
	add(slices.ContainsFunc(spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort != 0 || spec.HostNetwork })
	}), "host ports")
	add(slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil || v.Ephemeral != nil }), "persistent volumes")
	add(len(spec.ResourceClaims) > 0, "resourceClaims")
	add(spec.SchedulerName != "" && spec.SchedulerName != corev1.DefaultSchedulerName, "schedulerName")
	return found
}
