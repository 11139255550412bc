package analysis_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/series"
	"github.com/signal-delivery/operator/internal/verdict"
)

// store answers with Prometheus' engine over samples of a second each.
type store struct {
	*series.Store
	engine *series.Engine
}

var start = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func newStore() store {
	return store{series.NewStore(series.Limits{}), series.NewEngine(series.EngineOptions{})}
}

func (store) Name() string { return "main" }

func (s store) Query(ctx context.Context, query string, at time.Time) ([]analysis.Point, error) {
	value, err := s.engine.Query(ctx, s.Store, query, at)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", analysis.ErrRejected, err)
	}
	var points []analysis.Point
	for _, sample := range value.(promql.Vector) {
		points = append(points, analysis.Point{Value: sample.F, Bound: sample.Metric.Get("le")})
	}
	return points, nil
}

func (store) QueryRange(context.Context, string, time.Time, time.Time, time.Duration) ([][]analysis.Point, error) {
	panic("a test asks as of one moment")
}

// put a value of each second, from the start on, into a series of a release.
func (s store) put(t *testing.T, name, release, own string, values ...float64) {
	t.Helper()
	for i, v := range values {
		sample := series.Sample{Labels: of(name, release, own), Value: v}
		if err := s.Append(start.Add(time.Duration(i)*time.Second), []series.Sample{sample}); err != nil {
			t.Fatal(err)
		}
	}
}

// of is the labels of a series: own is like code=200,pod=a.
func of(name, release, own string) labels.Labels {
	all := []string{"__name__", name, "namespace", "prod", "delivery_signal_dev_name", "app", "delivery_signal_dev_release", release}
	for pair := range strings.SplitSeq(own, ",") {
		key, value, _ := strings.Cut(pair, "=")
		all = append(all, key, value)
	}
	return labels.FromStrings(all...)
}

func subject(seconds int) (analysis.Subject, time.Time) {
	return analysis.Subject{
		Namespace: "prod", Name: "app", Service: "app", Release: "new", Stable: "old",
		Since: start, Interval: time.Second, Steps: 3,
	}, start.Add(time.Duration(seconds) * time.Second)
}

func errors() v1alpha1.Metric {
	return v1alpha1.Metric{Name: "errors", Errors: &v1alpha1.ErrorsTest{
		Counter: "http_requests_total", Failed: `code=~"5.."`, MaxIncrease: "0.01", DetectIncrease: "0.05", MinRequests: 50, Alpha: "0.01", Beta: "0.1",
	}}
}

func latency() v1alpha1.Metric {
	return v1alpha1.Metric{Name: "latency", Latency: &v1alpha1.LatencyTest{
		Histogram: "http_request_duration_seconds", Quantile: "0.95", MaxRatio: "1.2", MaxIncreaseSeconds: "0.01", MinRequests: 100, Alpha: "0.01",
	}}
}

// once is what one look at a metric comes to.
func once(t *testing.T, source analysis.Source, m v1alpha1.Metric, s analysis.Subject, now time.Time) verdict.Verdict {
	t.Helper()
	sample := analysis.Take(t.Context(), source, m, s, now)
	return analysis.Judge(m, analysis.Record{}.Add(sample), analysis.Count(v1alpha1.MetricTally{Name: m.Name}, sample))
}

// Requests are counted exactly, over new series and several pods.
func TestErrorsAreCounted(t *testing.T) {
	for name, tc := range map[string]struct {
		put  func(t *testing.T, s store)
		want string
	}{
		"one scrape of 20 with 10 errors": {func(t *testing.T, s store) {
			t.Helper()
			s.put(t, "http_requests_total", "new", "code=200", 0, 10)
			s.put(t, "http_requests_total", "new", "code=500", 0, 10)
			s.put(t, "http_requests_total", "old", "code=200", 1000, 1180)
		}, "Failed WorseThanStable: 10 of 20 requests failed, of the stable release 0 of 180"},
		"no error series is no error": {func(t *testing.T, s store) {
			t.Helper()
			s.put(t, "http_requests_total", "new", "code=200", 0, 60, 120)
			s.put(t, "http_requests_total", "old", "code=200", 0, 600, 1200)
		}, "Passed WithinLimits: 0 of 120 requests failed, of the stable release 0 of 1200"},
		"several pods, and one restarts": { // what that one had counted, increase must guess: 700 for 400
			func(t *testing.T, s store) {
				t.Helper()
				s.put(t, "http_requests_total", "new", "code=200,pod=a", 100, 150, 200)
				s.put(t, "http_requests_total", "new", "code=200,pod=b", 100, 150, 200)
				s.put(t, "http_requests_total", "old", "code=200,pod=a", 5000, 0, 400)
				s.put(t, "http_requests_total", "old", "code=200,pod=b", 9000, 9400, 9800)
			}, "Passed WithinLimits: 0 of 200 requests failed, of the stable release 0 of 1500"},
		"scrapes of nothing": {func(t *testing.T, s store) {
			t.Helper()
			s.put(t, "http_requests_total", "new", "code=200", 7, 7, 7, 7, 7)
			s.put(t, "http_requests_total", "old", "code=200", 0, 9, 18, 27, 36)
		}, "Unknown InsufficientData: 0 of 0 requests failed, of the stable release 0 of 36"},
		"series without the label": {func(t *testing.T, s store) {
			t.Helper()
			s.put(t, "http_requests_total", "new", "status=500", 0, 60, 120)
			s.put(t, "http_requests_total", "old", "status=200", 0, 600, 1200)
		}, "Unknown NoData: "},
		"nothing of the stable release": {func(t *testing.T, s store) {
			t.Helper()
			s.put(t, "http_requests_total", "new", "code=200", 0, 60, 120)
		}, "Unknown NoBaseline: "},
		"a failing release and a failing stable one": {func(t *testing.T, s store) {
			t.Helper()
			for _, release := range []string{"new", "old"} {
				s.put(t, "http_requests_total", release, "code=200", 0, 1000, 2000)
				s.put(t, "http_requests_total", release, "code=500", 0, 20, 40)
			}
		}, "Passed WithinLimits: 40 of 2040 requests failed, of the stable release 40 of 2040"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore()
			tc.put(t, s)
			who, now := subject(4)
			v := once(t, s, errors(), who, now)
			counts, _, _ := strings.Cut(v.Evidence.Statistic, ";")
			if got := fmt.Sprintf("%s %s: %s", v.Outcome, v.Reason, counts); got != tc.want {
				t.Errorf("got  %s\nwant %s\n%s", got, tc.want, v.Message)
			}
		})
	}
}

func TestLatencyIsCounted(t *testing.T) {
	put := func(t *testing.T, s store, release string, fast, slow float64, bounds ...string) {
		t.Helper()
		for _, le := range bounds {
			n := fast + slow
			if le == "0.1" {
				n = fast
			}
			s.put(t, "http_request_duration_seconds_bucket", release, "le="+le, 0, n/2, n)
		}
	}
	native := func(t *testing.T, s store, release string, buckets ...int64) {
		t.Helper()
		h := &histogram.FloatHistogram{Schema: 0, PositiveSpans: []histogram.Span{{Offset: -3, Length: uint32(len(buckets))}}}
		for i := range 3 {
			each := h.Copy()
			for _, n := range buckets {
				each.PositiveBuckets = append(each.PositiveBuckets, float64(int64(i)*n))
				each.Count += float64(int64(i) * n)
			}
			sample := series.Sample{Labels: of("http_request_duration_seconds", release, "pod=a"), Histogram: each}
			if err := s.Append(start.Add(time.Duration(i)*time.Second), []series.Sample{sample}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		put  func(t *testing.T, s store)
		want string
	}{
		"as slow": {func(t *testing.T, s store) {
			t.Helper()
			put(t, s, "new", 200, 4, "0.1", "0.5", "+Inf")
			put(t, s, "old", 2000, 40, "0.1", "0.5", "+Inf")
		}, "Passed WithinLimits: quantile 0.95 of 204 requests 0.0969s, of 2040 of the stable release 0.0969s"},
		"slower": {func(t *testing.T, s store) {
			t.Helper()
			put(t, s, "new", 100, 100, "0.1", "0.5", "+Inf")
			put(t, s, "old", 2000, 40, "0.1", "0.5", "+Inf")
		}, "Failed WorseThanStable: quantile 0.95 of 200 requests 0.46s, of 2040 of the stable release 0.0969s"},
		"other buckets than the stable release": {func(t *testing.T, s store) {
			t.Helper()
			put(t, s, "new", 200, 4, "0.1", "0.2", "0.3", "+Inf")
			put(t, s, "old", 2000, 40, "0.1", "0.5", "+Inf")
		}, "Passed WithinLimits: quantile 0.95 of 204 requests 0.0969s, of 2040 of the stable release 0.0969s"},
		"no bucket in common": {func(t *testing.T, s store) {
			t.Helper()
			put(t, s, "new", 200, 4, "0.2", "+Inf")
			put(t, s, "old", 2000, 40, "0.1", "+Inf")
		}, "Unknown OddCounts: "},
		"nothing at all": {func(*testing.T, store) {}, "Unknown NoData: "},
		"scrapes of nothing": {func(t *testing.T, s store) {
			t.Helper()
			put(t, s, "new", 0, 0, "0.1", "+Inf")
			put(t, s, "old", 9, 9, "0.1", "+Inf")
		}, "Unknown InsufficientData: quantile 0.95 of 0 requests s, of 18 of the stable release 0.1s"},
		"native, as slow": {func(t *testing.T, s store) { t.Helper(); native(t, s, "new", 100, 1); native(t, s, "old", 1000, 10) }, "Passed WithinLimits"},
		"native, slower": {func(t *testing.T, s store) {
			t.Helper()
			native(t, s, "new", 0, 0, 0, 0, 0, 100)
			native(t, s, "old", 1000, 10)
		}, "Failed WorseThanStable"},
		"native, few requests": {func(t *testing.T, s store) { t.Helper(); native(t, s, "new", 3, 1); native(t, s, "old", 1000, 10) }, "Unknown InsufficientData"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore()
			tc.put(t, s)
			who, now := subject(2)
			v := once(t, s, latency(), who, now)
			counts, _, _ := strings.Cut(v.Evidence.Statistic, ";")
			if got := fmt.Sprintf("%s %s: %s", v.Outcome, v.Reason, counts); !strings.HasPrefix(got, tc.want) {
				t.Errorf("got  %s\nwant %s\n%s", got, tc.want, v.Message)
			}
		})
	}
}
