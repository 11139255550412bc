package stage

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"

	"github.com/signal-delivery/operator/internal/series"
)

// requests are what services answer: counters that grow as they are told, are
// scraped ten times a second and can be asked about in PromQL.
type requests struct {
	engine *series.Engine
	store  *series.Store

	mu    sync.Mutex
	flows map[string]*flow // by namespace and release
}

// flow is the requests of one release.
type flow struct {
	labels           []string
	goodRate, good   float64
	failRate, failed float64
}

func newRequests() *requests {
	return &requests{
		engine: series.NewEngine(series.EngineOptions{}), store: series.NewStore(series.Limits{}), flows: map[string]*flow{},
	}
}

// Answer makes a release of the story answer so many requests per second well,
// and so many not, until the test ends.
func (y *Story) Answer(release string, good, failing float64) {
	y.Helper()
	r := y.Prometheus.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	key := y.Namespace + "/" + release
	f, flows := r.flows[key]
	if !flows {
		f = &flow{labels: []string{
			"namespace", y.Namespace, "delivery_signal_dev_name", Name, "delivery_signal_dev_release", release, "pod", release + "-1",
		}}
		r.flows[key] = f
		go r.scrape(y.Context(), y.TB, f)
	}
	f.goodRate, f.failRate = good, failing
}

// Failed is how many requests a release has not answered well so far.
func (y *Story) Failed(release string) int64 {
	r := y.Prometheus.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	return int64(r.flows[y.Namespace+"/"+release].failed)
}

// scrape lets the counters of a flow grow, and takes them down.
func (r *requests) scrape(ctx context.Context, t testing.TB, f *flow) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last := time.Now()
	for ctx.Err() == nil {
		now := time.Now()
		r.mu.Lock()
		f.good += f.goodRate * now.Sub(last).Seconds()
		f.failed += f.failRate * now.Sub(last).Seconds()
		batch := []series.Sample{
			{Labels: labels.FromStrings(append([]string{"__name__", "up"}, f.labels...)...), Value: 1},
			{Labels: labels.FromStrings(append([]string{"__name__", "http_requests_total", "code", "200"}, f.labels...)...), Value: float64(int(f.good))},
			{Labels: labels.FromStrings(append([]string{"__name__", "http_requests_total", "code", "500"}, f.labels...)...), Value: float64(int(f.failed))},
		}
		r.mu.Unlock()
		last = now
		if err := r.store.Append(now, batch); err != nil {
			t.Errorf("stage: %v", err)
			return
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// set makes the series value of a release what it is now; "" ends it.
func (r *requests) set(now time.Time, namespace, release, text string) error {
	sample := series.Sample{
		Labels: labels.FromStrings("__name__", "value", "namespace", namespace, "release", release),
		Value:  math.Float64frombits(value.StaleNaN),
	}
	if text != "" {
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("stage: value of %s: %w", release, err)
		}
		sample.Value = number
	}
	return r.store.Append(now, []series.Sample{sample})
}

// query answers one query with a vector.
func (r *requests) query(w http.ResponseWriter, request *http.Request, query string, now time.Time) {
	answer, err := r.engine.Query(request.Context(), r.store, query, now)
	vector, ok := answer.(promql.Vector)
	if err != nil || !ok {
		http.Error(w, `{"status":"error","errorType":"bad_data","error":"not a vector"}`, http.StatusBadRequest)
		return
	}
	result := []any{}
	for _, s := range vector {
		result = append(result, map[string]any{"metric": s.Metric.Map(), "value": []any{float64(s.T) / 1000, strconv.FormatFloat(s.F, 'g', -1, 64)}})
	}
	reply(w, map[string]any{"resultType": "vector", "result": result})
}
