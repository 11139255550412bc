package library

// pod begins the summaries on one pod.
const pod = `Pod {{ $labels.namespace }}/{{ $labels.pod }} `

// pods are the rules on what carries the service.
var pods = []rule{
	{
		alert: "SignalSaturated", severity: warning, hold: "30s",
		expr: saturated("cpu", largest(`rate(process_cpu_seconds_total{`+own+`}[${window}])`)+` / `+limits("cpu")+` > ${cpu}`) + ` or ` +
			saturated("memory", largest(`process_resident_memory_bytes{`+own+`}`)+` / `+limits("memory")+` > ${memory}`) + ` or ` +
			saturated("throttling", periods("throttled_periods")+` / `+periods("periods")+` > ${throttling}`) + ` or ` +
			saturated("goroutines", largest(`go_goroutines{`+own+`}`)+` > ${goroutines}`) + ` or ` +
			saturated("file_descriptors", largest(`process_open_fds{`+own+`} / process_max_fds{`+own+`}`)+` > ${fileDescriptors}`),
		limits:      []limit{{"cpu", "0.9"}, {"memory", "0.9"}, {"throttling", "0.25"}, {"goroutines", "10000"}, {"fileDescriptors", "0.8"}},
		summary:     pod + `is short of {{ $labels.resource }}: {{ $value | humanize }}`,
		description: `Above ${cpu} of its CPU limit, above ${memory} of its memory limit, throttled in more than ${throttling} of all periods, more than ${goroutines} goroutines, or more than ${fileDescriptors} of the file descriptors that it may open.`,
	},
	{
		alert: "SignalRestarting", severity: warning,
		expr:        ofPods(`sum by (`+byProcess+`) (round(increase(kube_pod_container_status_restarts_total{`+ownPods+`}[10m])))`) + ` >= ${restarts}`,
		limits:      []limit{{"restarts", "1"}},
		summary:     pod + `restarts: {{ $value | humanize }} times in 10m`,
		description: `A container restarted at least ${restarts} times in the last 10m.`,
	},
	{
		// The reason stays when all is well again: a restart says that it is new.
		alert: "SignalOutOfMemory", severity: critical,
		expr: ofPods(`max by (` + byProcess + `) (kube_pod_container_status_last_terminated_reason{` + ownPods + `,reason="OOMKilled"}) >= 1 and on (` + byProcess +
			`) changes(kube_pod_container_status_restarts_total{` + ownPods + `}[10m]) > 0`),
		summary:     pod + `was killed for want of memory`,
		description: `A container went beyond its memory limit, was killed and restarted within the last 10m.`,
	},
	{
		alert: "SignalCrashLooping", severity: critical,
		expr: ofPods(`max by (` + byProcess + `) (max_over_time(kube_pod_container_status_waiting_reason{` + ownPods + `,reason="CrashLoopBackOff"}[${window}])) >= 1 and on (` +
			byProcess + `) kube_pod_container_status_restarts_total{` + ownPods + `}`),
		summary:     pod + `crashes again and again`,
		description: `A container was kept from restarting in the last ${window}, as it had crashed too often.`,
	},
	{
		alert: "SignalReadinessFlapping", severity: warning,
		expr:        ofPods(`max by (`+byPod+`) (changes(kube_pod_status_ready{`+ownPods+`,condition="true"}[10m]))`) + ` > ${changes}`,
		limits:      []limit{{"changes", "4"}},
		summary:     pod + `became ready or unready {{ $value }} times in 10m`,
		description: `Readiness changed more than ${changes} times in the last 10m.`,
	},
}

// saturated is a condition on one resource of pods.
func saturated(resource, condition string) string {
	return as("resource", resource, ofPods(condition))
}

// largest is a pod's, of the processes that it has metrics of: those of
// sidecars are smaller.
func largest(expr string) string { return `max by (` + byPod + `) (` + expr + `)` }

// limits are those of pods: of the container that may have most.
func limits(resource string) string {
	return largest(`kube_pod_container_resource_limits{` + ownPods + `,resource="` + resource + `"}`)
}

// periods are those in which the kernel gave containers CPU time.
func periods(which string) string {
	return `sum by (` + byPod + `) (increase(container_cpu_cfs_` + which + `_total{` + ownPods + `,container!=""}[${window}]))`
}
