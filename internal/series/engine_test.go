package series_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql"

	"github.com/signal-delivery/operator/internal/series"
)

// counting is a store with a counter that grows by one each second, from 1 to 600.
func counting(t *testing.T) *series.Store {
	t.Helper()
	s := series.NewStore(series.Limits{})
	for i := 1; i <= 600; i++ {
		appended(t, s, second(i), float(float64(i), "n"))
	}
	return s
}

func TestQuery(t *testing.T) {
	s := counting(t)
	for query, want := range map[string]string{
		`n`:                                  "600",
		`n offset 1m`:                        "540",
		`rate(n[1m])`:                        "1",
		`n @ ` + unix(second(42)):            "42",
		`n @ end() - n @ start()`:            "0",
		`count_over_time(n[10s:])`:           "10", // every second
		`count_over_time(n[10s:5s])`:         "2",
		`max_over_time(n[5m] offset 5m)`:     "300",
		`sum_over_time(n[2s])`:               "1199",
		`1 + 1`:                              "scalar: 2 @[" + timestamp(second(600)) + "]",
		`"word"`:                             "word",
		`absent(m)`:                          "1",
		`m`:                                  "",
		`n > 600`:                            "",
		`label_replace(n, "x", "y", "", "")`: "600",
	} {
		if got := answer(t, s, query, second(600)); got != want {
			t.Errorf("%s = %q, want %q", query, got, want)
		}
	}
	if got := answer(t, s, `n offset -1m`, second(60)); got != "120" {
		t.Errorf("a minute ahead is %s, want 120", got)
	}
}

func unix(at time.Time) string      { return strconv.FormatInt(at.Unix(), 10) }
func timestamp(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

func TestQueryIsRefused(t *testing.T) {
	s := counting(t)
	for name, tc := range map[string]struct {
		options series.EngineOptions
		ended   bool // the context, before the query
		query   string
		want    string
	}{
		"not PromQL":               {series.EngineOptions{}, false, `sum(`, `read query "sum(": `},
		"an experimental function": {series.EngineOptions{}, false, `sort_by_label(n, "x")`, `not enabled`},
		"too many samples":         {series.EngineOptions{MaxSamples: 10}, false, `rate(n[1m])`, `evaluate "rate(n[1m])": query processing would load too many samples`},
		"too long":                 {series.EngineOptions{Timeout: time.Nanosecond}, false, `n`, `query timed out`},
		"the context has ended":    {series.EngineOptions{}, true, `n`, `query was canceled`},
		"an ambiguous match":       {series.EngineOptions{}, false, `n * on() group_left() vector(1) * on(x) (n or label_replace(n, "y", "z", "", ""))`, `many-to-many`},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tc.ended {
				cancel()
			}
			v, err := series.NewEngine(tc.options).Query(ctx, s, tc.query, second(600))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Query = %v, %v; want an error that has %q", v, err, tc.want)
			}
		})
	}
}

// A sample is current for the lookback, the first instant not included.
func TestLookback(t *testing.T) {
	s := series.NewStore(series.Limits{})
	appended(t, s, second(0), float(7, "a"))
	for name, tc := range map[string]struct {
		lookback time.Duration
		after    time.Duration
		want     int
	}{
		"by default, within":  {0, 5*time.Minute - time.Millisecond, 1},
		"by default, at last": {0, 5 * time.Minute, 0},
		"set, within":         {10 * time.Second, 10*time.Second - time.Millisecond, 1},
		"set, at last":        {10 * time.Second, 10 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := series.NewEngine(series.EngineOptions{Lookback: tc.lookback}).Query(t.Context(), s, `a`, second(0).Add(tc.after))
			if err != nil {
				t.Fatal(err)
			}
			if got := len(v.(promql.Vector)); got != tc.want {
				t.Errorf("%d series, want %d", got, tc.want)
			}
		})
	}
}

// What is stale is gone at once.
func TestStale(t *testing.T) {
	s := series.NewStore(series.Limits{})
	appended(t, s, second(0), float(1, "a"), native("h", 0, 1))
	appended(t, s, second(1), float(stale, "a"), float(stale, "h"))
	for _, query := range []string{`a`, `h`} {
		if got := answer(t, s, query, second(1)); got != "" {
			t.Errorf("%s = %s, want nothing", query, got)
		}
	}
	if got := answer(t, s, `count_over_time(a[1m])`, second(1)); got != "1" {
		t.Errorf("%s samples, want 1: a stale marker is none", got)
	}
}

func TestQueryRange(t *testing.T) {
	e, s := series.NewEngine(series.EngineOptions{}), counting(t)
	m, err := e.QueryRange(t.Context(), s, `n * 2`, second(10), second(20), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	want := []promql.FPoint{{T: second(10).UnixMilli(), F: 20}, {T: second(15).UnixMilli(), F: 30}, {T: second(20).UnixMilli(), F: 40}}
	if len(m) != 1 {
		t.Fatalf("%d series, want 1", len(m))
	}
	if diff := cmp.Diff(want, m[0].Floats); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}

func TestQueryRangeIsRefused(t *testing.T) {
	e, s := series.NewEngine(series.EngineOptions{MaxSamples: 50_000}), counting(t)
	for name, tc := range map[string]struct {
		query   string
		from    time.Time
		to      time.Time
		step    time.Duration
		refused bool
	}{
		"one instant":           {`n`, second(1), second(1), time.Second, false},
		"as many as it may":     {`1`, second(0), second(11_000), time.Second, false},
		"a step too many":       {`1`, second(0), second(11_001), time.Second, true},
		"ends before it begins": {`n`, second(2), second(1), time.Second, true},
		"no step":               {`n`, second(1), second(2), 0, true},
		"less than 1 ms":        {`n`, second(1), second(1), time.Millisecond - 1, true},
		"1 ms":                  {`n`, second(1), second(1), time.Millisecond, false},
		"not PromQL":            {`n[`, second(1), second(2), time.Second, true},
		"not a vector":          {`n[1m]`, second(1), second(2), time.Second, true},
		"too many samples":      {`rate(n[10m]) + on() group_left() (n[10m:1ms])`, second(1), second(2), time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := e.QueryRange(t.Context(), s, tc.query, tc.from, tc.to, tc.step); (err != nil) != tc.refused {
				t.Errorf("QueryRange: %v, want refused %v", err, tc.refused)
			}
		})
	}
}

// A result is the caller's: later queries do not write over it.
func TestResultsStay(t *testing.T) {
	e, s := series.NewEngine(series.EngineOptions{}), counting(t)
	v, err := e.Query(t.Context(), s, `n[1m]`, second(600))
	if err != nil {
		t.Fatal(err)
	}
	before := v.String()
	for i := range 50 {
		if _, err := e.Query(t.Context(), s, `n[1m]`, second(100+i)); err != nil {
			t.Fatal(err)
		}
	}
	if v.String() != before {
		t.Error("a later query changed the result")
	}
}
