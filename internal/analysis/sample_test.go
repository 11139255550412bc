package analysis

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestASampleKeepsItsEvidence(t *testing.T) {
	m := bounds{most: "0.01", maxRatio: "2"}.metric()
	m.Query = `rate(x{release="${release}"}[${window}])`
	source := one(map[string]float64{`rate(x{release="new"}[1m30s])`: 0.5, `rate(x{release="old"}[1m30s])`: 0.25})
	want := Sample{
		Time: noon, Outcome: verdict.Failed, Reason: ReasonOutside, Message: "was 0.5, above its maximum 0.01",
		Value: new(0.5), Baseline: new(0.25), Threshold: "<= 0.01, <= 2 * stable",
		Query: `rate(x{release="new"}[1m30s])`, Window: 90 * time.Second, Source: "main",
	}
	if diff := cmp.Diff(want, Take(t.Context(), source, m, app, noon)); diff != "" {
		t.Error(diff)
	}
}

// Silence is not consent: whatever there is instead of a number is Unknown,
// and only where the server did answer does the policy say otherwise.
func TestWithoutANumber(t *testing.T) {
	for name, tc := range map[string]struct {
		series  [][]float64
		err     error
		reason  string
		message string
		policy  bool // whether noData is asked
	}{
		"no series":              {reason: ReasonNoData, message: "the query answers with no data; check its labels, and that the release gets traffic", policy: true},
		"NaN":                    {series: [][]float64{{math.NaN()}}, reason: ReasonNotANumber, message: "the query answers with NaN, as a division of zero by zero does; check that the release gets traffic", policy: true},
		"two series":             {series: [][]float64{{0}, {0}}, reason: ReasonSeveral, message: "the query answers with several series; aggregate them, for example with sum()"},
		"refused":                {err: fmt.Errorf("%w: too many samples", ErrRejected), reason: ReasonRejected, message: "the server rejects the query: too many samples"},
		"not made of numbers":    {err: fmt.Errorf("%w: it answers with a string", ErrType), reason: ReasonNotNumbers, message: "the query does not answer with numbers: it answers with a string"},
		"the server's status":    {err: fmt.Errorf("ask: %w", &UnavailableError{How: "answers with server error: 503", Err: errBroken}), reason: ReasonUnavailable, message: "metric server main answers with server error: 503; the operator goes on asking"},
		"no words that change":   {err: errBroken, reason: ReasonUnavailable, message: "metric server main does not answer; the operator goes on asking"},
		"an error and an answer": {series: [][]float64{{0}}, err: errBroken, reason: ReasonUnavailable, message: "metric server main does not answer; the operator goes on asking"},
	} {
		for _, policy := range []v1alpha1.NoDataPolicy{v1alpha1.NoDataUnknown, v1alpha1.NoDataFail, v1alpha1.NoDataIgnore, ""} {
			t.Run(fmt.Sprintf("%s, noData %q", name, policy), func(t *testing.T) {
				m := bounds{most: "1"}.metric()
				m.NoData = policy
				want := Sample{Time: noon, Outcome: verdict.Unknown, Reason: tc.reason, Message: tc.message, Threshold: "<= 1", Query: "new", Source: "main"}
				if tc.policy && policy == v1alpha1.NoDataFail {
					want.Outcome, want.Message = verdict.Failed, "had no data, which its noData policy fails: "+tc.message
				}
				if tc.policy && policy == v1alpha1.NoDataIgnore {
					want.Outcome, want.Reason = verdict.Passed, ReasonIgnored
				}
				source := fake{series: map[string][][]float64{"new": tc.series}, errs: map[string]error{"new": tc.err}}
				if diff := cmp.Diff(want, Take(t.Context(), source, m, app, noon)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// Nothing to compare with is Unknown, whatever the policy on the candidate's
// data; but a value that breaks an absolute limit fails all the same.
func TestWithoutABaseline(t *testing.T) {
	for name, tc := range map[string]struct {
		value  float64
		series [][]float64
		err    error
		want   string
	}{
		"no data":                  {value: 1, want: "Unknown NoBaseline there is no value of the stable release to compare with: the query answers with no data; check its labels, and that the release gets traffic"},
		"NaN":                      {value: 1, series: [][]float64{{math.NaN()}}, want: "Unknown NoBaseline there is no value of the stable release to compare with: the query answers with NaN, as a division of zero by zero does; check that the release gets traffic"},
		"several series":           {value: 1, series: [][]float64{{1}, {1}}, want: "Unknown SeveralSeries there is no value of the stable release to compare with: the query answers with several series; aggregate them, for example with sum()"},
		"no answer":                {value: 1, err: errBroken, want: "Unknown ServerUnavailable there is no value of the stable release to compare with: metric server main does not answer; the operator goes on asking"},
		"an absolute limit broken": {value: 9, want: "Failed OutsideLimits was 9, above its maximum 5"},
	} {
		for _, policy := range []v1alpha1.NoDataPolicy{v1alpha1.NoDataUnknown, v1alpha1.NoDataFail, v1alpha1.NoDataIgnore} {
			t.Run(fmt.Sprintf("%s, noData %s", name, policy), func(t *testing.T) {
				m := bounds{most: "5", maxRatio: "2"}.metric()
				m.NoData = policy
				source := fake{series: map[string][][]float64{"new": {{tc.value}}, "old": tc.series}, errs: map[string]error{"old": tc.err}}
				got := Take(t.Context(), source, m, app, noon)
				if text := fmt.Sprint(got.Outcome, " ", got.Reason, " ", got.Message); text != tc.want || got.Baseline != nil {
					t.Errorf("got %q, baseline %v\nwant %q", text, got.Baseline, tc.want)
				}
			})
		}
	}
}

func TestTheWindowIsHowLongTheReleaseHasBeenJudged(t *testing.T) {
	for name, tc := range map[string]struct {
		judged time.Duration
		limit  int32 // of the range; 0 is an instant query
		query  string
		want   time.Duration
		asked  string
	}{
		"an instant":                      {judged: time.Minute, query: "x"},
		"an instant over the window":      {judged: time.Minute, query: "x[${window}]", want: time.Minute},
		"the window is not limited":       {judged: 25 * time.Hour, query: "x[${window}]", want: 25 * time.Hour},
		"a range shorter than the window": {judged: 10 * time.Second, limit: 60, query: "x", want: 10 * time.Second, asked: "10s, from 12:00:00 back by 2s"},
		"a range as long as it may be":    {judged: time.Hour, limit: 60, query: "x", want: time.Minute, asked: "1m0s, from 12:00:00 back by 2s"},
		"a range that has just begun":     {judged: 0, limit: 60, query: "x", want: time.Second, asked: "1s, from 12:00:00 back by 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			asked, m, s := "", bounds{most: "1"}.metric(), app
			m.Query, s.Since = tc.query, noon.Add(-tc.judged)
			if tc.limit > 0 {
				m.Range = &v1alpha1.MetricRange{WindowSeconds: tc.limit, StepSeconds: 2}
			}
			got := Take(t.Context(), fake{asked: &asked}, m, s, noon)
			if got.Window != tc.want || asked != tc.asked {
				t.Errorf("covers %s, want %s; asked %q, want %q", got.Window, tc.want, asked, tc.asked)
			}
		})
	}
}

func TestARangeBecomesOneNumber(t *testing.T) {
	nan := math.NaN()
	for name, tc := range map[string]struct {
		reduce v1alpha1.Reduction
		points []float64
		want   float64
	}{
		"average":                  {v1alpha1.ReduceAvg, []float64{1, 2, 6}, 3},
		"average when absent":      {"", []float64{1, 2, 6}, 3},
		"least":                    {v1alpha1.ReduceMin, []float64{2, 1, 6}, 1},
		"greatest":                 {v1alpha1.ReduceMax, []float64{1, 6, 2}, 6},
		"greatest below zero":      {v1alpha1.ReduceMax, []float64{-3, -1, -2}, -1},
		"least above zero":         {v1alpha1.ReduceMin, []float64{3, 1, 2}, 1},
		"last":                     {v1alpha1.ReduceLast, []float64{1, 6, 2}, 2},
		"sum":                      {v1alpha1.ReduceSum, []float64{1, 6, 2}, 9},
		"NaN is left out":          {v1alpha1.ReduceAvg, []float64{nan, 1, nan, 3, nan}, 2},
		"the last that is no NaN":  {v1alpha1.ReduceLast, []float64{1, 6, nan}, 6},
		"infinity is not left out": {v1alpha1.ReduceMax, []float64{1, math.Inf(1)}, math.Inf(1)},
	} {
		t.Run(name, func(t *testing.T) {
			m := bounds{most: "1"}.metric()
			m.Range = &v1alpha1.MetricRange{WindowSeconds: 60, StepSeconds: 1, Reduce: tc.reduce}
			got := Take(t.Context(), fake{series: map[string][][]float64{"new": {tc.points}}}, m, app, noon)
			if got.Value == nil || *got.Value != tc.want {
				t.Errorf("got %v, want %v", textOf(got.Value), tc.want)
			}
		})
	}
}

func TestARangeOfNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		series [][]float64
		want   string
	}{
		"no series":   {nil, ReasonNoData},
		"no points":   {[][]float64{{}}, ReasonNoData},
		"only NaN":    {[][]float64{{math.NaN(), math.NaN()}}, ReasonNotANumber},
		"two series":  {[][]float64{{1}, {}}, ReasonSeveral},
		"both limits": {[][]float64{{math.Inf(1), math.Inf(-1)}}, ReasonNotANumber},
	} {
		t.Run(name, func(t *testing.T) {
			m := bounds{most: "1"}.metric()
			m.Range = &v1alpha1.MetricRange{WindowSeconds: 60}
			got := Take(t.Context(), fake{series: map[string][][]float64{"new": tc.series}}, m, app, noon)
			if got.Outcome != verdict.Unknown || got.Reason != tc.want || got.Value != nil {
				t.Errorf("got %s %s of %s, want Unknown %s", got.Outcome, got.Reason, textOf(got.Value), tc.want)
			}
		})
	}
}
