package statistic

import (
	"math"
	"math/rand/v2"
	"testing"
)

// nothing stands for no absolute limit.
var nothing = math.NaN()

// usual is the rule with its defaults.
var usual = Errors{MaxIncrease: 0.01, Detect: 0.05, Max: nothing, MinRequests: 50, Alpha: 0.01, Beta: 0.1}

func TestErrors(t *testing.T) {
	limited := usual
	limited.Max = 0.05
	for name, tc := range map[string]struct {
		rule              Errors
		candidate, stable Counts
		alone             bool // no stable release
		want              Finding
	}{
		"one scrape, half of 20 fail":             {usual, Counts{20, 10}, Counts{180, 0}, false, Bad},
		"as many of the stable release":           {usual, Counts{20, 10}, Counts{20, 0}, false, Bad},
		"five scrapes of nothing":                 {usual, Counts{}, Counts{900, 0}, false, TooFew},
		"nothing on either side":                  {usual, Counts{}, Counts{}, false, TooFew},
		"three of three fail":                     {usual, Counts{3, 3}, Counts{27, 0}, false, Bad},
		"the only one fails":                      {usual, Counts{1, 1}, Counts{180, 0}, false, TooFew},
		"one of the first 60 fails":               {usual, Counts{60, 1}, Counts{540, 0}, false, Undecided},
		"one of 200 fails":                        {usual, Counts{200, 1}, Counts{1800, 2}, false, Good},
		"none of 49 fails":                        {usual, Counts{49, 0}, Counts{441, 0}, false, TooFew},
		"none of 100 fails":                       {usual, Counts{100, 0}, Counts{900, 0}, false, Good},
		"both fail alike":                         {usual, Counts{2000, 400}, Counts{18000, 3600}, false, Good},
		"both fail always":                        {usual, Counts{200, 200}, Counts{1800, 1800}, false, Good},
		"better than the stable release":          {usual, Counts{500, 0}, Counts{4500, 900}, false, Good},
		"significant, but within maxIncrease":     {usual, Counts{100_000, 900}, Counts{900_000, 900}, false, Good},
		"beyond maxIncrease, and a lot of it":     {usual, Counts{100_000, 1900}, Counts{900_000, 900}, false, Bad},
		"beyond maxIncrease, few requests":        {usual, Counts{200, 4}, Counts{1800, 2}, false, Undecided},
		"the stable release gets no requests":     {usual, Counts{200, 20}, Counts{}, false, Undecided},
		"good, and no requests beside it":         {usual, Counts{200, 0}, Counts{}, false, Good},
		"alone, without a limit":                  {usual, Counts{50, 25}, Counts{}, true, Good},
		"alone, within the limit":                 {limited, Counts{50, 1}, Counts{}, true, Good},
		"alone, beyond the limit":                 {limited, Counts{20, 10}, Counts{}, true, Excessive},
		"alone, beyond the limit by chance":       {limited, Counts{50, 3}, Counts{}, true, Undecided},
		"alone, without requests":                 {limited, Counts{}, Counts{}, true, TooFew},
		"beyond the limit, like the stable one":   {limited, Counts{1000, 200}, Counts{9000, 1800}, false, Excessive},
		"within the limit, unlike the stable one": {limited, Counts{10_000, 400}, Counts{90_000, 90}, false, Bad},
	} {
		t.Run(name, func(t *testing.T) {
			stable := &tc.stable
			if tc.alone {
				stable = nil
			}
			if got, evidence := tc.rule.Judge(tc.candidate, stable); got != tc.want {
				t.Errorf("found %d with p %.3g, want %d", got, PValue(evidence), tc.want)
			}
		})
	}
}

// The average of an e-value over everything that can happen is at most 1 for
// every pair of ratios within the margin: this is what being valid means.
func TestTheAverageEValueIsAtMostOne(t *testing.T) {
	const n, m = 12, 15
	for _, stable := range []float64{0, 0.01, 0.1, 0.5, 0.9} {
		for _, margin := range []float64{0, 0.01, 0.1} {
			for name, tc := range map[string]struct {
				test func(candidate, stable Counts, margin float64) float64
				at   float64
			}{"worse": {Worse, stable + margin}, "within": {Within, stable + margin}} {
				mean := 0.0
				for x := range n + 1 {
					for y := range m + 1 {
						mean += chance(n, x, tc.at) * chance(m, y, stable) * math.Exp(tc.test(Counts{n, float64(x)}, Counts{m, float64(y)}, margin))
					}
				}
				// evidence is cut off at e-values of 1, which adds to the mean what is below
				if mean > 2 {
					t.Errorf("%s at %g against %g: %g", name, tc.at, stable, mean)
				}
				tail := 0.0
				for x := range n + 1 {
					for y := range m + 1 {
						if Decisive(tc.test(Counts{n, float64(x)}, Counts{m, float64(y)}, margin), 0.05) {
							tail += chance(n, x, tc.at) * chance(m, y, stable)
						}
					}
				}
				if tail > 0.05 {
					t.Errorf("%s at %g against %g is decisive with probability %g", name, tc.at, stable, tail)
				}
			}
		}
	}
}

// chance is the binomial probability.
func chance(n, x int, p float64) float64 {
	logs := likelihood(Counts{float64(n), float64(x)}, p)
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(x + 1))
	c, _ := math.Lgamma(float64(n - x + 1))
	return math.Exp(a - b - c + logs)
}

// The likeliest pair is found by halving; a fine grid finds no likelier one.
func TestTheLikeliestPairAgainstAGrid(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		candidate, stable, margin := drawnCounts(random, 50), drawnCounts(random, 200), []float64{0, 0.01, 0.3}[random.IntN(3)]
		best := math.Inf(-1)
		for i := range 2001 {
			p := (1 - margin) * float64(i) / 2000
			best = max(best, likelihood(candidate, min(1, p+margin))+likelihood(stable, p))
		}
		if got := likeliest(candidate, stable, margin); got < best-1e-6 {
			t.Fatalf("%v against %v by %g: %g, the grid finds %g", candidate, stable, margin, got, best)
		}
	}
}

func drawnCounts(random *rand.Rand, most int) Counts {
	n := 1 + random.IntN(most)
	return Counts{float64(n), float64(random.IntN(n + 1))}
}

func TestMoreFailuresAreNeverLessEvidence(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		candidate, stable, margin := drawnCounts(random, 300), drawnCounts(random, 3000), 0.05*random.Float64()
		worse, within := Worse(candidate, stable, margin), Within(candidate, stable, margin)
		if candidate.Failed++; candidate.Valid() {
			if got := Worse(candidate, stable, margin); got < worse-1e-9 {
				t.Fatalf("%v against %v: one more failure lowers the evidence from %g to %g", candidate, stable, worse, got)
			}
			if got := Within(candidate, stable, margin); got > within+1e-9 {
				t.Fatalf("%v against %v: one more failure is evidence in favour: %g, was %g", candidate, stable, got, within)
			}
		}
		candidate.Failed--
		if got := Worse(candidate, stable, margin+0.01); got > worse+1e-9 {
			t.Fatalf("%v against %v: a greater margin is more evidence: %g, was %g", candidate, stable, got, worse)
		}
		if worse > 0 && Worse(stable, candidate, margin) > 0 {
			t.Fatalf("%v and %v are each worse than the other", candidate, stable)
		}
	}
}

// The same shares of ten times the requests are evidence of the same, and more.
func TestMoreOfTheSameIsMoreEvidence(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 3))
	for range 2000 {
		c, s := drawnCounts(random, 100), drawnCounts(random, 1000)
		before := Worse(c, s, 0.01)
		after := Worse(Counts{10 * c.Requests, 10 * c.Failed}, Counts{10 * s.Requests, 10 * s.Failed}, 0.01)
		if before > 2 && after < before {
			t.Fatalf("%v against %v: %g, ten times that %g", c, s, before, after)
		}
	}
}

func TestWhatIsNeeded(t *testing.T) {
	for _, margin := range []float64{0.01, 0.05, 0.2} {
		n := Needed(margin, 0.1)
		for requests, want := range map[float64]bool{n: true, n - 2: false} {
			if got := Decisive(Within(Counts{Requests: requests}, Counts{Requests: 9 * requests}, margin), 0.1); got != want {
				t.Errorf("%g: %g of %g requests are enough: %t", margin, requests, n, got)
			}
		}
	}
	if got := usual.Needed(); got < 50 || got > 100 {
		t.Errorf("by default it takes %g requests", got)
	}
	candidate, stable := Counts{60, 0}, Counts{540, 3}
	more := usual.More(candidate, &stable)
	times := (candidate.Requests + more) / candidate.Requests
	if got, _ := usual.Judge(Counts{60 * times, 0}, &Counts{540 * times, 3 * times}); more <= 0 || got != Good {
		t.Errorf("%g more requests lead to %d", more, got)
	}
}

func FuzzErrors(f *testing.F) {
	for _, v := range []float64{0, 1, 0.5, -1, 20, 1e12, 1e300, math.Inf(1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64} {
		f.Add(v, 1.0, 100.0, 3.0, 0.01)
		f.Add(20.0, v, 100.0, 3.0, 0.01)
		f.Add(20.0, 10.0, v, 0.0, 0.01)
		f.Add(20.0, 10.0, 100.0, v, 0.01)
		f.Add(20.0, 10.0, 100.0, 3.0, v)
	}
	f.Fuzz(func(t *testing.T, n, x, m, y, margin float64) {
		candidate, stable := Counts{n, x}, Counts{m, y}
		for _, evidence := range []float64{Worse(candidate, stable, margin), Within(candidate, stable, margin), Above(candidate, margin)} {
			if !(evidence >= 0) || math.IsInf(evidence, 1) && margin > 0 && margin < 1 {
				t.Fatalf("evidence %g", evidence)
			}
		}
		rule := usual
		rule.MaxIncrease, rule.Max = margin, margin
		finding, _ := rule.Judge(candidate, &stable)
		if !candidate.Valid() && (finding == Bad || finding == Excessive) {
			t.Fatalf("found %d of what are no counts", finding)
		}
		if !candidate.Valid() && finding == Good {
			t.Fatal("passes what are no counts")
		}
	})
}

// One look at a release that waits for requests, the dearest there is.
func BenchmarkErrors(b *testing.B) {
	candidate, stable := Counts{60, 0}, Counts{540, 30}
	for b.Loop() {
		_, _ = usual.Judge(candidate, &stable)
		_ = usual.More(candidate, &stable)
	}
}
