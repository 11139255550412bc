package library_test

import (
	"time"

	"github.com/signal-delivery/operator/internal/alert/library"
)

// podSays is an alert on a pod of the new release.
func podSays(labels, value, text string) []string {
	return []string{labels + ": " + value + ": Pod prod/app-bbbbbbbbbb-6d4c-x1 " + text}
}

// short is that a pod lacks a resource.
func short(resource, value, text string) []string {
	return podSays("pod=app-bbbbbbbbbb-6d4c-x1 release=new resource="+resource+" severity=warning", value, "is short of "+resource+": "+text)
}

// container is an alert on a container, or on its pod.
func container(severity, value, text string) []string {
	return podSays("container=app pod=app-bbbbbbbbbb-6d4c-x1 release=new severity="+severity, value, text)
}

var podStories = map[string]map[string]story{
	"SignalSaturated": {
		"CPU, just": {
			series: `process_cpu_seconds_total{$new,job="sidecar"} 0+0.5x24
				process_cpu_seconds_total{$new,job="app"} 0+9.5x24
				kube_pod_container_resource_limits{$state,resource="cpu"} 2x24
				kube_pod_container_resource_limits{namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1",container="sidecar",resource="cpu"} 1x24
				kube_pod_container_resource_limits{$state,resource="memory"} 1e9x24`,
			want: short("cpu", "0.95", "950m"),
		},
		"CPU, not quite": {
			series: `process_cpu_seconds_total{$new} 0+8.8x24
				kube_pod_container_resource_limits{$state,resource="cpu"} 2x24`,
		},
		"CPU, nine tenths": {
			series: `process_cpu_seconds_total{$new} 0+9x24
				kube_pod_container_resource_limits{$state,resource="cpu"} 1x24`,
			every: 10 * time.Second,
		},
		"CPU, more than a minute ago": {
			series: `process_cpu_seconds_total{$new} 0+50x11 550x13
				kube_pod_container_resource_limits{$state,resource="cpu"} 2x24`,
		},
		"CPU, half a minute ago": {
			series: `process_cpu_seconds_total{$new} 0+50x17 850x7
				kube_pod_container_resource_limits{$state,resource="cpu"} 2x24`,
			want: short("cpu", "1.81818", "1.818"),
		},
		"memory, just": {
			series: `process_resident_memory_bytes{$new} 950x24
				kube_pod_container_resource_limits{$state,resource="memory"} 1000x24
				kube_pod_container_resource_limits{$state,resource="cpu"} 2000x24`,
			want: short("memory", "0.95", "950m"),
		},
		"memory, not quite": {
			series: `process_resident_memory_bytes{$new} 900x24
				kube_pod_container_resource_limits{$state,resource="memory"} 1000x24`,
		},
		"memory, with a sidecar": {
			series: `process_resident_memory_bytes{$new,job="app"} 950x24
				process_resident_memory_bytes{$new,job="sidecar"} 10x24
				kube_pod_container_resource_limits{$state,resource="memory"} 1000x24
				kube_pod_container_resource_limits{namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1",container="sidecar",resource="memory"} 100x24`,
			want: short("memory", "0.95", "950m"),
		},
		"throttling, just": {
			series: `container_cpu_cfs_throttled_periods_total{$state} 0+13x24
				container_cpu_cfs_throttled_periods_total{namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1",container="sidecar"} 0+13x24
				container_cpu_cfs_periods_total{$state} 0+50x24
				container_cpu_cfs_periods_total{namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1",container="sidecar"} 0+50x24`,
			want: short("throttling", "0.26", "260m"),
		},
		"throttling, not quite": {
			series: `container_cpu_cfs_throttled_periods_total{$state} 0+25x24
				container_cpu_cfs_periods_total{$state} 0+100x24`,
		},
		"throttling, of the pod as a whole": {
			series: `container_cpu_cfs_throttled_periods_total{namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1"} 0+100x24
				container_cpu_cfs_throttled_periods_total{$state} 0+1x24
				container_cpu_cfs_periods_total{$state} 0+100x24`,
		},
		"throttling, but for what is not of a container": {
			series: `container_cpu_cfs_throttled_periods_total{$state} 0+30x24
				container_cpu_cfs_periods_total{namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1"} 0+100x24
				container_cpu_cfs_periods_total{$state} 0+100x24`,
			want: short("throttling", "0.3", "300m"),
		},
		"throttling, more than a minute ago": {
			series: `container_cpu_cfs_throttled_periods_total{$state} 0+100x11 1100x13
				container_cpu_cfs_periods_total{$state} 0+100x24`,
		},
		"throttling, half a minute ago": {
			series: `container_cpu_cfs_throttled_periods_total{$state} 0+100x17 1700x7
				container_cpu_cfs_periods_total{$state} 0+100x17 1700+50x7`,
			want: short("throttling", "0.571429", "571.4m"),
		},
		"goroutines, just": {
			series: `go_goroutines{$new,job="app"} 10001x24
				go_goroutines{$new,job="sidecar"} 10x24`,
			want: short("goroutines", "10001", "10k"),
		},
		"goroutines, not quite": {
			series: `go_goroutines{$new} 10000x24`,
		},
		"file descriptors, just": {
			series: `process_open_fds{$new,job="app"} 85x24
				process_open_fds{$new,job="sidecar"} 5x24
				process_max_fds{$new,job="app"} 100x24
				process_max_fds{$new,job="sidecar"} 100x24`,
			want: short("file_descriptors", "0.85", "850m"),
		},
		"file descriptors, not quite": {
			series: `process_open_fds{$new} 80x24
				process_max_fds{$new} 100x24`,
		},
		"for 30 s": {
			series: `go_goroutines{$new} 1x17 20000x7`,
			want:   short("goroutines", "20000", "20k"),
		},
		"for 25 s": {
			series: `go_goroutines{$new} 1x18 20000x6`,
		},
		"several of them, in a Prometheus": {
			series: `process_resident_memory_bytes{$day2} 999x24
				process_cpu_seconds_total{$day2} 0+28.5x24
				kube_pod_container_resource_limits{$state,resource="memory"} 1000x24
				kube_pod_container_resource_limits{$state,resource="cpu"} 2x24`,
			every: 15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow,
			want: append(short("cpu", "0.95", "950m"), short("memory", "0.999", "999m")...),
		},
	},
	"SignalRestarting": {
		"never": {series: `kube_pod_container_status_restarts_total{$state} 3x24`},
		"once": {
			series: `kube_pod_container_status_restarts_total{$state} 3x12 4x12`,
			want:   container("warning", "1", "restarts: 1 times in 10m"),
		},
		"in the ninth minute before": {
			series: `kube_pod_container_status_restarts_total{$state} 3x10 4x72`, every: 10 * time.Second, at: 11*time.Minute + 30*time.Second,
			want: container("warning", "1", "restarts: 1 times in 10m"),
		},
		"in the eleventh minute before": {
			series: `kube_pod_container_status_restarts_total{$state} 3x1 4x80`, every: 10 * time.Second, at: 11*time.Minute + 30*time.Second,
		},
		"one container of two": {
			series: `kube_pod_container_status_restarts_total{$state,uid="a"} 3x12 4x12
				kube_pod_container_status_restarts_total{$state,uid="b"} 3x12 4x12
				kube_pod_container_status_restarts_total{namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1",container="sidecar"} 3x24`,
			want: container("warning", "2", "restarts: 2 times in 10m"),
		},
	},
	"SignalOutOfMemory": {
		"now": {
			series: `kube_pod_container_status_last_terminated_reason{$state,reason="OOMKilled"} _x12 1x12
				kube_pod_container_status_restarts_total{$state} 3x12 4x12`,
			want: container("critical", "1", "was killed for want of memory"),
		},
		"of two containers": {
			series: `kube_pod_container_status_last_terminated_reason{$state,reason="OOMKilled",uid="a"} 1x24
				kube_pod_container_status_last_terminated_reason{$state,reason="OOMKilled",uid="b"} 1x24
				kube_pod_container_status_last_terminated_reason{$state,reason="OOMKilled",uid="c"} 0x24
				kube_pod_container_status_last_terminated_reason{namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1",container="sidecar",reason="OOMKilled"} 1x24
				kube_pod_container_status_last_terminated_reason{$state2,reason="OOMKilled"} 1x24
				kube_pod_container_status_restarts_total{$state} 3x12 4x12
				kube_pod_container_status_restarts_total{$state2} 3x24`,
			want: container("critical", "1", "was killed for want of memory"),
		},
		"for another reason": {
			series: `kube_pod_container_status_last_terminated_reason{$state,reason="Error"} 1x24
				kube_pod_container_status_last_terminated_reason{$state,reason="OOMKilled"} 0x24
				kube_pod_container_status_restarts_total{$state} 3x12 4x12`,
		},
		"long ago": {
			series: `kube_pod_container_status_last_terminated_reason{$state,reason="OOMKilled"} 1x24
				kube_pod_container_status_restarts_total{$state} 4x24`,
		},
		"in the ninth minute before": {
			series: `kube_pod_container_status_last_terminated_reason{$state,reason="OOMKilled"} 1x80
				kube_pod_container_status_restarts_total{$state} 3x10 4x72`, every: 10 * time.Second, at: 11*time.Minute + 30*time.Second,
			want: container("critical", "1", "was killed for want of memory"),
		},
		"in the eleventh minute before": {
			series: `kube_pod_container_status_last_terminated_reason{$state,reason="OOMKilled"} 1x80
				kube_pod_container_status_restarts_total{$state} 3x1 4x80`, every: 10 * time.Second, at: 11*time.Minute + 30*time.Second,
		},
	},
	"SignalCrashLooping": {
		"now": {
			series: `kube_pod_container_status_waiting_reason{$state,reason="CrashLoopBackOff"} _x20 1x4
				kube_pod_container_status_restarts_total{$state} 4x24`,
			want: container("critical", "1", "crashes again and again"),
		},
		"half a minute ago": {
			series: `kube_pod_container_status_waiting_reason{$state,reason="CrashLoopBackOff"} _x13 1x1 0x12
				kube_pod_container_status_restarts_total{$state} 4x24`,
			want: container("critical", "1", "crashes again and again"),
		},
		"more than a minute ago": {
			series: `kube_pod_container_status_waiting_reason{$state,reason="CrashLoopBackOff"} 1x11 0x13
				kube_pod_container_status_restarts_total{$state} 4x24`,
		},
		"of two containers": {
			series: `kube_pod_container_status_waiting_reason{$state,reason="CrashLoopBackOff",uid="a"} 1x24
				kube_pod_container_status_waiting_reason{$state,reason="CrashLoopBackOff",uid="b"} 1x24
				kube_pod_container_status_waiting_reason{$state,reason="CrashLoopBackOff",uid="c"} 0x24
				kube_pod_container_status_waiting_reason{namespace="prod",pod="app-bbbbbbbbbb-6d4c-x1",container="sidecar",reason="CrashLoopBackOff"} 1x24
				kube_pod_container_status_waiting_reason{$state2,reason="CrashLoopBackOff"} 1x24
				kube_pod_container_status_restarts_total{$state} 4x24`,
			want: container("critical", "1", "crashes again and again"),
		},
		"waiting for an image": {
			series: `kube_pod_container_status_waiting_reason{$state,reason="ImagePullBackOff"} 1x24
				kube_pod_container_status_restarts_total{$state} 0x24`,
		},
	},
	"SignalReadinessFlapping": {
		"five times": {
			series: `kube_pod_status_ready{$state,condition="true",uid="a"} 1 0x4 1x4 0x4 1x4 0x4
				kube_pod_status_ready{$state,condition="true",uid="b"} 1 0x4 1x4 0x4 1x4 0x4
				kube_pod_status_ready{$state,condition="true",uid="c"} 1x24`,
			want: podSays("pod=app-bbbbbbbbbb-6d4c-x1 release=new severity=warning", "5", "became ready or unready 5 times in 10m"),
		},
		"four times": {
			series: `kube_pod_status_ready{$state,condition="true"} 1 0x4 1x4 0x4 1x4`,
		},
		"as the other conditions do": {
			series: `kube_pod_status_ready{$state,condition="unknown"} 1 0x4 1x4 0x4 1x4 0x4`,
		},
		"all in the last ten minutes": {
			series: `kube_pod_status_ready{$state,condition="true"} 1x10 0 1x30 0 1 0x40`, every: 10 * time.Second, at: 11*time.Minute + 30*time.Second,
			want: podSays("pod=app-bbbbbbbbbb-6d4c-x1 release=new severity=warning", "5", "became ready or unready 5 times in 10m"),
		},
		"one of them before": {
			series: `kube_pod_status_ready{$state,condition="true"} 1x2 0 1x30 0 1 0x40`, every: 10 * time.Second, at: 11*time.Minute + 30*time.Second,
		},
	},
}
