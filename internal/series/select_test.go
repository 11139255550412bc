package series_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/signal-delivery/operator/internal/series"
)

func TestMatchers(t *testing.T) {
	s := series.NewStore(series.Limits{})
	appended(
		t, s, second(1),
		float(1, "up", "pod", "a", "track", "stable"), float(1, "up", "pod", "b"), float(1, "up_too", "pod", "a"),
		float(1, "http.server.duration", "service.name", "größe"), float(1, "http.server.duration", "service.name", "x"),
	)
	const (
		upA   = `{__name__="up", pod="a", track="stable"}`
		upB   = `{__name__="up", pod="b"}`
		tooA  = `{__name__="up_too", pod="a"}`
		utf8  = `{__name__="http.server.duration", "service.name"="größe"}`
		other = `{__name__="http.server.duration", "service.name"="x"}`
	)
	for query, want := range map[string][]string{
		`up`:                          {upA, upB},
		`up{pod="a"}`:                 {upA},
		`up{pod!="a"}`:                {upB},
		`up{pod=~"a|b"}`:              {upA, upB},
		`up{pod=~"a.+"}`:              nil, // regular expressions are anchored
		`up{pod!~"b|c"}`:              {upA},
		`up{track=""}`:                {upB},
		`up{track!=""}`:               {upA},
		`up{track=~".*"}`:             {upA, upB},
		`{pod="a"}`:                   {upA, tooA},
		`{__name__=~"up.*",pod="a"}`:  {upA, tooA},
		`{__name__!="up",pod="a"}`:    {tooA},
		`{__name__!~"up_.*",pod="a"}`: {upA},
		`{"http.server.duration"}`:    {utf8, other},
		`{"service.name"="größe"}`:    {utf8},
		`{"service.name"!~"[a-z]+",__name__=~"http.+"}`: {utf8},
		`down`:                          nil,
		`up{pod="a",track="candidate"}`: nil,
	} {
		got := slices.Sorted(maps.Keys(held(t, s, second(0), second(9), selector(t, query)...)))
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

// The time range is of the querier, and the hints may narrow it.
func TestTimeRange(t *testing.T) {
	s := series.NewStore(series.Limits{})
	for i := 1; i <= 5; i++ {
		appended(t, s, second(i), float(float64(i), "a"))
	}
	hint := func(from, to int) *storage.SelectHints {
		return &storage.SelectHints{Start: second(from).UnixMilli(), End: second(to).UnixMilli()}
	}
	for name, tc := range map[string]struct {
		from, to int
		hints    *storage.SelectHints
		want     []string
	}{
		"both ends are included": {2, 4, nil, []string{"2 2", "3 3", "4 4"}},
		"before all":             {-9, 0, nil, nil},
		"after all":              {6, 9, nil, nil},
		"a narrower hint":        {1, 5, hint(2, 3), []string{"2 2", "3 3"}},
		"a wider hint":           {2, 3, hint(0, 9), []string{"2 2", "3 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := s.Queryable().Querier(second(tc.from).UnixMilli(), second(tc.to).UnixMilli())
			if err != nil {
				t.Fatal(err)
			}
			got := content(t, q.Select(t.Context(), false, tc.hints, selector(t, `a`)...))
			if diff := cmp.Diff(tc.want, got[`{__name__="a"}`]); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
			if len(tc.want) == 0 && q.Select(t.Context(), false, tc.hints, selector(t, `a`)...).Next() {
				t.Error("a series without a sample in the range was selected")
			}
		})
	}
}

func TestSelectOrderAndLimit(t *testing.T) {
	s := series.NewStore(series.Limits{})
	appended(t, s, second(1), float(1, "a", "x", "2"), float(1, "a", "x", "3"), float(1, "a", "x", "1"))
	q, err := s.Queryable().Querier(second(0).UnixMilli(), second(9).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		sorted bool
		hints  *storage.SelectHints
		want   []string
	}{
		"as they came":        {false, nil, []string{"2", "3", "1"}},
		"sorted":              {true, nil, []string{"1", "2", "3"}},
		"the first of sorted": {true, &storage.SelectHints{End: second(9).UnixMilli(), Limit: 2}, []string{"1", "2"}},
		"a limit that is met": {true, &storage.SelectHints{End: second(9).UnixMilli(), Limit: 3}, []string{"1", "2", "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for set := q.Select(t.Context(), tc.sorted, tc.hints, selector(t, `a`)...); set.Next(); {
				got = append(got, set.At().Labels().Get("x"))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelectOfAnEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q, err := series.NewStore(series.Limits{}).Queryable().Querier(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if set := q.Select(ctx, false, nil, selector(t, `a`)...); !errors.Is(set.Err(), context.Canceled) {
		t.Errorf("Select = %v, want that the context has ended", set.Err())
	}
}

func TestLabelQueries(t *testing.T) {
	s := series.NewStore(series.Limits{})
	appended(t, s, second(1), float(1, "early", "gone", "1"))
	appended(t, s, second(5), float(1, "up", "pod", "b"), float(1, "up", "pod", "a"), float(1, "other", "track", "stable"))
	q, err := s.Queryable().Querier(second(2).UnixMilli(), second(9).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	two := &storage.LabelHints{Limit: 2}
	up := labels.MustNewMatcher(labels.MatchEqual, "__name__", "up")
	values := func(name string, hints *storage.LabelHints, matchers ...*labels.Matcher) []string {
		got, _, err := q.LabelValues(t.Context(), name, hints, matchers...)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	namesOf := func(hints *storage.LabelHints, matchers ...*labels.Matcher) []string {
		got, _, err := q.LabelNames(t.Context(), hints, matchers...)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for name, tc := range map[string]struct{ got, want []string }{
		"values":             {values("pod", nil), []string{"a", "b"}},
		"values of metrics":  {values("__name__", nil), []string{"other", "up"}},
		"values that match":  {values("track", nil, up), nil},
		"the first value":    {values("pod", &storage.LabelHints{Limit: 1}), []string{"a"}},
		"names":              {namesOf(nil), []string{"__name__", "pod", "track"}},
		"names that match":   {namesOf(nil, up), []string{"__name__", "pod"}},
		"the first of names": {namesOf(two), []string{"__name__", "pod"}},
		"no limit":           {namesOf(&storage.LabelHints{}), []string{"__name__", "pod", "track"}},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}
