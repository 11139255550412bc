package analysis_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/analysis"
	"github.com/signal-delivery/operator/internal/verdict"
)

// counts answers the queries of a metric that asks total and failed.
type counts struct {
	total, failed map[string]float64 // by release
	err           error
}

func (counts) Name() string { return "main" }

func (c counts) Query(_ context.Context, query string, _ time.Time) ([]analysis.Point, error) {
	what, release, _ := strings.Cut(query, " ")
	n, known := map[string]map[string]float64{"total": c.total, "failed": c.failed}[what][release]
	if !known || c.err != nil {
		return nil, c.err
	}
	return []analysis.Point{{Value: n}}, nil
}

func (counts) QueryRange(context.Context, string, time.Time, time.Time, time.Duration) ([][]analysis.Point, error) {
	panic("a test asks as of one moment")
}

func ownQueries(change ...func(*v1alpha1.Metric)) v1alpha1.Metric {
	m := errors()
	m.Errors.TotalQuery, m.Errors.FailedQuery = "total ${release}", "failed ${release}"
	for _, c := range change {
		c(&m)
	}
	return m
}

func seen(n, x, m, y float64) counts {
	return counts{total: map[string]float64{"new": n, "old": m}, failed: map[string]float64{"new": x, "old": y}}
}

func TestWhatATestSays(t *testing.T) {
	alone := func(s *analysis.Subject) { s.Stable = "" }
	beside := func(*analysis.Subject) {}
	ignore := func(m *v1alpha1.Metric) { m.NoData = v1alpha1.NoDataIgnore }
	limited := func(m *v1alpha1.Metric) { m.Errors.Max = "0.05" }
	tooFew := `Metric "errors" is unknown: too few requests of the candidate to tell a good release from a bad one: it takes at least 67 in a step. Send it more traffic, or hold its steps for longer`
	for name, tc := range map[string]struct {
		metric v1alpha1.Metric
		side   func(*analysis.Subject)
		source counts
		want   string
	}{
		"decisive":                  {ownQueries(), beside, seen(20, 10, 180, 0), `Failed WorseThanStable Metric "errors" has found more errors than chance can explain: 10 of 20 requests failed, of the stable release 0 of 180, beyond its maxIncrease 0.01`},
		"good":                      {ownQueries(), beside, seen(200, 0, 1800, 3), `Passed WithinLimits Metric "errors" is within its limits: <= stable + 0.01`},
		"no requests":               {ownQueries(), beside, seen(0, 0, 180, 0), "Unknown InsufficientData " + tooFew},
		"some requests":             {ownQueries(), beside, seen(7, 0, 63, 0), "Unknown InsufficientData " + tooFew},
		"perhaps by chance":         {ownQueries(), beside, seen(80, 2, 720, 1), `Unknown Undecided Metric "errors" is unknown: more requests of the candidate fail than are allowed, which may be chance: more requests will tell`},
		"no requests, ignored":      {ownQueries(ignore), beside, seen(0, 0, 180, 0), `Passed NoDataIgnored Metric "errors" has no requests to judge, which its noData policy ignores`},
		"no answer, ignored":        {ownQueries(ignore), beside, counts{}, `Passed NoDataIgnored Metric "errors" has no requests to judge, which its noData policy ignores`},
		"no answer":                 {ownQueries(), beside, counts{}, `Unknown NoData Metric "errors" is unknown: no requests are counted; check the name of the counter and its labels, and that the release gets traffic`},
		"few requests, not ignored": {ownQueries(ignore), beside, seen(7, 0, 63, 0), "Unknown InsufficientData " + tooFew},
		"a server that is down":     {ownQueries(ignore), beside, counts{err: context.DeadlineExceeded}, `Unknown ServerUnavailable Metric "errors" is unknown: metric server main does not answer; the operator goes on asking`},
		"more failed than came":     {ownQueries(), beside, seen(20, 21, 180, 0), `Unknown OddCounts Metric "errors" is unknown: the queries do not count requests: what failed must be part of the total, and neither can be negative or infinite`},
		"odd of the stable release": {ownQueries(), beside, seen(20, 10, -1, 0), `Unknown OddCounts Metric "errors" is unknown: there are no requests of the stable release to compare with: the queries do not count requests: what failed must be part of the total, and neither can be negative or infinite`},
		"first release":             {ownQueries(), alone, seen(20, 10, 0, 0), `Passed NothingToCompare Metric "errors" has only limits relative to a stable release, and there is none under traffic to compare with`},
		"first release, limited":    {ownQueries(limited), alone, seen(20, 10, 0, 0), `Failed OutsideLimits Metric "errors" has found more errors than chance can explain: 10 of 20 requests failed, beyond its max 0.05`},
		"first release, good":       {ownQueries(limited), alone, seen(50, 0, 0, 0), `Passed WithinLimits Metric "errors" is within its limits: <= 0.05`},
		"first release, quiet":      {ownQueries(limited), alone, seen(9, 0, 0, 0), strings.Replace("Unknown InsufficientData "+tooFew, "67", "50", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			who, now := subject(30)
			tc.side(&who)
			v := once(t, tc.source, tc.metric, who, now)
			if diff := cmp.Diff(tc.want, strings.Join([]string{string(v.Outcome), v.Reason, v.Message}, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATestKeepsItsEvidence(t *testing.T) {
	who, now := subject(9)
	v := once(t, seen(19, 0, 180, 1), ownQueries(), who, now)
	want := &verdict.Evidence{
		Value: "0", Baseline: "0.00555556", Threshold: "<= stable + 0.01", Query: "(failed new) / (total new)", Window: "10s", Source: "main",
		Statistic: "0 of 19 requests failed, of the stable release 1 of 180; p 1, decisive at 0.00333333",
	}
	needed := v.Evidence.Needed
	v.Evidence.Needed, v.Evidence.Time = "", want.Time
	if diff := cmp.Diff(want, v.Evidence); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(needed, " at the present 1.9 a second") || !strings.Contains(needed, " more requests of the candidate, ") {
		t.Errorf("needs %q", needed)
	}
	if v := once(t, seen(0, 0, 180, 1), ownQueries(), who, now); v.Evidence.Needed != "67 more requests of the candidate, which gets none" {
		t.Errorf("needs %q", v.Evidence.Needed)
	}
}

// What is waited for is told in the same words from look to look.
func TestWaitingIsToldInTheSameWords(t *testing.T) {
	said := map[string]bool{}
	for i := range 40 {
		who, now := subject(i)
		v := once(t, seen(float64(i), 0, 9*float64(i), 0), ownQueries(), who, now)
		if v.Outcome != verdict.Unknown {
			t.Fatalf("%d requests: %s", i, v.Outcome)
		}
		said[v.Reason+v.Message] = true
	}
	if len(said) != 1 {
		t.Errorf("said %v", said)
	}
}

// Evidence against a release stays: a restart forgets the counts, not that.
func TestAfterARestart(t *testing.T) {
	m := ownQueries()
	v := analysis.Judge(m, analysis.Record{}, v1alpha1.MetricTally{Name: "errors", Failures: 1, Consecutive: 1})
	if v.Outcome != verdict.Failed || v.Reason != analysis.ReasonWorse {
		t.Errorf("%s %s", v.Outcome, v.Reason)
	}
	if v := analysis.Judge(m, analysis.Record{}, v1alpha1.MetricTally{Name: "errors"}); v.Outcome != verdict.Unknown || v.Evidence.Query != "(failed ${release}) / (total ${release})" {
		t.Errorf("%s, %+v", v.Outcome, v.Evidence)
	}
}

// Alpha is that of the whole release: its parts share it.
func TestPartsShareAlpha(t *testing.T) {
	for name, tc := range map[string]struct {
		steps   int
		limited bool
		want    string
	}{
		"no steps":                     {0, false, "decisive at 0.01"},
		"five steps":                   {5, false, "decisive at 0.002"},
		"also against a limit":         {1, true, "decisive at 0.001"}, // half of a fifth
		"five, also against a limit":   {6, true, "decisive at 0.0005"},
		"one step, nothing but stable": {1, false, "decisive at 0.01"},
	} {
		t.Run(name, func(t *testing.T) {
			who, now := subject(9)
			who.Steps = tc.steps
			m := ownQueries()
			if tc.limited {
				m.Errors.Max = "0.05"
			}
			if got := once(t, seen(19, 0, 180, 1), m, who, now).Evidence.Statistic; !strings.HasSuffix(got, tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestTestsAreValidated(t *testing.T) {
	for name, tc := range map[string]struct {
		metric v1alpha1.Metric
		want   string
	}{
		"the defaults": {errors(), ""},
		"of latency":   {latency(), ""},
		"own queries":  {ownQueries(func(m *v1alpha1.Metric) { m.Errors.TotalQuery, m.Errors.FailedQuery = "sum(x[${window}])", "y" }), "errors.totalQuery"},
		"own queries that work": {ownQueries(func(m *v1alpha1.Metric) {
			m.Errors.TotalQuery, m.Errors.FailedQuery = "sum(increase(x[${window}]))", "y"
		}), ""},
		"a failed query":        {ownQueries(func(m *v1alpha1.Metric) { m.Errors.TotalQuery, m.Errors.FailedQuery = "x", "y{" }), "errors.failedQuery"},
		"failed":                {metricWith(func(e *v1alpha1.ErrorsTest) { e.Failed = "code=~5.." }), "errors.failed"},
		"failed by name":        {metricWith(func(e *v1alpha1.ErrorsTest) { e.Failed = `__name__="x"` }), "must not match the metric's name"},
		"matchers":              {metricWith(func(e *v1alpha1.ErrorsTest) { e.Matchers = `route!="/healthz"` }), ""},
		"matchers with a comma": {metricWith(func(e *v1alpha1.ErrorsTest) { e.Matchers = `route!="/healthz",` }), ""},
		"matchers that are not": {metricWith(func(e *v1alpha1.ErrorsTest) { e.Matchers = `route}` }), "errors.matchers"},
		"a variable":            {metricWith(func(e *v1alpha1.ErrorsTest) { e.Matchers = `route="${nothing}"` }), "${nothing} is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.metric.Server = "main"
			err := analysis.Validate(v1alpha1.AnalysisSpec{Metrics: []v1alpha1.Metric{tc.metric}}, []string{"main"})
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func metricWith(change func(*v1alpha1.ErrorsTest)) v1alpha1.Metric {
	m := errors()
	change(m.Errors)
	return m
}
