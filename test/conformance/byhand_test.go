package conformance_test

import (
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
)

func float(v float64, name string, pairs ...string) sample {
	return sample{labels: labels.FromStrings(append(pairs, model.MetricNameLabel, name)...), value: v}
}

// byHand is what no exposition has: facts about pods, series that end without
// a marker, that change from floats to histograms, gauges and floats as
// histograms, and samples that come too late.
func byHand(tick int) []batch {
	at := tickTime(tick)
	n := float64(tick)
	samples := []sample{
		float(n, "tick"),
		float(float64(tick%60), "saw_total"),
		float(1, "kube_pod_info", "pod", "a", "node", "n1"),
		float(1, "kube_pod_info", "pod", "b", "node", "n2"),
		float(1, "kube_pod_info", "pod", "c", "node", "n1"),
		float(float64(int(n/50)), "kube_pod_container_status_restarts_total", "pod", "b"),
		{labels: labels.FromStrings(model.MetricNameLabel, "gauge_native"), float: gaugeHistogram(n)},
		{labels: labels.FromStrings(model.MetricNameLabel, "float_native"), float: floatHistogram(tick)},
	}
	if tick < 60 {
		samples = append(samples, float(n, "silent")) // ends without a marker
	}
	if tick%4 == 0 {
		samples = append(samples, float(n, "sparse"))
	}
	if tick < 90 {
		samples = append(samples, float(n, "mixed"))
	} else {
		samples = append(samples, sample{labels: labels.FromStrings(model.MetricNameLabel, "mixed"), float: floatHistogram(tick)})
	}
	for i := range 3 { // each is stale now and then
		s := float(n, "flapping", "i", fmt.Sprint(i))
		if tick%(7+i) == 0 {
			s.value = stale
		}
		samples = append(samples, s)
	}
	all := []batch{{at: at, samples: samples}}
	if tick == 50 {
		all = append(
			all,
			batch{at: at, samples: []sample{float(n, "tick")}},                           // the same again
			batch{at: at, samples: []sample{float(-1, "tick")}, refused: true},           // another value
			batch{at: tickTime(40), samples: []sample{float(-2, "tick")}, refused: true}, // too late
			batch{at: at, samples: []sample{float(3, "float_native")}, refused: true},
			batch{at: tickTime(40), samples: []sample{float(40, "late")}}, // late, but first of its series
		)
	}
	return all
}

// gaugeHistogram has negative buckets and a zero bucket, and goes up and down.
func gaugeHistogram(n float64) *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{
		CounterResetHint: histogram.GaugeType, Schema: 1, ZeroThreshold: 0.01, ZeroCount: float64(int(n) % 5),
		PositiveSpans: []histogram.Span{{Offset: -2, Length: 2}, {Offset: 3, Length: 1}}, PositiveBuckets: []float64{float64(int(n) % 3), 2.5, float64(int(n) % 11)},
		NegativeSpans: []histogram.Span{{Offset: 1, Length: 2}}, NegativeBuckets: []float64{1, float64(int(n) % 4)},
		Sum: n - 90,
	}
	return counted(h)
}

// floatHistogram counts, was reset at the hundredth tick, and then has another
// resolution and layout.
func floatHistogram(tick int) *histogram.FloatHistogram {
	n := float64(tick)
	h := &histogram.FloatHistogram{Schema: 0, PositiveSpans: []histogram.Span{{Offset: 0, Length: 3}}, PositiveBuckets: []float64{n, n * 2.5, n / 2}, Sum: n * 7}
	if tick >= 100 {
		n -= 100
		h.Schema, h.Sum = 2, n*3
		h.PositiveSpans = []histogram.Span{{Offset: 1, Length: 2}, {Offset: 2, Length: 2}}
		h.PositiveBuckets = []float64{n, n, n * 1.5, 1}
	}
	return counted(h)
}

func counted(h *histogram.FloatHistogram) *histogram.FloatHistogram {
	h.Count = h.ZeroCount
	for _, n := range append(slices.Clip(h.PositiveBuckets), h.NegativeBuckets...) {
		h.Count += n
	}
	return h
}
