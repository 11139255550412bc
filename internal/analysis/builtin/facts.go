package builtin

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	corev1 "k8s.io/api/core/v1"

	"github.com/signal-delivery/operator/internal/series"
)

// facts are what the cluster says of a pod.
type facts struct {
	builder *labels.Builder
	own     labels.Labels // of the pod
	all     []series.Sample
}

// facts are under the names and labels of kube-state-metrics, with the labels
// of the pod's own samples but for the instance: they are of the pod, which has
// an address later, or never.
func (m member) facts() []series.Sample {
	f := &facts{
		builder: labels.NewBuilder(labels.EmptyLabels()),
		own:     labels.FromMap(m.target.identity(map[string]string{"uid": m.target.uid})),
	}
	for _, c := range m.pod.Status.Conditions {
		f.condition(c)
	}
	for _, c := range m.pod.Status.ContainerStatuses {
		f.status(c)
	}
	for _, c := range m.pod.Spec.Containers {
		f.resources("kube_pod_container_resource_limits", c.Name, c.Resources.Limits)
		f.resources("kube_pod_container_resource_requests", c.Name, c.Resources.Requests)
	}
	return f.all
}

// add a fact with labels of its own: names, each followed by its value.
func (f *facts) add(value float64, name string, own ...string) {
	f.builder.Reset(f.own)
	f.builder.Set(model.MetricNameLabel, name)
	for i := 0; i+1 < len(own); i += 2 {
		f.builder.Set(own[i], own[i+1])
	}
	f.all = append(f.all, series.Sample{Labels: f.builder.Labels(), Value: value})
}

func (f *facts) condition(c corev1.PodCondition) {
	if c.Type != corev1.PodReady {
		return
	}
	for _, is := range []corev1.ConditionStatus{corev1.ConditionTrue, corev1.ConditionFalse, corev1.ConditionUnknown} {
		f.add(truth(c.Status == is), "kube_pod_status_ready", "condition", strings.ToLower(string(is)))
	}
}

func (f *facts) status(c corev1.ContainerStatus) {
	f.add(float64(c.RestartCount), "kube_pod_container_status_restarts_total", "container", c.Name)
	if waiting := c.State.Waiting; waiting != nil && waiting.Reason != "" {
		f.add(1, "kube_pod_container_status_waiting_reason", "container", c.Name, "reason", waiting.Reason)
	}
	if ended := c.LastTerminationState.Terminated; ended != nil && ended.Reason != "" {
		f.add(1, "kube_pod_container_status_last_terminated_reason", "container", c.Name, "reason", ended.Reason)
	}
}

func (f *facts) resources(name, container string, list corev1.ResourceList) {
	for _, resource := range slices.Sorted(maps.Keys(list)) {
		quantity := list[resource]
		f.add(quantity.AsApproximateFloat64(), name, "container", container, "resource", sanitized(resource), "unit", unit(resource))
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

var notOfALabel = regexp.MustCompile(`[^a-zA-Z0-9_]`)

func sanitized(name corev1.ResourceName) string {
	return notOfALabel.ReplaceAllString(string(name), "_")
}

// unit is what the resource is counted in.
func unit(name corev1.ResourceName) string {
	switch {
	case name == corev1.ResourceCPU:
		return "core"
	case name == corev1.ResourceMemory, name == corev1.ResourceStorage, name == corev1.ResourceEphemeralStorage,
		strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix):
		return "byte"
	}
	return "integer"
}
