package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// BenchmarkListen is what the default rules cost with each round of scrapes:
// two releases of one pod each, with the metrics of the sample service.
func BenchmarkListen(b *testing.B) {
	l := listens(b, func(*v1alpha1.SignalDeployment) {})
	var text strings.Builder
	text.WriteString("# TYPE http_requests_total counter\n")
	for route := range 10 {
		for _, code := range []int{200, 404, 500} {
			fmt.Fprintf(&text, "http_requests_total{route=\"/r%d\",code=\"%d\"} 100\n", route, code)
		}
	}
	text.WriteString("# TYPE http_request_duration_seconds histogram\n")
	for route := range 10 {
		for i, le := range []string{"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf"} {
			fmt.Fprintf(&text, "http_request_duration_seconds_bucket{route=\"/r%d\",le=\"%s\"} %d\n", route, le, 10*(i+1))
		}
		fmt.Fprintf(&text, "http_request_duration_seconds_sum{route=\"/r%d\"} 9\nhttp_request_duration_seconds_count{route=\"/r%d\"} 90\n", route, route)
	}
	text.WriteString("process_cpu_seconds_total 1\nprocess_resident_memory_bytes 1e7\ngo_goroutines 20\nprocess_open_fds 10\nprocess_max_fds 1000\n")
	l.expose(stableIP, text.String())
	l.expose(candidateIP, text.String())
	if course, _ := l.rounds(60); !strings.HasSuffix(course, "p") {
		b.Fatalf("it goes %s", course)
	}
	groups, err := l.rulesOf(l.sd, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		l.clock.Step(time.Millisecond)
		l.ear(l.sd).heard = time.Time{} // there is something new
		w := &world{groups: groups.judging}
		l.watch(b.Context(), l.sd, w)
		if len(w.Alerts) == 0 {
			b.Fatal("nothing is heard")
		}
	}
}
