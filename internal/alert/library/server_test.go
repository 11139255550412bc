package library_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/signal-delivery/operator/internal/alert/builtin"
	"github.com/signal-delivery/operator/internal/series"
)

var (
	promparser = parser.NewParser(parser.Options{})
	engine     = series.NewEngine(series.EngineOptions{})
)

// serve answers queries on series that are written as promtool has them.
func serve(t *testing.T, every time.Duration, lines []string) builtin.Query {
	t.Helper()
	store := series.NewStore(series.Limits{Age: 48 * time.Hour})
	var scrapes [][]series.Sample
	for _, line := range lines {
		labels, values, err := promparser.ParseSeriesDesc(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
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
	for i, scrape := range scrapes {
		if err := store.Append(start.Add(time.Duration(i)*every), scrape); err != nil {
			t.Fatal(err)
		}
	}
	return func(ctx context.Context, query string, at time.Time) (promql.Vector, error) {
		value, err := engine.Query(ctx, store, query, at)
		if err != nil {
			return nil, err
		}
		vector, ok := value.(promql.Vector)
		if !ok {
			return nil, fmt.Errorf("%s answers with a %s", query, value.Type())
		}
		return vector, nil
	}
}
