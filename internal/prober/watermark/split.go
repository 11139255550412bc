package watermark

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// Reasons of verdicts on how the traffic is split.
const (
	ReasonSplit        = "SplitMeasured"   // as it should be, as far as can be told
	ReasonSplitWrong   = "SplitWrong"      // it is not
	ReasonSplitUnknown = "SplitUnmeasured" // too few requests were answered to tell
)

const (
	rounds     = 3               // of which one must be as it should be: a gateway may be behind its word
	roundPause = 5 * time.Second // between two
)

// Split asks so many times, and the candidate must have answered its share, in
// percent. An answer without a watermark is not the candidate's, of which all
// have been verified before it took traffic.
func (p Probe) Split(ctx context.Context, requests int, weight int32) verdict.Verdict {
	var v verdict.Verdict
	for n := range rounds {
		if n > 0 && !p.until(ctx, p.Clock.Now(), roundPause) {
			return v
		}
		start := p.Clock.Now()
		t := p.round(ctx, requests)
		v = p.judgeSplit(t, weight)
		e := p.share(t, weight)
		e.Query = fmt.Sprintf("GET %s at the entry, %d times, each with a nonce of its own; round %d of at most %d", p.path(), requests, n+1, rounds)
		e.Window = p.Clock.Since(start).Round(time.Second).String()
		v = verdict.With(v, e)
		if v.Outcome == verdict.Passed || v.Reason != ReasonSplitWrong && v.Outcome == verdict.Failed {
			return v
		}
	}
	return v
}

// share is what was measured, and within what it must be.
func (p Probe) share(t tally, weight int32) verdict.Evidence {
	answered, good := t.answered(), t.releases[p.Candidate]
	lo, hi := interval(answered, weight)
	e := verdict.Evidence{
		Threshold: fmt.Sprintf("%s to %s", percent(lo, answered), percent(hi, answered)),
		Statistic: fmt.Sprintf("exact binomial, two-sided alpha %g: %d to %d of %d at %d %%; %s", alpha, lo, hi, answered, weight, t.text()),
		Samples:   int32(answered), Failures: int32(t.tampered() + t.others(p.Candidate, p.Stable)), //nolint:gosec // bounded
	}
	if answered > 0 {
		e.Value = fmt.Sprintf("%s of %d", percent(good, answered), answered)
		e.Baseline = fmt.Sprintf("%s of %d", percent(t.releases[p.Stable], answered), answered)
	}
	return e
}

// judgeSplit holds what was measured against the weight.
func (p Probe) judgeSplit(t tally, weight int32) verdict.Verdict {
	if t.tampered() > 0 {
		return p.judge(t)
	}
	answered, good := t.answered(), t.releases[p.Candidate]
	if answered < t.asked {
		return verdict.Wait(v1alpha1.SignalWatermark, ReasonSplitUnknown, "Only %d of %d requests to %s at the entry were answered by the service (%s), which is too few to measure %d %%", answered, t.asked, p.path(), t.silence, weight)
	}
	lo, hi := interval(answered, weight)
	text := fmt.Sprintf("the candidate answered %d of %d requests at the entry, %s for a weight of %d %% (%s)", good, answered, percent(good, answered), weight, t.text())
	switch {
	case t.others(p.Candidate, p.Stable) > 0:
		return verdict.Fail(v1alpha1.SignalWatermark, ReasonMisrouted, "A release that is neither the candidate nor the stable one answers: %s", text)
	case good < lo || good > hi:
		return verdict.Fail(v1alpha1.SignalWatermark, ReasonSplitWrong, "The traffic is not split as the routes say: %s, which must be %d to %d: find out what leads requests past the routes", text, lo, hi)
	}
	return verdict.Pass(v1alpha1.SignalWatermark, ReasonSplit, "The traffic is split as the routes say: %s", text)
}

// alpha is how likely a split that is right is taken for a wrong one, in one
// round; in all of them, alpha to the power of their number.
const alpha = 0.001

// interval is how many of n requests reach a side of that weight, in percent,
// unless something with a probability of at most alpha has happened: the
// acceptance region of the exact two-sided binomial test, of which each tail
// has at most half of alpha (Clopper and Pearson 1934). A gateway that takes
// turns instead of chances is closer to its weight, so that this holds for it,
// too.
func interval(n int, weight int32) (lo, hi int) {
	share := float64(weight) / 100
	if share <= 0 || share >= 1 {
		return int(share) * n, int(share) * n
	}
	lo, hi = 0, n
	for tail := chance(n, 0, share); tail <= alpha/2; tail += chance(n, lo, share) {
		lo++
	}
	for tail := chance(n, n, share); tail <= alpha/2; tail += chance(n, hi, share) {
		hi--
	}
	return lo, hi
}

// chance is the probability of exactly k of n.
func chance(n, k int, share float64) float64 {
	choose := logFactorial(n) - logFactorial(k) - logFactorial(n-k)
	return math.Exp(choose + float64(k)*math.Log(share) + float64(n-k)*math.Log1p(-share))
}

func logFactorial(n int) float64 {
	value, _ := math.Lgamma(float64(n) + 1)
	return value
}

// percent is a share as people write it.
func percent(part, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(of))
}
