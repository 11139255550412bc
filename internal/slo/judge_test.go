package slo

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// sample is one that was answered.
func sample(at int, failed, total, rate, seen float64) Sample {
	return Sample{Time: second(at), Failed: &failed, Total: &total, Rate: &rate, Seen: &seen, Query: "share", Source: "built-in"}
}

func unanswered(at int, reason string) Sample {
	return Sample{Time: second(at), Query: "share", Source: "built-in", Reason: reason, Problem: "it does not say"}
}

func after(samples ...Sample) Account {
	a := Open(start, nil)
	for _, s := range samples {
		a = a.Add(s)
	}
	return a
}

// The budget of 99.9 % at 100 requests per second is 259,200 of 30 days.
func TestJudge(t *testing.T) {
	for name, tc := range map[string]struct {
		slo     v1alpha1.SLO
		account Account
		outcome v1alpha1.Outcome
		reason  string
		message string
	}{
		"within": {
			available(limited("0.05")), after(sample(60, 2592, 60000, 100, 30000)), verdict.Passed, ReasonWithin,
			`Objective "api" (all: 99.9 % succeed): the release consumed 1 % of its error budget of 30 days (2592 of 60000 requests, burn rate 43.2), no more than its maxBudgetBurn of 5 %`,
		},
		"exactly at the limit": {
			available(limited("0.01")), after(sample(60, 2592, 60000, 100, 30000)), verdict.Passed, ReasonWithin,
			`Objective "api" (all: 99.9 % succeed): the release consumed 1 % of its error budget of 30 days (2592 of 60000 requests, burn rate 43.2), no more than its maxBudgetBurn of 1 %`,
		},
		"more": {
			available(limited("0.009")), after(sample(60, 2592, 60000, 100, 30000)), verdict.Failed, ReasonBurned,
			`Objective "api" (all: 99.9 % succeed): the release consumed 1 % of its error budget of 30 days (2592 of 60000 requests, burn rate 43.2), more than its maxBudgetBurn of 0.9 %`,
		},
		"more, perhaps": {
			available(limited("0.009")), after(sample(60, 2592, 60000, 100, 30)), verdict.Unknown, ReasonClose,
			`Objective "api" (all: 99.9 % succeed): there are too few requests to tell whether the release consumed more than 0.9 % of its error budget, which is its maxBudgetBurn`,
		},
		"nothing may fail, and one did": {
			available(limited("0")), after(sample(60, 1, 60000, 100, 30000)), verdict.Failed, ReasonBurned,
			`Objective "api" (all: 99.9 % succeed): the release consumed 0.000386 % of its error budget of 30 days (1 of 60000 requests, burn rate 0.0167), more than its maxBudgetBurn of 0 %`,
		},
		"nothing may fail, and none did": {
			available(limited("0")), after(sample(60, 0, 60000, 100, 30000)), verdict.Passed, ReasonWithin,
			`Objective "api" (all: 99.9 % succeed): the release consumed 0 % of its error budget of 30 days (0 of 60000 requests, burn rate 0), no more than its maxBudgetBurn of 0 %`,
		},
		"without a limit": {
			available(), after(sample(60, 259200, 600000, 100, 30000)), verdict.Passed, ReasonNoLimit,
			`Objective "api" (all: 99.9 % succeed): the release consumed 100 % of its error budget of 30 days (259200 of 600000 requests, burn rate 432); no maxBudgetBurn limits it`,
		},
		"without a limit or data": {
			available(), after(unanswered(60, ReasonNoData)), verdict.Passed, ReasonIgnored,
			`Objective "api" (all: 99.9 % succeed): what the release consumed of its error budget cannot be told, and limits nothing: it does not say`,
		},
		"a route, in time": {
			fast(limited("0.05"), route("/v1/signals")), after(sample(60, 0, 6000, 100, 30000)), verdict.Passed, ReasonWithin,
			`Objective "fast" (/v1/signals: 99 % within 0.3s): the release consumed 0 % of its error budget of 30 days (0 of 6000 requests, burn rate 0), no more than its maxBudgetBurn of 5 %`,
		},
		"not asked yet": {
			available(limited("0.05")), after(), verdict.Unknown, ReasonNotSampled,
			`Objective "api" (all: 99.9 % succeed): what the release consumed of its error budget is unknown: nobody has been asked yet`,
		},
		"no data": {
			available(limited("0.05")), after(unanswered(60, ReasonNoData)), verdict.Unknown, ReasonNoData,
			`Objective "api" (all: 99.9 % succeed): what the release consumed of its error budget is unknown: it does not say`,
		},
		"no requests": {
			available(limited("0.05")), after(sample(60, 0, 0, 100, 30000)), verdict.Unknown, ReasonNoRequests,
			`Objective "api" (all: 99.9 % succeed): what the release consumed of its error budget is unknown: the release has not answered any request of this operation yet, or too few are known to say how fast they come`,
		},
		"no sample in a young window": {
			available(limited("0.05")), after(sample(130, 1, 6000, 100, 30000), unanswered(131, ReasonNoData)), verdict.Passed, ReasonWithin,
			`Objective "api" (all: 99.9 % succeed): the release consumed 0.000386 % of its error budget of 30 days (1 of 6000 requests, burn rate 0.167), no more than its maxBudgetBurn of 5 %`,
		},
		"no sample in an old window": {
			available(limited("0.05")), after(sample(130, 1, 6000, 100, 30000), unanswered(250, ReasonNoData)), verdict.Unknown, ReasonNoData,
			`Objective "api" (all: 99.9 % succeed): what the release consumed of its error budget is unknown: no request of the operation has been known for a while`,
		},
		"a server that is down": {
			available(limited("0.05")), after(sample(60, 1, 6000, 100, 30000), unanswered(61, "ServerUnavailable")), verdict.Unknown, "ServerUnavailable",
			`Objective "api" (all: 99.9 % succeed): what the release consumed of its error budget is unknown: it does not say`,
		},
		"a server that is down, when too much is spent already": {
			available(limited("0.009")), after(sample(60, 2592, 60000, 100, 30000), unanswered(61, "ServerUnavailable")), verdict.Failed, ReasonBurned,
			`Objective "api" (all: 99.9 % succeed): the release consumed 1 % of its error budget of 30 days (2592 of 60000 requests, burn rate 43.2), more than its maxBudgetBurn of 0.9 %`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := Judge(tc.slo, tc.account)
			if v.Kind != v1alpha1.SignalSLO || v.Name != tc.slo.Name || v.Outcome != tc.outcome || v.Reason != tc.reason {
				t.Errorf("%s %s %s %s", v.Kind, v.Name, v.Outcome, v.Reason)
			}
			if diff := cmp.Diff(tc.message, v.Message); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEvidence(t *testing.T) {
	want := &verdict.Evidence{
		Value: "0.01 (0.00989 to 0.0101): 2592 of 60000 requests", Threshold: "<= 0.05", Query: "share", Window: "1m0s", Source: "built-in", Time: metav1.NewTime(second(60)),
	}
	if diff := cmp.Diff(want, Judge(available(limited("0.05")), after(sample(60, 2592, 60000, 100, 30000))).Evidence); diff != "" {
		t.Error(diff)
	}
	want = &verdict.Evidence{Query: "share", Source: "built-in", Time: metav1.NewTime(second(60))}
	if diff := cmp.Diff(want, Judge(available(), after(unanswered(60, ReasonNoData))).Evidence); diff != "" {
		t.Error(diff)
	}
}

// Requests come at random: the rate that they seem to come at is within its
// bounds in nineteen cases of twenty, so that a release is turned back wrongly,
// by being at its limit, in one of forty.
func TestBoundsHold(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, mean := range []float64{2, 10, 100} {
		below, above := 0, 0
		for range 20000 {
			n, passed := -1.0, 0.0
			for passed < mean {
				passed += random.ExpFloat64()
				n++
			}
			if n < 1 {
				continue
			}
			least, most := bounds(n)
			if most < mean {
				below++
			}
			if least > mean {
				above++
			}
		}
		if below > 700 || above > 700 {
			t.Errorf("of 20000 with mean %v, %d were taken for less and %d for more, want 500 or so", mean, below, above)
		}
	}
}

// Law 8: whatever is answered, and however seldom, silence alone neither passes
// a limit nor breaks one; what was spent is never taken back; and without a
// limit nothing is held up.
func TestSilenceIsNoConsent(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	odd := []float64{0, 1, 7, 5000, math.NaN(), math.Inf(1)}
	for range 20000 {
		a, at, answered := Open(start, nil), 0, false
		for range random.IntN(8) {
			at += random.IntN(200)
			s := unanswered(at, []string{ReasonNoData, "ServerUnavailable"}[random.IntN(2)])
			if random.IntN(3) > 0 {
				answered = true
				s = sample(at, odd[random.IntN(4)], odd[random.IntN(4)], odd[random.IntN(len(odd))], odd[random.IntN(len(odd))])
			}
			was := a
			if a = a.Add(s); a.Failed < was.Failed || a.Total < was.Total || a.Failed > a.Total || a.Since.Before(was.Since) {
				t.Fatalf("%+v became %+v", was, a)
			}
		}
		if v := Judge(available(limited("0.5")), a); !answered && v.Outcome != verdict.Unknown {
			t.Fatalf("silence gave %s: %s", v.Outcome, v.Message)
		}
		if v := Judge(available(), a); v.Outcome != verdict.Passed {
			t.Fatalf("without a limit, it is %s: %s", v.Outcome, v.Message)
		}
		if again := Open(start, new(a.Record(available()))); again.Since.After(a.heard) || math.Abs(again.Failed-a.Failed) > 0.5 {
			t.Fatalf("%+v was remembered as %+v", a, again)
		}
	}
}

func TestRecord(t *testing.T) {
	s := available(limited("0.05"), route("/v1/signals"))
	want := v1alpha1.BudgetRecord{
		Name: "api", Operation: "/v1/signals", Objective: "99.9 % succeed", WindowDays: 30, Failed: 2592, Total: 60000,
		BurnRate: "43.2", Consumed: "0.01", Limit: "0.05", Time: metav1.NewMicroTime(second(60)),
	}
	if diff := cmp.Diff(want, after(sample(60, 2592, 60000, 100, 30000), unanswered(61, ReasonNoData)).Record(s)); diff != "" {
		t.Error(diff)
	}
	want = v1alpha1.BudgetRecord{Name: "fast", Operation: "all", Objective: "99 % within 0.3s", WindowDays: 30, Time: metav1.NewMicroTime(start)}
	if diff := cmp.Diff(want, after().Record(fast())); diff != "" {
		t.Error(diff)
	}
}

func TestDue(t *testing.T) {
	a := after(sample(60, 0, 1, 1, 1))
	for name, tc := range map[string]struct {
		account Account
		at      time.Time
		want    bool
	}{
		"never asked":       {after(), second(60), true},
		"just asked":        {a, second(60), false},
		"a little early":    {a, second(60).Add(950 * time.Millisecond), true},
		"too early":         {a, second(60).Add(850 * time.Millisecond), false},
		"a clock that went": {a, second(50), true},
	} {
		if got := tc.account.Due(time.Second, tc.at); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
