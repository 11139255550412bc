package statistic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// How a simulated release ends.
const (
	turnedBack = iota
	released
	held // neither, at five times its hold
	ends
)

// plan is a release that is simulated: steps of a weight and a hold, judged at
// each look.
type plan struct {
	steps []step
	alpha float64 // of each step
}

type step struct {
	weight float64
	looks  int
	rate   float64 // requests of both between two looks
}

// drawn is a plan as users might have it: 1 to 5 steps of 2 to 60 %, holds of
// 10 to 60 s, looked at every 250 ms to 2 s, 10 to 1000 requests a second.
func drawn(random *rand.Rand, alpha float64) plan {
	p := plan{}
	count, second := 1+random.IntN(5), 10*math.Pow(100, random.Float64())
	interval := []float64{0.25, 1, 1, 2}[random.IntN(4)]
	for i := range count {
		weight := max(0.02, 0.6*(float64(i)+random.Float64())/float64(count))
		p.steps = append(p.steps, step{weight, int(10+50*random.Float64()) * 4 / int(4*interval), second * interval})
	}
	p.alpha = alpha / float64(count)
	return p
}

// run is how the release ends: judge is asked at each look, and what it is
// asked about begins anew with each step.
func (p plan) run(begin func(step) func() Finding) int {
	for _, s := range p.steps {
		look, finding := begin(s), TooFew
		for i := range 5 * s.looks {
			finding = look()
			if finding == Bad || finding == Excessive {
				return turnedBack
			}
			if i >= s.looks-1 && finding == Good {
				break
			}
		}
		if finding != Good {
			return held
		}
	}
	return released
}

// poisson is how many requests come when so many are expected.
func poisson(random *rand.Rand, expected float64) int {
	if expected > 30 {
		return max(0, int(math.Round(expected+math.Sqrt(expected)*random.NormFloat64())))
	}
	n, p := 0, random.Float64()
	for limit := math.Exp(-expected); p > limit; n++ {
		p *= random.Float64()
	}
	return n
}

// failing is how many of n requests fail.
func failing(random *rand.Rand, n int, ratio float64) int {
	if ratio <= 0 {
		return 0
	}
	failed := 0
	for at := -1; ; failed++ { // skip from one failure to the next
		at += 1 + int(math.Log1p(-random.Float64())/math.Log1p(-ratio))
		if at >= n || at < 0 {
			return failed
		}
	}
}

// within reports whether what was seen so often of n can be if its probability
// is at most p: within 4 standard deviations.
func within(seen, n int, p float64) bool {
	return float64(seen) <= float64(n)*p+4*math.Sqrt(float64(n)*p*(1-p))
}

const releases = 1000 // of each kind

func TestCalibrationOfErrors(t *testing.T) {
	rule := Errors{MaxIncrease: 0.01, Detect: 0.05, Max: math.NaN(), MinRequests: 50, Alpha: 0.01, Beta: 0.1}
	t.Logf("errors: %d releases of each kind, alpha %g, beta %g, maxIncrease %g, detectIncrease %g", releases, rule.Alpha, rule.Beta, rule.MaxIncrease, rule.Detect)
	t.Logf("%-48s %11s %9s %9s", "", "turned back", "released", "undecided")
	for i, kind := range []struct {
		stable, more float64
		good, bad    bool
	}{
		{stable: 0, good: true},
		{stable: 0.001, good: true},
		{stable: 0.02, good: true},
		{stable: 0.2, good: true},
		{stable: 0.001, more: 0.01, good: true},
		{stable: 0.1, more: 0.01, good: true},
		{stable: 0.001, more: 0.03},
		{stable: 0, more: 0.05, bad: true},
		{stable: 0.02, more: 0.05, bad: true},
		{stable: 0.001, more: 0.1, bad: true},
		{stable: 0.05, more: 0.5, bad: true},
	} {
		ended := serving(rand.New(rand.NewPCG(4, uint64(i))), kind.stable, kind.stable+kind.more, rule.Alpha, func(alpha float64, candidate, stable Counts) Finding {
			rule := rule
			rule.Alpha = alpha
			finding, _ := rule.Judge(candidate, &stable)
			return finding
		})
		report(t, fmt.Sprintf("stable fails %.1f %%, candidate %.1f %%", 100*kind.stable, 100*(kind.stable+kind.more)), ended)
		if kind.good && !within(ended[turnedBack], releases, rule.Alpha) {
			t.Errorf("turned back %d, more than alpha allows", ended[turnedBack])
		}
		if kind.bad && !within(ended[released], releases, rule.Beta) {
			t.Errorf("released %d, more than beta allows", ended[released])
		}
	}
}

// serving is how releases end that are judged by their failed requests.
func serving(random *rand.Rand, stableRatio, ratio, alpha float64, judge func(alpha float64, candidate, stable Counts) Finding) [ends]int {
	ended := [ends]int{}
	for range releases {
		p := drawn(random, alpha)
		ended[p.run(func(s step) func() Finding {
			var candidate, stable Counts
			return func() Finding {
				candidate.serve(random, s.rate*s.weight, ratio)
				stable.serve(random, s.rate*(1-s.weight), stableRatio)
				return judge(p.alpha, candidate, stable)
			}
		})]++
	}
	return ended
}

// A usual test, asked at each look, is wrong far more often than it says: the
// simulation can tell.
func TestAUsualTestIsNotCalibrated(t *testing.T) {
	ended := serving(rand.New(rand.NewPCG(6, 1)), 0.02, 0.02, 0.01, func(alpha float64, candidate, stable Counts) Finding {
		both := Counts{candidate.Requests + stable.Requests, candidate.Failed + stable.Failed}.Ratio()
		deviation := math.Sqrt(both * (1 - both) * (1/candidate.Requests + 1/stable.Requests))
		if (candidate.Ratio()-stable.Ratio())/deviation > math.Sqrt2*math.Erfinv(1-2*alpha) {
			return Bad
		}
		return Good
	})
	report(t, "a usual test at 1 %, both fail 2.0 %", ended)
	if within(ended[turnedBack], releases, 0.05) {
		t.Errorf("turned back %d: the simulation cannot tell", ended[turnedBack])
	}
}

// serve some requests.
func (c *Counts) serve(random *rand.Rand, expected, ratio float64) {
	n := poisson(random, expected)
	c.Requests += float64(n)
	c.Failed += float64(failing(random, n, ratio))
}

// buckets are those that Prometheus' clients have by default.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.Inf(1)}

// clock is a service: how long its requests take. The logarithm of most is
// normally distributed around that of the median; some take longer.
type clock struct {
	median, sigma     float64
	slow, times, stay float64 // this share takes so many times, and so much longer
}

// table has the bucket of each of many requests.
func (c clock) table(random *rand.Rand) []uint8 {
	all := make([]uint8, 1<<16)
	for i := range all {
		took := c.median * math.Exp(c.sigma*random.NormFloat64())
		if float64(i) < c.slow*float64(len(all)) {
			took = took*c.times + c.stay
		}
		for bounds := buckets; took > bounds[all[i]]; {
			all[i]++
		}
	}
	return all
}

func TestCalibrationOfLatency(t *testing.T) {
	rule := Latency{Quantile: 0.95, MaxRatio: 1.2, MaxIncrease: 0.01, Max: math.NaN(), MinRequests: 100, Alpha: 0.01}
	t.Logf("latency: %d releases of each kind, alpha %g, more than %g times and %g s at quantile %g", releases, rule.Alpha, rule.MaxRatio, rule.MaxIncrease, rule.Quantile)
	t.Logf("%-48s %11s %9s %9s", "", "turned back", "released", "undecided")
	fast, slow := clock{median: 0.03, sigma: 0.8}, clock{median: 0.4, sigma: 0.5}
	for i, kind := range []struct {
		what              string
		stable, candidate clock
		good, bad         bool
	}{
		{what: "0.03 s, equal", stable: fast, candidate: fast, good: true},
		{what: "0.4 s, equal", stable: slow, candidate: slow, good: true},
		{what: "two peaks, equal", stable: clock{0.01, 0.3, 0.1, 30, 0}, candidate: clock{0.01, 0.3, 0.1, 30, 0}, good: true},
		{what: "all in one bucket, equal", stable: clock{median: 0.07, sigma: 0.01}, candidate: clock{median: 0.07, sigma: 0.01}, good: true},
		{what: "0.03 s, all 5 % slower", stable: fast, candidate: clock{0.03, 0.8, 1, 1.05, 0}, good: true},
		{what: "0.03 s, all 15 % slower", stable: fast, candidate: clock{0.03, 0.8, 1, 1.15, 0}},
		{what: "0.03 s, all 50 % slower", stable: fast, candidate: clock{0.03, 0.8, 1, 1.5, 0}},
		{what: "0.03 s, all twice as slow", stable: fast, candidate: clock{0.03, 0.8, 1, 2, 0}, bad: true},
		{what: "0.4 s, all twice as slow", stable: slow, candidate: clock{0.4, 0.5, 1, 2, 0}, bad: true},
		{what: "0.03 s, 10 % of them 0.5 s slower", stable: fast, candidate: clock{0.03, 0.8, 0.1, 1, 0.5}, bad: true},
	} {
		random := rand.New(rand.NewPCG(5, uint64(i)))
		ended := [ends]int{}
		old, young := kind.stable.table(random), kind.candidate.table(random)
		for range releases {
			p := drawn(random, rule.Alpha)
			rule := rule
			rule.Alpha = p.alpha
			ended[p.run(func(s step) func() Finding {
				candidate, stable := make([]float64, len(buckets)), make([]float64, len(buckets))
				return func() Finding {
					take(random, candidate, young, s.rate*s.weight)
					take(random, stable, old, s.rate*(1-s.weight))
					finding, _ := rule.Judge(buckets, candidate, stable)
					return finding
				}
			})]++
		}
		report(t, kind.what, ended)
		if kind.good && !within(ended[turnedBack], releases, rule.Alpha) {
			t.Errorf("turned back %d, more than alpha allows", ended[turnedBack])
		}
		if kind.bad && !within(ended[released], releases, 0.01) {
			t.Errorf("released %d", ended[released])
		}
	}
}

// take some requests, as long as those of the table.
func take(random *rand.Rand, counts []float64, table []uint8, expected float64) {
	for range poisson(random, expected) {
		counts[table[random.IntN(len(table))]]++
	}
}

func report(t *testing.T, what string, ended [ends]int) {
	t.Helper()
	percent := func(n int) float64 { return 100 * float64(n) / releases }
	t.Logf("%-48s %9.2f %% %7.2f %% %7.2f %%", what, percent(ended[turnedBack]), percent(ended[released]), percent(ended[held]))
}
