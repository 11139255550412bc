package slo

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/series"
)

// start is when every story begins.
var start = time.Unix(1_000_000, 0).UTC()

var (
	engine = series.NewEngine(series.EngineOptions{Timeout: time.Minute})
	app    = Subject{Namespace: "prod", Name: "app", Release: "new"}
)

// whose stands for the labels that say whose series they are.
var whose = strings.NewReplacer(
	"$new2", `namespace="prod",delivery_signal_dev_name="app",delivery_signal_dev_release="new",pod="app-new-2"`,
	"$new", `namespace="prod",delivery_signal_dev_name="app",delivery_signal_dev_release="new",pod="app-new-1"`,
	"$old", `namespace="prod",delivery_signal_dev_name="app",delivery_signal_dev_release="old",pod="app-old-1"`,
)

// others have the same series, and must not matter.
var others = strings.NewReplacer(`namespace="prod"`, `namespace="dev"`)

// serve fills a store with series in promtool's notation, scraped every so
// often.
func serve(t testing.TB, every time.Duration, lines string) *series.Store {
	t.Helper()
	store := series.NewStore(series.Limits{Age: 90 * 24 * time.Hour, Samples: 50_000_000})
	var scrapes [][]series.Sample
	for line := range strings.Lines(whose.Replace(lines)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		for _, one := range []string{line, others.Replace(line)} {
			labels, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(one)
			if err != nil {
				t.Fatalf("%s: %v", one, err)
			}
			for i, value := range values {
				if i == len(scrapes) {
					scrapes = append(scrapes, nil)
				}
				if !value.Omitted {
					scrapes[i] = append(scrapes[i], series.Sample{Labels: labels, Value: value.Value, Histogram: value.Histogram})
				}
			}
		}
	}
	for i, scrape := range scrapes {
		if err := store.Append(start.Add(time.Duration(i)*every), scrape); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// asking answers a query with one number at a time.
func asking(t testing.TB, store *series.Store, at time.Time) func(string) Answer {
	t.Helper()
	return func(query string) Answer {
		value, err := engine.Query(t.Context(), store, query, at)
		if err != nil {
			t.Fatal(err)
		}
		vector, ok := value.(promql.Vector)
		if !ok || len(vector) > 1 {
			t.Fatalf("%s answers with %s", query, value)
		}
		if len(vector) == 0 {
			return Answer{Reason: ReasonNoData, Problem: "no data"}
		}
		if vector[0].H != nil {
			t.Fatalf("%s answers with a histogram", query)
		}
		return Answer{Value: &vector[0].F}
	}
}

func second(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

func share(text string) *intstr.IntOrString { return new(intstr.FromString(text)) }

// available is an objective of 99.9 % of all requests, changed.
func available(change ...func(*v1alpha1.SLO)) v1alpha1.SLO {
	s := v1alpha1.SLO{Name: "api", Objective: intstr.FromString("99.9"), Availability: &v1alpha1.SLOAvailability{}, WindowDays: 30}
	for _, c := range change {
		c(&s)
	}
	return s
}

// fast is an objective of 99 % of all requests within 0.3 s, changed.
func fast(change ...func(*v1alpha1.SLO)) v1alpha1.SLO {
	s := v1alpha1.SLO{Name: "fast", Objective: intstr.FromInt32(99), Latency: &v1alpha1.SLOLatency{ThresholdSeconds: intstr.FromString("0.3")}, WindowDays: 30}
	for _, c := range change {
		c(&s)
	}
	return s
}

func limited(burn string) func(*v1alpha1.SLO) {
	return func(s *v1alpha1.SLO) { s.MaxBudgetBurn = share(burn) }
}

func route(path string) func(*v1alpha1.SLO) {
	return func(s *v1alpha1.SLO) { s.Operation.Route = path }
}

func said(a Account) string {
	return fmt.Sprintf("%s of %s, %s/s", brief(a.Failed), brief(a.Total), brief(a.Rate))
}
