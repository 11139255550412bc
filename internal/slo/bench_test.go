package slo

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// One sample of one objective of 20 pods with 10 series each, scraped each
// second for five minutes.
func BenchmarkTake(b *testing.B) {
	var lines strings.Builder
	for pod := range 20 {
		for code := range 10 {
			fmt.Fprintf(&lines, "http_requests_total{namespace=\"prod\",delivery_signal_dev_name=\"app\",delivery_signal_dev_release=\"new\",pod=\"p%d\",code=\"%d\"} 0+10x300\n", pod, 500+code)
		}
	}
	store, account := serve(b, time.Second, lines.String()), Open(second(200), nil)
	account = account.Add(Take(asking(b, store, second(299)), available(), app, account, second(299)))
	for b.Loop() {
		Take(asking(b, store, second(300)), available(), app, account, second(300))
	}
}
