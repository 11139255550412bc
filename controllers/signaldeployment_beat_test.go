package controllers

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestNextBeat(t *testing.T) {
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		latest, now, interval, want time.Duration
	}{
		"on the beat":                {0, 0, time.Second, time.Second},
		"a little after":             {30 * time.Millisecond, 80 * time.Millisecond, time.Second, 920 * time.Millisecond},
		"half a beat off":            {500 * time.Millisecond, 500 * time.Millisecond, time.Second, 900 * time.Millisecond},
		"a little before":            {950 * time.Millisecond, 950 * time.Millisecond, time.Second, 900 * time.Millisecond},
		"woken between two samples":  {0, 600 * time.Millisecond, time.Second, 400 * time.Millisecond},
		"woken when it is nearly so": {0, 999 * time.Millisecond, time.Second, time.Millisecond},
		"overdue":                    {-5 * time.Second, 0, time.Second, time.Second},
		"never sampled":              {-1e9 * time.Second, 0, time.Second, time.Second},
		"the clock was put back":     {time.Hour, 0, time.Second, time.Second},
		"a short interval":           {0, 0, 250 * time.Millisecond, 250 * time.Millisecond},
		"a long one":                 {0, time.Second, time.Minute, 59 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := nextBeat(noon.Add(tc.latest), noon.Add(tc.now), tc.interval); got != tc.want {
				t.Errorf("in %s, not in %s", got, tc.want)
			}
		})
	}
}

// Wherever they begin, within ten samples all come together, and none waits
// longer than an interval or comes before it is due.
func TestReleasesComeTogether(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, interval := range []time.Duration{250 * time.Millisecond, time.Second, 1500 * time.Millisecond, time.Minute} {
		for range 1000 {
			latest := time.UnixMilli(1_893_499_200_000 + random.Int64N(1e9))
			for range 10 {
				now := latest.Add(time.Duration(random.Int64N(int64(interval / 20)))) // a reconcile takes its time
				next := now.Add(nextBeat(latest, now, interval))
				if gap := next.Sub(latest); gap < interval*9/10 || gap > interval {
					t.Fatalf("%s after the latest", gap)
				}
				latest = next
			}
			if off := latest.Sub(latest.Truncate(interval)); off != 0 {
				t.Fatalf("%s off the beat of %s", off, interval)
			}
		}
	}
}
