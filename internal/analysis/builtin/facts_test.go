package builtin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/signal-delivery/operator/internal/series"
)

// lines are samples as text, sorted, without the labels that all have.
func lines(samples []series.Sample) []string {
	common := strings.NewReplacer(
		`, delivery_signal_dev_name="app"`, "", `, delivery_signal_dev_release="new"`, "", `delivery_signal_dev_name="app", `, "", `delivery_signal_dev_release="new", `, "",
		`, job="prod/app"`, "", `, namespace="prod"`, "", `, pod="a"`, "", `, release="new"`, "", `, service="app"`, "", `, track="candidate"`, "",
		`, uid="uid-a"`, "", `, instance="10.0.0.1:8080"`, "",
	)
	all := make([]string, 0, len(samples))
	for _, s := range samples {
		value := fmt.Sprint(s.Value)
		if s.Histogram != nil {
			value = s.Histogram.String()
		}
		all = append(all, common.Replace(s.Labels.String())+" "+value)
	}
	slices.Sort(all)
	return all
}

func TestFactsOfAPod(t *testing.T) {
	p := pod("a", "new", "10.0.0.1", func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: "True"}, {Type: corev1.PodReady, Status: "False"}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{
			{
				Name: "signal", RestartCount: 3,
				State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled"}},
			},
			{Name: "calm", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}},
		}
		p.Spec.Containers[0].Resources = corev1.ResourceRequirements{
			Limits: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("64Mi"),
				"hugepages-2Mi": resource.MustParse("4Mi"), "example.com/gpu": resource.MustParse("2"),
			},
			Requests: corev1.ResourceList{corev1.ResourceEphemeralStorage: resource.MustParse("1k"), corev1.ResourceStorage: resource.MustParse("2k")},
		}
	})
	facts := subjectWith(p).members()[0].facts()
	want := []string{
		`{__name__="kube_pod_container_resource_limits", container="signal", resource="cpu", unit="core"} 0.25`,
		`{__name__="kube_pod_container_resource_limits", container="signal", resource="example_com_gpu", unit="integer"} 2`,
		`{__name__="kube_pod_container_resource_limits", container="signal", resource="hugepages_2Mi", unit="byte"} 4.194304e+06`,
		`{__name__="kube_pod_container_resource_limits", container="signal", resource="memory", unit="byte"} 6.7108864e+07`,
		`{__name__="kube_pod_container_resource_requests", container="signal", resource="ephemeral_storage", unit="byte"} 1000`,
		`{__name__="kube_pod_container_resource_requests", container="signal", resource="storage", unit="byte"} 2000`,
		`{__name__="kube_pod_container_status_last_terminated_reason", container="signal", reason="OOMKilled"} 1`,
		`{__name__="kube_pod_container_status_restarts_total", container="calm"} 0`,
		`{__name__="kube_pod_container_status_restarts_total", container="signal"} 3`,
		`{__name__="kube_pod_container_status_waiting_reason", container="signal", reason="CrashLoopBackOff"} 1`,
		`{__name__="kube_pod_status_ready", condition="false"} 1`,
		`{__name__="kube_pod_status_ready", condition="true"} 0`,
		`{__name__="kube_pod_status_ready", condition="unknown"} 0`,
	}
	if diff := cmp.Diff(want, lines(facts)); diff != "" {
		t.Error(diff)
	}
	whole := `{__name__="kube_pod_status_ready", condition="true", delivery_signal_dev_name="app", delivery_signal_dev_release="new", job="prod/app", ` +
		`namespace="prod", pod="a", release="new", service="app", track="candidate", uid="uid-a"}`
	if got := facts[0].Labels.String(); got != whole {
		t.Errorf("got  %s\nwant %s", got, whole)
	}
}
