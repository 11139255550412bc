package statistic

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// kayenta is the judge of Kayenta, written anew from its description: a
// two-sided rank-sum test at 0.98, whose interval of the shift must be beyond a
// quarter of the shift itself. The metric may not increase.
func kayenta(candidate, stable []float64) string {
	if slices.Equal(slices.Sorted(slices.Values(candidate)), slices.Sorted(slices.Values(stable))) {
		return "Pass"
	}
	low, middle, high := shift(candidate, stable, 0.98)
	switch tolerance := 0.25 * math.Abs(middle); {
	case low > tolerance:
		return "High"
	case high < -tolerance:
		return "Low"
	}
	return "Pass"
}

// shift is by how much the candidate's values are greater: the interval of this
// confidence, and the estimate of Hodges and Lehmann, as roots of the statistic.
func shift(candidate, stable []float64, confidence float64) (low, middle, high float64) {
	least, most := slices.Min(candidate)-slices.Max(stable), slices.Max(candidate)-slices.Min(stable)
	root := func(quantile, correction float64) float64 {
		a, b := least, most
		for b-a > 1e-4 {
			d := (a + b) / 2
			switch z := deviation(candidate, stable, d, correction); {
			case z == quantile:
				return d
			case z > quantile:
				a = d
			default:
				b = d
			}
		}
		if a == least { // the interval ends where the values do
			return least
		}
		return b
	}
	z := math.Sqrt2 * math.Erfinv(confidence)
	return root(z, 0.5), root(0, 0), root(-z, -0.5)
}

// deviation is the standardised rank-sum statistic once the candidate's values
// have been lowered by d.
func deviation(candidate, stable []float64, d, correction float64) float64 {
	lowered := make([]float64, len(candidate))
	for i, v := range candidate {
		lowered[i] = v - d
	}
	_, c, s := ranked(lowered, stable)
	z, size := rank(c, s)
	if size == 0 {
		return 0
	}
	n, m, tied := float64(len(candidate)), float64(len(stable)), 0.0
	for i := range c {
		t := c[i] + s[i]
		tied += t*t*t - t
	}
	sigma := math.Sqrt(n * m / 12 * (n + m + 1 - tied/((n+m)*(n+m-1))))
	return z + (0.5-correction)/sigma // rank has taken 0.5 off already
}

func TestKayentaAsItsOwnTestsHaveIt(t *testing.T) {
	low, middle, high := shift([]float64{10, 20, 30, 40}, []float64{1, 2, 3, 4}, 0.95)
	for name, tc := range map[string]struct{ got, want float64 }{"low": {low, 6}, "middle": {middle, 22.5}, "high": {high, 39}} {
		if math.Abs(tc.got-tc.want) > 0.51 { // it steps by whole ranks: the root is anywhere on a step
			t.Errorf("%s: %g, want %g", name, tc.got, tc.want)
		}
	}
}

// Each value is what was seen in one interval of 10 requests: of errors, how
// many failed; of latency, how long each took.
func TestAgainstKayenta(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	around := func(mean, spread float64, n int) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = mean * (1 + spread*random.NormFloat64())
		}
		return values
	}
	zeros := func(n int) []float64 { return make([]float64, n) }
	latency := Latency{Quantile: 0.5, MaxRatio: 1.2, MaxIncrease: 0.01, Max: nothing, MinRequests: 1, Alpha: 0.01}
	errors := usual
	errors.MinRequests = 1
	names := map[Finding]string{TooFew: "too few", Undecided: "undecided", Good: "good", Bad: "bad"}
	for _, tc := range []struct {
		name              string
		candidate, stable []float64
		errors            bool
		kayenta           string
		ours              Finding
		right             bool // whether Kayenta is
	}{
		{"equal latency", around(1, 0.15, 50), around(1, 0.15, 50), false, "Pass", Good, true},
		{"twice the latency", around(2, 0.15, 50), around(1, 0.15, 50), false, "High", Bad, true},
		{"half the latency", around(0.5, 0.15, 50), around(1, 0.15, 50), false, "Low", Good, true},
		{"+50 % latency", around(1.5, 0.15, 50), around(1, 0.15, 50), false, "High", Bad, true},
		{"+1 % of 30 tight samples", around(1.01, 0.002, 30), around(1, 0.002, 30), false, "High", Good, false},
		{"seven of ten at 100 against 1", []float64{100, 100, 100, 100, 100, 100, 100, 1, 1, 1}, around(1, 0, 10), false, "Pass", Bad, false},
		{"eight of ten at 100 against 1", []float64{100, 100, 100, 100, 100, 100, 100, 100, 1, 1}, around(1, 0, 10), false, "High", Bad, true},
		{"no errors", zeros(25), zeros(25), true, "Pass", Good, true},
		{"errors {1,4,2,3,1} against none", []float64{1, 4, 2, 3, 1}, zeros(5), true, "High", Bad, true},
		{"errors {0,1,2,1,0,0} against none", []float64{0, 1, 2, 1, 0, 0}, zeros(6), true, "Pass", Undecided, false},
		{"5 errors in 25 against none", append(zeros(20), 1, 1, 1, 1, 1), zeros(25), true, "Pass", Undecided, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			finding := Finding(0)
			if tc.errors {
				finding, _ = errors.Judge(requests(tc.candidate), new(requests(tc.stable)))
			} else {
				bounds, c, s := ranked(tc.candidate, tc.stable)
				finding, _ = latency.Judge(bounds, scaled(c, 10), scaled(s, 10))
			}
			theirs := kayenta(tc.candidate, tc.stable)
			t.Logf("Kayenta: %-5s here: %s", theirs, names[finding])
			if theirs != tc.kayenta || finding != tc.ours {
				t.Errorf("want %s and %s", tc.kayenta, names[tc.ours])
			}
			if agree := (theirs == "High") == (finding == Bad) && (theirs != "High") == (finding == Good); agree != tc.right {
				t.Errorf("agrees: %t", agree)
			}
		})
	}
}

// requests of intervals of 10, by how many failed.
func requests(failed []float64) Counts {
	return Counts{Requests: 10 * float64(len(failed)), Failed: Total(failed)}
}
