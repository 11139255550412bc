package library_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/signal-delivery/operator/internal/alert/library"
)

// bounds are those of the buckets, in seconds.
var bounds = []string{"0.1", "0.4", "0.75", "0.9", "1.3"}

// answers are requests by their latency: how many more of them in each step
// there are in each bucket, in a histogram.
type answers func(labels, values string, counts ...int) string

// classic has a series for each bucket.
func classic(labels, values string, counts ...int) string {
	var lines strings.Builder
	sum := 0
	for i, bound := range bounds {
		if i < len(counts) {
			sum += counts[i]
		}
		fmt.Fprintf(&lines, "http_request_duration_seconds_bucket{%s,le=%q} %s\n", labels, bound, steps(values, fmt.Sprint(sum)))
	}
	fmt.Fprintf(&lines, "http_request_duration_seconds_bucket{%s,le=\"+Inf\"} %s\n", labels, steps(values, fmt.Sprint(sum)))
	return lines.String() + counted(labels, values, sum)
}

// native has the same buckets in one series.
func native(labels, values string, counts ...int) string {
	sum, list := 0, make([]string, len(bounds))
	for i := range list {
		list[i] = "0"
		if i < len(counts) {
			sum, list[i] = sum+counts[i], fmt.Sprint(counts[i])
		}
	}
	histogram := func(sum int, list []string) string {
		return fmt.Sprintf("{{schema:-53 sum:%d count:%d custom_values:[%s] buckets:[%s]}}", sum, sum, strings.Join(bounds, " "), strings.Join(list, " "))
	}
	none := histogram(0, strings.Fields(strings.Repeat("0 ", len(bounds))))
	each := strings.NewReplacer("0+N", none+"+"+histogram(sum, list)).Replace(values)
	return fmt.Sprintf("http_request_duration_seconds{%s} %s\n", labels, each) + counted(labels, values, sum)
}

func counted(labels, values string, sum int) string {
	return fmt.Sprintf("http_requests_total{%s,code=\"200\"} %s\n", labels, steps(values, fmt.Sprint(sum)))
}

// steps puts a number into the notation of a series.
func steps(values, n string) string { return strings.ReplaceAll(values, "N", n) }

const steadily = "0+Nx24"

// late is the alert on the new release at a quantile.
func late(quantile, value, text, more string) []string {
	return []string{"quantile=" + quantile + " release=new severity=critical: " + value + ": Release bbbbbbbbbb of prod/app answers with a latency of " + text + " at quantile " + quantile + more}
}

const farMore = ", far more than the release beside it"

var latencyStories = map[string]map[string]story{
	"SignalLatencyHigh":        bothKinds(slowness),
	"SignalLatencyAboveStable": bothKinds(slowdown),
}

// bothKinds are the stories with either kind of histogram.
func bothKinds(stories func(answers) map[string]story) map[string]story {
	all := stories(classic)
	for name, s := range stories(native) {
		all[name+", native"] = s
	}
	return all
}

func slowness(answered answers) map[string]story {
	return map[string]story{
		"the slowest twentieth is just too slow":    {series: answered("$new", steadily, 919, 0, 81), want: late("0.95", "0.533951", "534ms", "")},
		"the slowest twentieth is just fast enough": {series: answered("$new", steadily, 94, 0, 6)},
		"the slowest hundredth is just too slow":    {series: answered("$new", steadily, 984, 0, 0, 0, 16), want: late("0.99", "1.05", "1.05s", "")},
		"the slowest hundredth is just fast enough": {series: answered("$new", steadily, 988, 0, 0, 0, 12)},
		"the slowest hundredth may take so long":    {series: answered("$new", steadily, 2960, 0, 0, 0, 40)},
		"in a Prometheus": {
			series: answered("$day2", steadily, 919, 0, 81), every: 15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow,
			want: late("0.95", "0.533951", "534ms", ""),
		},
		"for 10 s":                         {series: answered("$new", "_x21 0+Nx4", 9190, 0, 810), want: late("0.95", "0.533951", "534ms", "")},
		"for 5 s":                          {series: answered("$new", "_x22 0+Nx4", 9190, 0, 810)},
		"too few requests for a twentieth": {series: answered("$new", steadily, 0, 0, 8)},
		"just enough for a twentieth":      {series: answered("$new", steadily, 0, 0, 10), every: 6 * time.Second, want: late("0.95", "0.7325", "732.5ms", "")},
		"too few requests for a hundredth": {series: answered("$new", steadily, 38, 0, 0, 0, 2), at: 2 * time.Minute},
		"just enough for a hundredth":      {series: answered("$new", steadily, 48, 0, 0, 0, 2), every: 6 * time.Second, want: late("0.99", "1.2", "1.2s", "")},
		"both quantiles": {series: answered("$new", steadily, 0, 0, 0, 0, 100), want: append(
			late("0.95", "1.28", "1.28s", ""), late("0.99", "1.296", "1.296s", "")...)},
		"it was slow more than a minute ago": {series: answered("$new", "0+Nx11 _x13", 50, 0, 50) + answered("$new2", steadily, 100)},
		"it was slow less than a minute ago": {
			series: answered("$new", "0+Nx18 _x6", 50, 0, 50) + answered("$new2", steadily, 200), want: late("0.95", "0.585769", "585.8ms", ""),
		},
		"the slowest hundredth was slow more than a minute ago": {series: answered("$new", "0+Nx11 _x13", 90, 0, 0, 0, 10) + answered("$new2", steadily, 100)},
		"the slowest hundredth was slow less than a minute ago": {
			series: answered("$new", "0+Nx18 _x6", 92, 0, 0, 0, 8) + answered("$new2", steadily, 200), want: late("0.99", "1.06538", "1.065s", ""),
		},
		"of several pods": {
			series: answered("$new", steadily, 90, 0, 0, 0, 10) + answered("$new2", steadily, 0, 50, 0, 0, 200),
			want:   append(late("0.95", "1.26667", "1.267s", ""), late("0.99", "1.29333", "1.293s", "")...),
		},
		"just enough for a twentieth, in two pods": {
			series: answered("$new", steadily, 0, 0, 5) + answered("$new2", steadily, 0, 0, 5), every: 6 * time.Second, want: late("0.95", "0.7325", "732.5ms", ""),
		},
		"just enough for a hundredth, in two pods": {
			series: answered("$new", steadily, 24, 0, 0, 0, 1) + answered("$new2", steadily, 24, 0, 0, 0, 1), every: 6 * time.Second, want: late("0.99", "1.2", "1.2s", ""),
		},
	}
}

// slowdown are beside a release whose quantile 0.95 is 0.095 s.
func slowdown(answered answers) map[string]story {
	fastAsEver := answered("$old", steadily, 1000)
	return map[string]story{
		"the slowest twentieth is just too slow": {
			series: fastAsEver + answered("$new", steadily, 927, 73),
			want:   append(late("0.95", "0.194521", "194.5ms", farMore), late("0.99", "0.358904", "358.9ms", farMore)...),
		},
		"the slowest twentieth is just fast enough": {
			series: fastAsEver + answered("$new", steadily, 929, 71),
			want:   late("0.99", "0.357746", "357.7ms", farMore),
		},
		"the slowest hundredth is just too slow": {
			series: fastAsEver + answered("$new", steadily, 985, 15), want: late("0.99", "0.2", "200ms", farMore),
		},
		"the slowest hundredth is just fast enough": {series: fastAsEver + answered("$new", steadily, 9853, 147)},
		"the faster one":          {series: answered("$old", steadily, 0, 0, 0, 1000) + answered("$new", steadily, 1000)},
		"nothing to compare with": {series: answered("$new", steadily, 0, 0, 0, 1000)},
		"in a Prometheus, the slower one": {
			series: answered("$day1", steadily, 1000) + answered("$day2", steadily, 985, 15),
			every:  15 * time.Second, at: 6 * time.Minute, window: library.PublishedWindow,
			want: late("0.99", "0.2", "200ms", farMore),
		},
		"for 10 s": {
			series: fastAsEver + answered("$new", "_x21 0+Nx4", 9850, 150), want: late("0.99", "0.2", "200ms", farMore),
		},
		"for 5 s":                          {series: fastAsEver + answered("$new", "_x22 0+Nx4", 9850, 150)},
		"too few requests for a twentieth": {series: fastAsEver + answered("$new", steadily, 0, 8)},
		"just enough for a twentieth": {
			series: fastAsEver + answered("$new", steadily, 0, 10), every: 6 * time.Second,
			want: late("0.95", "0.385", "385ms", farMore),
		},
		"too few requests for a hundredth": {series: fastAsEver + answered("$new", steadily, 39, 1)},
		"just enough for a hundredth": {
			series: fastAsEver + answered("$new", steadily, 49, 1), every: 6 * time.Second, want: late("0.99", "0.25", "250ms", farMore),
		},
		"too few to compare a twentieth with": {series: answered("$old", steadily, 8) + answered("$new", steadily, 0, 1000)},
		"just enough to compare a twentieth with": {
			series: answered("$old", steadily, 10) + answered("$new", steadily, 0, 1000), every: 6 * time.Second,
			want: late("0.95", "0.385", "385ms", farMore),
		},
		"too few to compare a hundredth with": {
			series: answered("$old", steadily, 40) + answered("$new", steadily, 985, 15),
		},
		"just enough to compare a hundredth with": {
			series: answered("$old", steadily, 50) + answered("$new", steadily, 985, 15), every: 6 * time.Second,
			want: late("0.99", "0.2", "200ms", farMore),
		},
		"it was slow more than a minute ago": {series: fastAsEver + answered("$new", "0+Nx11 _x13", 50, 50) + answered("$new2", steadily, 100)},
		"it was slow less than a minute ago": {
			series: fastAsEver + answered("$new", "0+Nx18 _x6", 50, 50) + answered("$new2", steadily, 200),
			want:   append(late("0.95", "0.259231", "259.2ms", farMore), late("0.99", "0.371846", "371.8ms", farMore)...),
		},
		"stable was slow more than a minute ago": {
			series: fastAsEver + answered("$older", "0+Nx11 _x13", 0, 0, 0, 1000) + answered("$new", steadily, 927, 73),
			want:   append(late("0.95", "0.194521", "194.5ms", farMore), late("0.99", "0.358904", "358.9ms", farMore)...),
		},
		"stable was slow less than a minute ago": {
			series: fastAsEver + answered("$older", "0+Nx15 _x9", 0, 0, 0, 1000) + answered("$new", steadily, 927, 73),
		},
		"of several pods": {
			series: fastAsEver + answered("$new", steadily, 90, 10) + answered("$new2", steadily, 0, 250),
			want:   append(late("0.95", "0.379808", "379.8ms", farMore), late("0.99", "0.395962", "396ms", farMore)...),
		},
		"stable has several pods": {
			series: fastAsEver + answered("$older", steadily, 0, 1000) + answered("$new", steadily, 0, 1000),
		},
		"just enough for a twentieth, in two pods": {
			series: fastAsEver + answered("$new", steadily, 0, 5) + answered("$new2", steadily, 0, 5), every: 6 * time.Second, want: late("0.95", "0.385", "385ms", farMore),
		},
		"just enough for a hundredth, in two pods": {
			series: fastAsEver + answered("$new", steadily, 24, 1) + answered("$new2", steadily, 25, 0), every: 6 * time.Second, want: late("0.99", "0.25", "250ms", farMore),
		},
		"just enough to compare a twentieth with, in two pods": {
			series: answered("$old", steadily, 5) + answered("$older", steadily, 5) + answered("$new", steadily, 0, 1000), every: 6 * time.Second, want: late("0.95", "0.385", "385ms", farMore),
		},
		"just enough to compare a hundredth with, in two pods": {
			series: answered("$old", steadily, 25) + answered("$older", steadily, 25) + answered("$new", steadily, 985, 15), every: 6 * time.Second, want: late("0.99", "0.2", "200ms", farMore),
		},
	}
}
