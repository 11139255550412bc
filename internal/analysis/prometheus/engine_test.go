package prometheus

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/signal-delivery/operator/internal/series"
)

// engineServer answers instant queries as Prometheus does, with its engine.
type engineServer struct {
	*testing.T
	url    string
	engine *series.Engine
	store  *series.Store
	before func(http.ResponseWriter, *http.Request, string) bool // answers itself if it wants to

	mu    sync.Mutex
	asked []string
}

func newEngineServer(t *testing.T) *engineServer {
	t.Helper()
	e := &engineServer{T: t, engine: series.NewEngine(series.EngineOptions{}), store: series.NewStore(series.Limits{})}
	for i := range 61 {
		if err := e.store.Append(noon.Add(time.Duration(i-60)*time.Second), samplesAt(float64(i))); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

func samplesAt(n float64) []series.Sample {
	of := func(v float64, pairs ...string) series.Sample {
		return series.Sample{Labels: labels.FromStrings(pairs...), Value: v}
	}
	h := &histogram.FloatHistogram{Count: n, Sum: n, PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []float64{n}}
	return []series.Sample{
		of(2*n, "__name__", "requests_total", "release", "a", "code", "200"), of(n, "__name__", "requests_total", "release", "a", "code", "500"),
		of(3*n, "__name__", "requests_total", "release", "b", "code", "200"),
		of(math.NaN(), "__name__", "nan"), of(math.Inf(1), "__name__", "inf"),
		of(1, "__name__", "one", "x", "1"), of(2, "__name__", "two", "x", "1"), of(n, "__name__", "tick"),
		{Labels: labels.FromStrings("__name__", "native"), Histogram: h},
	}
}

// ServeHTTP answers one query.
func (e *engineServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.FormValue("query")
	e.mu.Lock()
	e.asked = append(e.asked, query)
	before := e.before
	e.mu.Unlock()
	if before != nil && before(w, r, query) {
		return
	}
	seconds, err := strconv.ParseFloat(r.FormValue("time"), 64)
	if err != nil {
		e.Error(err)
	}
	value, err := e.engine.Query(r.Context(), e.store, query, time.UnixMilli(int64(math.Round(seconds*1000))))
	if err != nil {
		kind, code := "execution", http.StatusUnprocessableEntity
		if strings.HasPrefix(err.Error(), "read query") {
			kind, code = "bad_data", http.StatusBadRequest
		}
		_, words, _ := strings.Cut(err.Error(), strconv.Quote(query)+": ")
		problem(code, kind, words)(w, r)
		return
	}
	result(string(value.Type()), spelled(e.T, value))(w, r)
}

func spelled(t *testing.T, value parser.Value) string {
	t.Helper()
	pair := func(at int64, v float64) []any { return []any{float64(at) / 1000, fmt.Sprint(v)} }
	var out any
	switch v := value.(type) {
	case promql.Scalar:
		out = pair(v.T, v.V)
	case promql.String:
		out = []any{float64(v.T) / 1000, v.V}
	case promql.Vector:
		all := []any{}
		for _, s := range v {
			if s.H != nil {
				all = append(all, map[string]any{"metric": s.Metric.Map(), "histogram": []any{float64(s.T) / 1000, map[string]any{"count": "1", "sum": "1", "buckets": []any{}}}})
				continue
			}
			all = append(all, map[string]any{"metric": s.Metric.Map(), "value": pair(s.T, s.F)})
		}
		out = all
	case promql.Matrix:
		out = []any{}
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// intercept has every query seen before it is answered.
func (e *engineServer) intercept(before func(w http.ResponseWriter, r *http.Request, query string) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.before = before
}

// queries are those that came since the last call.
func (e *engineServer) queries() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	asked := slices.Clone(e.asked)
	e.asked = nil
	return asked
}
