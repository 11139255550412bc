package signals

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis/builtin"
	"github.com/signal-delivery/operator/internal/release"
)

const (
	podsOfATrack = 4
	watched      = 15 * time.Second
)

// asked are queries as metrics and alert rules have them.
var asked = []string{
	`sum(rate(http_requests_total{track="candidate",code=~"5.."}[10s])) / sum(rate(http_requests_total{track="candidate"}[10s]))`,
	`histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{track="candidate"}[10s])))`,
	`histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{track="stable"}[10s])))`,
	`sum(rate(http_requests_total{track="stable"}[10s]))`,
	`count(up == 1)`,
}

// BenchmarkBuiltIn is the built-in source with so many releases under way, of
// two tracks of four pods each, which expose some 300 series each and are
// scraped every second. The pods are another process.
func BenchmarkBuiltIn(b *testing.B) {
	for _, n := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("releases=%d", n), func(b *testing.B) { benchmarkBuiltIn(b, n) })
	}
}

func benchmarkBuiltIn(b *testing.B, n int) {
	b.Helper()
	address, ports := pods(b, n*2*podsOfATrack)
	before := heap()
	source := builtin.New(builtin.Options{})
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(source)
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- source.Start(ctx) }()
	for i := range n {
		source.Watch(subject(i, address, ports[i*2*podsOfATrack:][:2*podsOfATrack]))
	}
	time.Sleep(2 * time.Second) // the first scrapes cost more
	for b.Loop() {
		cpu, scrapes, begun := processor(), scraped(b, metrics), time.Now()
		time.Sleep(watched)
		took := time.Since(begun).Seconds()
		b.ReportMetric((processor()-cpu).Seconds()*1000/took/float64(n), "cpu-ms/s/release")
		b.ReportMetric(float64(scraped(b, metrics)-scrapes)/took, "scrapes/s")
	}
	b.ReportMetric(float64(heap()-before)/1024/float64(n), "heap-KiB/release")
	b.ReportMetric(queryTime(b, source, n).Seconds()*1e6, "cpu-µs/query")
	b.ReportMetric(0, "ns/op")
	up := 0
	for i := range n {
		for _, h := range source.Targets(key(i)) {
			if h.Up {
				up++
			}
		}
	}
	if all := n * 2 * podsOfATrack; up < all*9/10 { // a busy machine may miss one now and then
		b.Errorf("%d of %d pods are scraped", up, all)
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

func key(i int) types.NamespacedName {
	return types.NamespacedName{Namespace: "prod", Name: fmt.Sprintf("app-%d", i)}
}

func subject(i int, address string, ports []int32) builtin.Subject {
	s := builtin.Subject{
		Key: key(i), Candidate: "new", Stable: "old", Since: time.Now(), Interval: time.Second,
		Scrape: v1alpha1.ScrapeSpec{Port: new(intstr.FromString("metrics"))},
	}
	for j, port := range ports {
		hash := []string{"new", "old"}[j%2]
		s.Pods = append(s.Pods, corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: s.Key.Namespace, Name: fmt.Sprintf("%s-%s-%d", s.Key.Name, hash, j), UID: types.UID(fmt.Sprint(i, j)),
				Labels:          map[string]string{v1alpha1.LabelName: s.Key.Name, v1alpha1.LabelRelease: hash, appsv1.DefaultDeploymentUniqueLabelKey: "t1"},
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: release.DeploymentName(s.Key.Name, hash) + "-t1", Controller: new(true)}},
			},
			Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: "signal", Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: port}}}}},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: address},
		})
	}
	return s
}

// queryTime is how much of the processor a query takes, one after another over
// all releases. Scrapes that go on meanwhile are counted in.
func queryTime(b *testing.B, source *builtin.Builtin, n int) time.Duration {
	b.Helper()
	queries := 0
	begun := processor()
	for queries < 500 {
		for i := range n {
			for _, query := range asked {
				if _, err := source.Ask(b.Context(), key(i), query, time.Now()); err != nil {
					b.Fatal(err)
				}
				queries++
			}
		}
	}
	return (processor() - begun) / time.Duration(queries)
}

// scraped is how many scrapes there have been.
func scraped(b *testing.B, metrics *prometheus.Registry) uint64 {
	b.Helper()
	families, err := metrics.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "signal_operator_builtin_scrape_duration_seconds" {
			return f.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	b.Fatal("the source does not count its scrapes")
	return 0
}

// processor is how much of the processor this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap is how many bytes are reachable.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
