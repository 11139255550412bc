package statistic

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ranked makes counts of values: each distinct one is a bucket of its own.
func ranked(candidate, stable []float64) (bounds, c, s []float64) {
	bounds = slices.Compact(slices.Sorted(slices.Values(slices.Concat(candidate, stable))))
	count := func(values []float64) []float64 {
		counts := make([]float64, len(bounds))
		for _, v := range values {
			at, _ := slices.BinarySearch(bounds, v)
			counts[at]++
		}
		return counts
	}
	return bounds, count(candidate), count(stable)
}

// The statistic is that of a table: the count of pairs that the candidate wins,
// ties being half, standardised with the variance of all orders of the values.
func TestTheRankSumAgainstBruteForce(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	for range 100 {
		candidate, stable := make([]float64, 1+random.IntN(4)), make([]float64, 1+random.IntN(4))
		for _, side := range [][]float64{candidate, stable} {
			for i := range side {
				side[i] = float64(random.IntN(4))
			}
		}
		won := func(c, s []float64) float64 {
			sum := 0.0
			for _, x := range c {
				for _, y := range s {
					switch {
					case x > y:
						sum++
					case x == y:
						sum += 0.5
					}
				}
			}
			return sum
		}
		var all []float64 // of every way to choose the candidate's
		pool := slices.Concat(candidate, stable)
		for mask := range 1 << len(pool) {
			var c, s []float64
			for i, v := range pool {
				if mask>>i&1 == 1 {
					c = append(c, v)
				} else {
					s = append(s, v)
				}
			}
			if len(c) == len(candidate) {
				all = append(all, won(c, s))
			}
		}
		mean, variance := 0.0, 0.0
		for _, u := range all {
			mean += u / float64(len(all))
		}
		for _, u := range all {
			variance += (u - mean) * (u - mean) / float64(len(all))
		}
		_, c, s := ranked(candidate, stable)
		z, size := rank(c, s)
		if variance == 0 {
			if z != 0 || size != 0 {
				t.Fatalf("%v against %v, which are all the same: %g of %g", candidate, stable, z, size)
			}
			continue
		}
		if want := (won(candidate, stable) - mean - 0.5) / math.Sqrt(variance); math.Abs(z-want) > 1e-9 {
			t.Fatalf("%v against %v: %g, want %g", candidate, stable, z, want)
		}
	}
}

func TestLatency(t *testing.T) {
	rule := Latency{Quantile: 0.95, MaxRatio: 1.2, MaxIncrease: 0.01, Max: nothing, MinRequests: 100, Alpha: 0.01}
	limited := rule
	limited.Max = 0.5
	bounds := []float64{0.1, 0.25, 0.5, 1, math.Inf(1)}
	for name, tc := range map[string]struct {
		rule              Latency
		candidate, stable []float64
		want              Finding
	}{
		"no requests":                   {rule, []float64{0, 0, 0, 0, 0}, []float64{900, 90, 10, 0, 0}, TooFew},
		"neither has requests":          {rule, []float64{0, 0, 0, 0, 0}, []float64{0, 0, 0, 0, 0}, TooFew},
		"one scrape, all are slow":      {rule, []float64{0, 0, 0, 20, 0}, []float64{170, 8, 2, 0, 0}, Bad},
		"one scrape, one is slow":       {rule, []float64{19, 0, 0, 1, 0}, []float64{170, 8, 2, 0, 0}, TooFew},
		"one in ten has become slow":    {rule, []float64{450, 0, 0, 50, 0}, []float64{4400, 90, 10, 0, 0}, Bad},
		"all in one bucket":             {rule, []float64{200, 0, 0, 0, 0}, []float64{1800, 0, 0, 0, 0}, Good},
		"all beyond the last bound":     {rule, []float64{0, 0, 0, 0, 200}, []float64{0, 0, 0, 0, 1800}, Good},
		"equal":                         {rule, []float64{100, 80, 15, 5, 0}, []float64{1000, 800, 150, 50, 0}, Good},
		"faster":                        {rule, []float64{200, 0, 0, 0, 0}, []float64{900, 900, 150, 50, 0}, Good},
		"slower, but within the limits": {rule, []float64{80_000, 19_000, 1000, 0, 0}, []float64{820_000, 170_000, 10_000, 0, 0}, Good},
		"slower, perhaps by chance":     {rule, []float64{94, 0, 1, 7, 0}, []float64{100, 3, 1, 2, 0}, Undecided},
		"alone, no limit":               {rule, []float64{0, 0, 0, 200, 0}, nil, Good},
		"alone, within the limit":       {limited, []float64{100, 60, 40, 2, 0}, nil, Good},
		"alone, beyond the limit":       {limited, []float64{100, 0, 0, 20, 20}, nil, Excessive},
		"alone, beyond it by chance":    {limited, []float64{94, 0, 0, 7, 0}, nil, Undecided},
		"beyond it, like the stable":    {limited, []float64{100, 0, 0, 50, 0}, []float64{1000, 0, 0, 500, 0}, Excessive},
	} {
		t.Run(name, func(t *testing.T) {
			if got, evidence := tc.rule.Judge(bounds, tc.candidate, tc.stable); got != tc.want {
				t.Errorf("found %d with p %.3g, want %d", got, PValue(evidence), tc.want)
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	bounds := []float64{1, 2, 4, math.Inf(1)}
	for name, tc := range map[string]struct {
		counts   []float64
		quantile float64
		want     float64
	}{
		"within a bucket":       {[]float64{0, 10, 0, 0}, 0.5, 1.5},
		"within the first":      {[]float64{10, 0, 0, 0}, 0.5, 0.5},
		"across":                {[]float64{5, 0, 10, 0}, 0.8, 3.4},
		"at a bound":            {[]float64{5, 5, 0, 0}, 0.5, 1},
		"beyond the last bound": {[]float64{0, 0, 1, 99}, 0.5, 4},
		"of nothing":            {[]float64{0, 0, 0, 0}, 0.5, math.NaN()},
		"of no counts":          {[]float64{1, math.NaN(), 0, 0}, 0.5, math.NaN()},
		"of another length":     {[]float64{1}, 0.5, math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Quantile(bounds, tc.counts, tc.quantile); math.Abs(got-tc.want) > 1e-9 || math.IsNaN(got) != math.IsNaN(tc.want) {
				t.Errorf("got %g, want %g", got, tc.want)
			}
		})
	}
}

func TestSlowed(t *testing.T) {
	bounds := []float64{1, 2, 4, math.Inf(1)}
	for name, tc := range map[string]struct {
		counts  []float64
		becomes func(float64) float64
		want    []float64
	}{
		"as they were":      {[]float64{1, 2, 3, 4}, func(v float64) float64 { return v }, []float64{1, 2, 3, 4}},
		"half a second":     {[]float64{8, 0, 0, 0}, func(v float64) float64 { return v + 0.5 }, []float64{4, 4, 0, 0}},
		"twice":             {[]float64{8, 8, 8, 8}, func(v float64) float64 { return 2 * v }, []float64{4, 4, 8, 16}},
		"over all bounds":   {[]float64{8, 0, 0, 1}, func(v float64) float64 { return v + 10 }, []float64{0, 0, 0, 9}},
		"over two bounds":   {[]float64{0, 0, 8, 0}, func(v float64) float64 { return v + 1 }, []float64{0, 0, 4, 4}},
		"wide over several": {[]float64{8, 0, 0, 0}, func(v float64) float64 { return 8 * v }, []float64{1, 1, 2, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Slowed(bounds, tc.counts, tc.becomes)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestInvariantsOfRanks(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	decisive := 0
	for range 3000 {
		candidate, stable := make([]float64, 6), make([]float64, 6)
		for i := range candidate {
			candidate[i], stable[i] = float64(random.IntN(40)), float64(random.IntN(200))
		}
		quantile := 0.5 + random.Float64()/2
		slower := Slower(candidate, stable, quantile)
		if slower > 5 {
			decisive++
		}
		if ranks(candidate, stable, 0.5) > 0 && ranks(stable, candidate, 0.5) > 0 {
			t.Fatalf("%v and %v are each slower than the other", candidate, stable)
		}
		z, _ := rank(candidate, stable)
		back := func(counts []float64) []float64 { c := slices.Clone(counts); slices.Reverse(c); return c }
		if other, _ := rank(back(stable), back(candidate)); math.Abs(other-z) > 1e-9 {
			t.Fatalf("%v and %v: %g, and %g from the other end", candidate, stable, z, other)
		}
		if i := random.IntN(5); candidate[i] > 0 { // one request becomes slower
			before, _ := rank(candidate, stable)
			candidate[i]--
			candidate[i+1]++
			after, _ := rank(candidate, stable)
			if before > 1 && after < before-0.2 { // the ties of the two buckets move the variance a little
				t.Fatalf("%v against %v: a slower request lowers %g to %g", candidate, stable, before, after)
			}
			candidate[i]++
			candidate[i+1]--
		}
		c, s := scaled(candidate, 10), scaled(stable, 10)
		if after := Slower(c, s, quantile); slower > 2 && after < slower {
			t.Fatalf("%v against %v: %g, ten times that %g", candidate, stable, slower, after)
		}
		total := Total(Slowed([]float64{1, 2, 3, 4, 5, math.Inf(1)}, stable, func(v float64) float64 { return 1.3*v + 0.2 }))
		if math.Abs(total-Total(stable)) > 1e-6 {
			t.Fatalf("%v: %g are left", stable, total)
		}
	}
	if decisive < 100 {
		t.Errorf("only %d are decisive: the counts do not try enough", decisive)
	}
}

func FuzzLatency(f *testing.F) {
	for _, v := range []float64{0, 1, -1, 1e300, math.Inf(1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64} {
		f.Add(v, 10.0, 100.0, 3.0, 0.95)
		f.Add(20.0, v, 100.0, 3.0, 0.5)
		f.Add(20.0, 10.0, v, 0.0, 0.99)
		f.Add(20.0, 10.0, 100.0, v, v)
	}
	f.Fuzz(func(t *testing.T, a, b, c, d, quantile float64) {
		bounds, candidate, stable := []float64{0.1, 1, math.Inf(1)}, []float64{a, 1, b}, []float64{c, 1, d}
		evidence := Slower(candidate, stable, quantile)
		if !(evidence >= 0) {
			t.Fatalf("evidence %g", evidence)
		}
		finding, _ := Latency{Quantile: quantile, MaxRatio: 1.2, Max: nothing, MinRequests: 1, Alpha: 0.01}.Judge(bounds, candidate, stable)
		if math.IsNaN(Total(candidate)) && finding != TooFew {
			t.Fatalf("found %d of what are no counts", finding)
		}
		if math.IsNaN(Total(stable)) && finding == Bad {
			t.Fatal("fails against what are no counts")
		}
	})
}

// One look at a release that is slow.
func BenchmarkLatency(b *testing.B) {
	rule := Latency{Quantile: 0.95, MaxRatio: 1.2, MaxIncrease: 0.01, Max: nothing, MinRequests: 100, Alpha: 0.01}
	candidate, stable := []float64{0, 0, 0, 10, 5, 3, 2, 1, 1, 0, 0, 0}, []float64{0, 0, 0, 100, 50, 30, 1, 1, 1, 0, 0, 0}
	for b.Loop() {
		_, _ = rule.Judge(buckets, candidate, stable)
		_ = rule.More(buckets, candidate, stable)
	}
}
