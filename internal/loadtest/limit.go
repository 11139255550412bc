package loadtest

import (
	"fmt"
	"strconv"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// limit is the limit of one percentile; absent when it is zero.
func limit(l v1alpha1.LoadLimits, i int) time.Duration {
	given := [5]int32{l.P50Milliseconds, l.P90Milliseconds, l.P95Milliseconds, l.P99Milliseconds, l.P999Milliseconds}
	return time.Duration(given[i]) * time.Millisecond
}

// Limits are the limits of the percentiles; those that are absent are zero.
func Limits(l v1alpha1.LoadLimits) [5]time.Duration {
	var all [5]time.Duration
	for i := range all {
		all[i] = limit(l, i)
	}
	return all
}

// percentile is the name of a percentile.
func percentile(i int) string {
	return "p" + strconv.FormatFloat(float64(Percentiles[i])/10, 'f', -1, 64)
}

// allowed is how many errors in a hundred requests are.
func allowed(l v1alpha1.LoadLimits) float64 {
	if percent, err := strconv.ParseFloat(l.ErrorPercent, 64); err == nil {
		return percent
	}
	return 1 // the schema's default
}

// within reports whether so few took longer than the limit of a percentile as
// may. That is counted, not read from a histogram: it is exact.
func (c Counts) within(i int) bool {
	return c.Over[i]*1000 <= c.Timed*int64(1000-Percentiles[i])
}

// errorPercent of the requests.
func (c Counts) errorPercent() float64 {
	if c.Sent == 0 {
		return 0
	}
	return 100 * float64(c.Errors) / float64(c.Sent)
}

// broken are the limits that the counts do not keep, in words.
func (c Counts) broken(l v1alpha1.LoadLimits) []string {
	var out []string
	if c.errorPercent() > allowed(l) {
		out = append(out, fmt.Sprintf("%s of the requests failed, of which at most %s may", percent(c.errorPercent()), percent(allowed(l))))
	}
	for i := range Percentiles {
		if at := limit(l, i); at > 0 && !c.within(i) {
			out = append(out, fmt.Sprintf("%s of the requests took longer than %s, of which at most %s may", percent(100*float64(c.Over[i])/float64(c.Timed)), at, percent(100-float64(Percentiles[i])/10)))
		}
	}
	return out
}

// Holds reports whether the counts keep every limit, as far as they tell.
func (c Counts) Holds(l v1alpha1.LoadLimits) bool { return !c.behind() && len(c.broken(l)) == 0 }

// behind reports whether the sender was too slow to tell.
func (c Counts) behind() bool { return c.Late*100 > c.Sent }

func percent(p float64) string { return strconv.FormatFloat(p, 'g', 3, 64) + " %" }

// latency is a time with three digits.
func latency(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
