package builtin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/prometheus/client_golang/prometheus"
)

// BenchmarkRound is one round of all subjects, each of four pods that expose
// 300 series in protobuf and gzip, over real connections. The pods' answers
// are made beforehand, but the processor time includes sending them.
func BenchmarkRound(b *testing.B) {
	for _, n := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("subjects=%d", n), func(b *testing.B) { benchmarkRound(b, n) })
	}
}

func benchmarkRound(b *testing.B, n int) {
	b.Helper()
	answers := [2]string{answerOf(1), answerOf(2)}
	turn := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		says(protobuf, answers[turn])(w, r)
	}))
	defer server.Close()
	clock := clocktesting.NewFakeClock(noon)
	source := New(Options{Clock: clock})
	transport := source.fetcher.client.Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	defer transport.CloseIdleConnections()
	heap := held()
	for i := range n {
		s := subjectWith()
		s.Key.Name = fmt.Sprintf("app-%d", i)
		for j := range 4 {
			hash := []string{"new", "old"}[j%2]
			s.Pods = append(s.Pods, pod(fmt.Sprintf("%s-%d", hash, j), hash, fmt.Sprintf("10.0.%d.%d", i, j), belongingTo(s.Key)))
		}
		source.Watch(s)
	}
	round := func() {
		clock.Step(time.Second)
		turn = 1 - turn
		var flying sync.WaitGroup
		for _, s := range source.subjects {
			for _, scrape := range s.begin(b.Context(), clock.Now(), true) {
				flying.Go(scrape)
			}
		}
		flying.Wait()
	}
	round()
	round()
	b.ReportAllocs()
	begun, rounds := processor(), 0
	for b.Loop() {
		round()
		rounds++
	}
	b.ReportMetric(float64((processor()-begun).Microseconds())/1000/float64(rounds), "cpu-ms/round")
	lines := 0
	for _, s := range source.subjects {
		for _, h := range s.health() {
			if !h.Up {
				b.Fatal(h)
			}
		}
		l, _ := s.store.Size()
		lines += l
	}
	b.ReportMetric(float64(held()-heap)/1e6, "MB-held")
	b.ReportMetric(float64(lines), "series")
	runtime.KeepAlive(source)
}

func belongingTo(key types.NamespacedName) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Labels["delivery.signal.dev/name"] = key.Name
		p.OwnerReferences[0].Name = key.Name + "-" + p.Labels["delivery.signal.dev/release"] + "-t1"
	}
}

// answerOf is 300 series, as a service has them.
func answerOf(seed int) string {
	r := prometheus.NewRegistry()
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests answered."}, []string{"route", "method", "code"})
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "How long answers took.", Buckets: prometheus.DefBuckets}, []string{"route"})
	r.MustRegister(c, h)
	for i := range 20 {
		route := fmt.Sprintf("/v1/signals/%d", i)
		h.WithLabelValues(route).Observe(float64(i*seed) / 100)
		c.WithLabelValues(route, "GET", "200").Add(float64(1000*seed + i))
	}
	body, _ := exposed(r, accept)
	return zipped(string(body))
}

// processor is how much of the processor the process has used.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// held is how many bytes are in use.
func held() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
