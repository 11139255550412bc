package conformance_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// silent are the queries that are answered with nothing at all times, which is
// what they are there to show, by why.
var silent = map[string]string{
	"nothing":                                                  noSeries,
	"count(nothing)":                                           noSeries,
	"nothing unless up":                                        noSeries,
	`up{pod="nobody"}`:                                         noSeries,
	`up{pod=~"a.+"}`:                                           "matchers are anchored, and no pod has a longer name",
	"up * vector(2)":                                           "the labels of the sides differ",
	"rate(tick[5s])":                                           "a window that is open to the left holds one sample of a 5 s scrape",
	"increase(late[5m])":                                       "the series has a single sample",
	"topk(0, temperature_celsius)":                             "it is the first none",
	"clamp(temperature_celsius, 1, -1)":                        "its minimum is above its maximum",
	"temperature_celsius != temperature_celsius":               "no value differs from itself, and none is NaN",
	`up > on(pod) up{track="stable"}`:                          "no value is greater than itself",
	`http_request_duration_seconds_count{pod="e"}`:             "its classic histograms are converted to native ones",
	"max(http_request_duration_seconds)":                       noFloats,
	"topk(2, http_request_duration_seconds)":                   noFloats,
	"sort(http_request_duration_seconds)":                      noFloats,
	"abs(gauge_native)":                                        noFloats,
	"quantile_over_time(0.5, gauge_native[1m])":                noFloats,
	"histogram_quantile(0.9, max_over_time(gauge_native[1m]))": noFloats,
	"4 / http_request_duration_seconds":                        "nothing can be divided by a histogram",
	"http_request_duration_seconds + 1":                        "nothing can be added to a histogram but a histogram",
	"http_request_duration_seconds > 1":                        "histograms cannot be compared with numbers",
	"histogram_quantile(0.9, tick)":                            "it has no buckets",
	"histogram_count(tick)":                                    "it is no histogram",
}

const (
	noSeries = "there is no such series"
	noFloats = "histograms are left out"
)

// A query that is answered with nothing at all times shows nothing.
func TestQueriesShowSomething(t *testing.T) {
	unsaid := map[string]bool{}
	for query := range silent {
		unsaid[query] = true
	}
	for _, file := range files(t) {
		for _, query := range queries(t, file) {
			answered, refusedOnce, refused := replies(t, query)
			switch wrong := filepath.Base(file) == "errors.promql"; {
			case wrong && !refused, !wrong && refusedOnce:
				t.Errorf("%s of %s: is refused at some time: %t", query, filepath.Base(file), refused)
			case silent[query] != "" && answered:
				t.Errorf("%s: answers, though %s", query, silent[query])
			case silent[query] == "" && !answered && !wrong:
				t.Errorf("%s of %s: never answers", query, filepath.Base(file))
			}
			delete(unsaid, query)
		}
	}
	for query := range unsaid {
		t.Errorf("%s is not asked", query)
	}
}

// replies reports whether the query is answered with something at any of the
// times at which it is asked, and whether it is refused at one of them, or over
// the range too.
func replies(t *testing.T, query string) (answered, refusedOnce, refused bool) {
	t.Helper()
	all := []question{wholeStory}
	for _, after := range instants {
		all = append(all, question{from: epoch.Add(after)})
	}
	for _, q := range all {
		q.query = query
		got, wrong, err := q.theirs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answered, refused = answered || len(got) > 0, refused || wrong != ""
		refusedOnce = refusedOnce || q.step == 0 && wrong != ""
	}
	return answered, refusedOnce, refused
}

// What "conforms" rests on.
const (
	leastQueries   = 300
	leastFunctions = 20
)

// Queries that are answered, each counted once, and the functions and
// aggregations in them.
func TestThereAreEnoughQueries(t *testing.T) {
	asked, functions, aggregations := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, file := range files(t) {
		for _, query := range queries(t, file) {
			if filepath.Base(file) == "errors.promql" || silent[query] != "" {
				continue
			}
			if asked[query] {
				t.Errorf("%s is asked twice", query)
			}
			asked[query] = true
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
			if err != nil {
				t.Errorf("%s: %s", query, err)
				continue
			}
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				switch n := node.(type) {
				case *parser.Call:
					functions[n.Func.Name] = true
				case *parser.AggregateExpr:
					aggregations[n.Op.String()] = true
				}
				return nil
			})
		}
	}
	if len(asked) < leastQueries || len(functions) < leastFunctions {
		t.Errorf("%d queries of %d functions", len(asked), len(functions))
	}
	var missing []string
	for name, function := range parser.Functions {
		if !function.Experimental && !functions[name] {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("no query has %s", strings.Join(missing, ", "))
	}
	t.Logf("%d queries of %d functions and %d aggregations", len(asked), len(functions), len(aggregations))
}
