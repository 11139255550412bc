package signals

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/signal-delivery/operator/internal/alert"
	alertprometheus "github.com/signal-delivery/operator/internal/alert/prometheus"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/analysis/prometheus"
)

const (
	underWay   = 50
	perRelease = 6 // queries: four metrics, two of which are compared
	interval   = time.Second
	intervals  = 5
)

// BenchmarkRequestsToPrometheus counts what one server is asked while 50
// releases are under way, each with six queries and a look at the alerts every
// second: alone, shared while each release has a beat of its own, and shared
// while all have one, to which the operator brings them.
func BenchmarkRequestsToPrometheus(b *testing.B) {
	for _, bench := range []struct {
		name         string
		shared, same bool
	}{{"alone", false, false}, {"shared,own-beats", true, false}, {"shared,one-beat", true, true}} {
		b.Run(bench.name, func(b *testing.B) {
			server := &counter{}
			s := httptest.NewServer(server)
			defer s.Close()
			metrics, alerts := sources(b, s.URL, bench.shared)
			for b.Loop() {
				server.queries.Store(0)
				server.listings.Store(0)
				begun := time.Now()
				answers := play(b, metrics, alerts, bench.same)
				took := time.Since(begun).Seconds()
				b.ReportMetric(float64(server.queries.Load())/took, "queries/s")
				b.ReportMetric(float64(server.listings.Load())/took, "rule-listings/s")
				b.ReportMetric(float64(answers)/took, "answers/s")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func sources(b *testing.B, url string, shared bool) (analysis.Source, alert.Source) {
	b.Helper()
	metrics, err := prometheus.New("main", url, nil, 0)
	if err != nil {
		b.Fatal(err)
	}
	alerts, err := alertprometheus.New("main", url, nil, 0)
	if err != nil {
		b.Fatal(err)
	}
	if !shared {
		return metrics, alerts
	}
	return prometheus.NewBatch(metrics, prometheus.BatchOptions{}), alertprometheus.NewShared(alerts, alertprometheus.SharedOptions{})
}

// play has all releases sample for some intervals, and answers with how many
// answers they got.
func play(b *testing.B, metrics analysis.Source, alerts alert.Source, same bool) int64 {
	b.Helper()
	var answers atomic.Int64
	var all sync.WaitGroup
	begin := time.Now().Truncate(interval).Add(2 * interval)
	for i := range underWay {
		all.Go(func() {
			for n := range intervals {
				at := begin.Add(time.Duration(n) * interval)
				if !same {
					at = at.Add(time.Duration(i) * interval / underWay)
				}
				time.Sleep(time.Until(at))
				sample(b.Context(), b, i, metrics, alerts, &answers)
			}
		})
	}
	all.Wait()
	return answers.Load()
}

// sample is what a reconcile asks, at once.
func sample(ctx context.Context, b *testing.B, i int, metrics analysis.Source, alerts alert.Source, answers *atomic.Int64) {
	b.Helper()
	now := time.Now()
	var all sync.WaitGroup
	for q := range perRelease {
		all.Go(func() {
			points, err := metrics.Query(ctx, fmt.Sprintf(`sum(rate(requests_total{release="r%d",metric="%d"}[30s]))`, i, q), now)
			if err != nil || len(points) != 1 {
				b.Errorf("%v %v", points, err)
				return
			}
			answers.Add(1)
		})
	}
	all.Go(func() {
		if _, err := alert.Within(interval/2, alerts).Rules(ctx); err != nil {
			b.Error(err)
		}
	})
	all.Wait()
}

// counter is a server that answers every part of a query with one series.
type counter struct{ queries, listings atomic.Int64 }

// ServeHTTP counts and answers.
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "rules") {
		c.listings.Add(1)
		_, _ = fmt.Fprint(w, `{"status":"success","data":{"groups":[]}}`)
		return
	}
	c.queries.Add(1)
	const one = `{"metric":{"signal_operator_part":"%d"},"value":[1893499200,"1"]}`
	series := make([]string, max(1, strings.Count(r.FormValue("query"), "signal_operator_part")))
	for i := range series {
		series[i] = fmt.Sprintf(one, i)
	}
	_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, strings.Join(series, ","))
}
