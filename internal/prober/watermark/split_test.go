package watermark

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

func TestSplit(t *testing.T) {
	good := serve(t, signed(t, candidate, secret, signals))
	old := serve(t, signed(t, stable, secret, signals))
	plain := serve(t, http.HandlerFunc(signals))
	other := serve(t, signed(t, stranger, secret, signals))
	forged := serve(t, signed(t, candidate, strings.Repeat("k", 32), signals))
	turns := func(percent int, other string) func(int) string { // the first of each hundred
		return func(n int) string {
			if n%100 < percent {
				return good
			}
			return other
		}
	}
	for name, tc := range map[string]struct {
		to       func(int) string
		weight   int32
		want     string
		outcome  v1alpha1.Outcome
		value    string
		baseline string
	}{
		"as it should be":              {turns(25, old), 25, ReasonSplit, verdict.Passed, "25.0 % of 200", "75.0 % of 200"},
		"nearly":                       {turns(28, old), 25, ReasonSplit, verdict.Passed, "28.0 % of 200", "72.0 % of 200"},
		"the stable one does not sign": {turns(25, plain), 25, ReasonSplit, verdict.Passed, "25.0 % of 200", "0.0 % of 200"},
		"everything":                   {always(good), 25, ReasonSplitWrong, verdict.Failed, "100.0 % of 200", "0.0 % of 200"},
		"nothing":                      {always(old), 25, ReasonSplitWrong, verdict.Failed, "0.0 % of 200", "100.0 % of 200"},
		"nothing signed":               {always(plain), 25, ReasonSplitWrong, verdict.Failed, "0.0 % of 200", "0.0 % of 200"},
		"twice the weight":             {turns(50, old), 25, ReasonSplitWrong, verdict.Failed, "50.0 % of 200", "50.0 % of 200"},
		"one too many for nothing":     {turns(1, old), 0, ReasonSplitWrong, verdict.Failed, "1.0 % of 200", "99.0 % of 200"},
		"one too few for all":          {turns(99, old), 100, ReasonSplitWrong, verdict.Failed, "99.0 % of 200", "1.0 % of 200"},
		"all of all":                   {always(good), 100, ReasonSplit, verdict.Passed, "100.0 % of 200", "0.0 % of 200"},
		"a third release":              {turns(25, other), 25, ReasonMisrouted, verdict.Failed, "25.0 % of 200", "0.0 % of 200"},
		"another key":                  {turns(25, forged), 25, ReasonForged, verdict.Failed, "25.0 % of 200", "0.0 % of 200"},
		"no answers":                   {always(""), 25, ReasonSplitUnknown, verdict.Unknown, "", ""},
		"the gateway is late": {
			func(n int) string { return map[bool]string{true: old, false: turns(25, old)(n)}[n <= 200] },
			25, ReasonSplit, verdict.Passed, "25.0 % of 200", "75.0 % of 200",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := probe(serve(t, gateway(t, tc.to, nil))).Split(t.Context(), 200, tc.weight)
			if v.Reason != tc.want || v.Outcome != tc.outcome || v.Kind != v1alpha1.SignalWatermark {
				t.Errorf("got %s %s: %s", v.Outcome, v.Reason, v.Message)
			}
			if diff := cmp.Diff([]string{tc.value, tc.baseline}, []string{v.Evidence.Value, v.Evidence.Baseline}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWhatASplitSays is the whole of a verdict.
func TestWhatASplitSays(t *testing.T) {
	good, old := serve(t, signed(t, candidate, secret, signals)), serve(t, signed(t, stable, secret, signals))
	v := probe(serve(t, gateway(t, func(n int) string { return map[bool]string{true: good, false: old}[n%4 == 0] }, nil))).Split(t.Context(), 500, 25)
	want := verdict.Verdict{
		Kind: v1alpha1.SignalWatermark, Outcome: verdict.Passed, Reason: ReasonSplit,
		Message: "The traffic is split as the routes say: the candidate answered 125 of 500 requests at the entry, 25.0 % for a weight of 25 % (375 of release 11aa22bb33, 125 of release 7f3a9c0d1e)",
		Evidence: &verdict.Evidence{
			Value: "25.0 % of 500", Baseline: "75.0 % of 500", Threshold: "18.8 % to 31.6 %", Samples: 500, Window: "10s",
			Query:     "GET /v1/signals at the entry, 500 times, each with a nonce of its own; round 1 of at most 3",
			Statistic: "exact binomial, two-sided alpha 0.001: 94 to 158 of 500 at 25 %; 375 of release 11aa22bb33, 125 of release 7f3a9c0d1e",
		},
	}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
}

// TestAGatewayThatTakesChances is believed when it is right, and found out
// when it is not.
func TestAGatewayThatTakesChances(t *testing.T) {
	good, old := serve(t, signed(t, candidate, secret, signals)), serve(t, signed(t, stable, secret, signals))
	for name, tc := range map[string]struct {
		share  float64
		weight int32
		want   string
	}{
		"5 % as 5 %": {0.05, 5, ReasonSplit}, "50 % as 50 %": {0.5, 50, ReasonSplit}, "90 % as 90 %": {0.9, 90, ReasonSplit},
		"5 % as 15 %": {0.05, 15, ReasonSplitWrong}, "15 % as 5 %": {0.15, 5, ReasonSplitWrong}, "50 % as 66 %": {0.5, 66, ReasonSplitWrong},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(1, 2))
			v := probe(serve(t, gateway(t, func(int) string {
				mu.Lock()
				defer mu.Unlock()
				return map[bool]string{true: good, false: old}[random.Float64() < tc.share]
			}, nil))).Split(t.Context(), 500, tc.weight)
			if v.Reason != tc.want {
				t.Errorf("%s: %s", v.Reason, v.Message)
			}
		})
	}
}

// TestIntervalIsExact holds the interval against fractions that lose nothing:
// each tail beyond it has at most half of alpha, and would have more with one
// more count.
func TestIntervalIsExact(t *testing.T) {
	half := big.NewRat(5, 10000)
	for _, n := range []int{1, 2, 10, 100, 333, 500} {
		for _, weight := range []int32{1, 5, 25, 50, 66, 99} {
			lo, hi := interval(n, weight)
			below := func(k int) *big.Rat { return tail(n, 0, k-1, weight) } // P(X < k)
			above := func(k int) *big.Rat { return tail(n, k+1, n, weight) } // P(X > k)
			if below(lo).Cmp(half) > 0 || above(hi).Cmp(half) > 0 || below(lo+1).Cmp(half) <= 0 || above(hi-1).Cmp(half) <= 0 {
				t.Errorf("%d at %d %%: %d to %d", n, weight, lo, hi)
			}
		}
	}
}

// tail is the probability of from to to of n.
func tail(n, from, to int, weight int32) *big.Rat {
	sum := new(big.Int)
	for k := from; k <= to; k++ {
		term := new(big.Int).Binomial(int64(n), int64(k))
		term.Mul(term, new(big.Int).Exp(big.NewInt(int64(weight)), big.NewInt(int64(k)), nil))
		sum.Add(sum, term.Mul(term, new(big.Int).Exp(big.NewInt(int64(100-weight)), big.NewInt(int64(n-k)), nil)))
	}
	return new(big.Rat).SetFrac(sum, new(big.Int).Exp(big.NewInt(100), big.NewInt(int64(n)), nil))
}

// TestIntervalsOfEverySize are within bounds, around the weight, and mirrored.
func TestIntervalsOfEverySize(t *testing.T) {
	for _, n := range []int{0, 1, 100, 5000} {
		for weight := range int32(101) {
			lo, hi := interval(n, weight)
			otherLo, otherHi := interval(n, 100-weight)
			mean := float64(n) * float64(weight) / 100
			if lo < 0 || hi > n || float64(lo) > mean || float64(hi) < mean || otherLo != n-hi || otherHi != n-lo {
				t.Errorf("%d at %d %%: %d to %d, mirrored %d to %d", n, weight, lo, hi, otherLo, otherHi)
			}
		}
	}
}

// TestFalseAlarms is how often a split that is right is taken for a wrong one
// in one round: not more often than alpha.
func TestFalseAlarms(t *testing.T) {
	random := rand.New(rand.NewPCG(9421, 1934))
	for _, weight := range []int32{5, 25, 50} {
		lo, hi := interval(500, weight)
		const trials = 20000
		wrong := 0
		for range trials {
			k := 0
			for range 500 {
				if random.IntN(100) < int(weight) {
					k++
				}
			}
			if k < lo || k > hi {
				wrong++
			}
		}
		if limit := trials * alpha * 1.7; float64(wrong) > limit { // three deviations above the mean
			t.Errorf("%d %%: %d of %d, of which %s are allowed", weight, wrong, trials, fmt.Sprint(limit))
		}
	}
}
