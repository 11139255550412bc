package series_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"

	"github.com/signal-delivery/operator/internal/series"
)

// Queries run while scrapes come in, chunks fill and old ones go; each sees a
// batch whole or not at all, in all its parts.
func TestConcurrentAppendAndQuery(t *testing.T) {
	s := series.NewStore(series.Limits{Age: 200 * time.Second})
	e := series.NewEngine(series.EngineOptions{Lookback: 48 * time.Hour})
	const members = 8
	appendAll := func(i int) {
		batch := make([]series.Sample, 0, 2*members)
		for m := range members {
			h := native("h", int32(i%3), float64(i))
			batch = append(batch, float(float64(i), "a", "m", fmt.Sprint(m)), float(float64(i), "b", "m", fmt.Sprint(m)), h)
		}
		appended(t, s, second(i), batch...)
	}
	appendAll(0)

	var group sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for query, want := range map[string]float64{
					`count(a)`:                        members,
					`max(a) - min(a)`:                 0,
					`stddev(count_over_time(a[48h]))`: 0,
					`count(count_over_time(h[48h]))`:  1,
				} {
					v, err := e.Query(t.Context(), s, query, second(100_000))
					if err != nil {
						t.Error(err)
						return
					}
					vector := v.(promql.Vector)
					if len(vector) != 1 || vector[0].F != want {
						t.Errorf("%s = %v, want %v", query, vector, want)
						return
					}
				}
			}
		})
	}
	for i := 1; i < 2000; i++ {
		appendAll(i)
	}
	close(done)
	group.Wait()
}
