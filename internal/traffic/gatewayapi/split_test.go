package gatewayapi

import "testing"

// Failure mode 11: a weight outside 0..100, or two that do not sum to 100.
func TestWeightsStayWithinBoundsAndComeBack(t *testing.T) {
	for _, weight := range []int64{100, 101, 149, 150, 151, 199, 200, 333, 1000, 12345, 999_999, 1_000_000} {
		for w := range int64(101) {
			stable, canary := split(weight, w)
			if stable+canary != weight || stable < 0 || canary < 0 {
				t.Errorf("split(%d, %d) = %d + %d, want a sum of %d and neither below 0", weight, w, stable, canary, weight)
			}
			if got := share(stable, canary); int64(got) != w {
				t.Errorf("share(%d, %d) = %d, want %d", stable, canary, got, w)
			}
		}
	}
}

func TestShareNeverHidesTraffic(t *testing.T) {
	for name, tc := range map[string]struct {
		stable, canary int64
		want           int32
	}{
		"nothing":             {1, 0, 0},
		"everything":          {0, 1, 100},
		"a trace for canary":  {1_000_000, 1, 1},
		"a trace for stable":  {1, 1_000_000, 99},
		"half rounds up":      {995, 5, 1},
		"just below the half": {1000 - 14, 14, 1},
		"rounded to the next": {1000 - 15, 15, 2},
		"both by default":     {1, 1, 50},
	} {
		t.Run(name, func(t *testing.T) {
			if got := share(tc.stable, tc.canary); got != tc.want {
				t.Errorf("share(%d, %d) = %d, want %d", tc.stable, tc.canary, got, tc.want)
			}
		})
	}
}
