package controllers

import (
	"testing"
	"time"
)

// A round of scrapes is judged when it is in, and once: two samples of the same
// answers would count a failure twice.
func TestFresh(t *testing.T) {
	noon := time.Date(2026, 1, 18, 12, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }
	for name, tc := range map[string]struct {
		scraped, sampled, now time.Time
		want                  bool
	}{
		"never sampled, nothing scraped":           {time.Time{}, time.Time{}, at(0), true},
		"never sampled":                            {at(0), time.Time{}, at(5), true},
		"a round since the sample, soon after it":  {at(1000), at(950), at(1005), true},
		"no round since the sample":                {at(0), at(5), at(1004), false},
		"the sample was taken during the round":    {at(1000), at(1001), at(1900), false},
		"nothing was scraped for an interval":      {at(0), at(5), at(1900), false},
		"nothing was scraped for two":              {at(0), at(5), at(2005), true},
		"the clock was put back before the sample": {at(0), at(5000), at(100), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fresh(tc.scraped, tc.sampled, tc.now, time.Second); got != tc.want {
				t.Errorf("fresh: %v", got)
			}
		})
	}
}
