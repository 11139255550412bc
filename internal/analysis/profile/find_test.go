package profile

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// brief is an anomaly without its numbers: what, how grave, whose, and from
// which second of the part to which.
func short(a v1alpha1.Anomaly) string {
	return fmt.Sprintf("%s %s %s %v-%v", a.Kind, a.Severity, a.Release, a.StartTime.Sub(noon).Seconds(), a.EndTime.Sub(noon).Seconds())
}

func shorts(all []v1alpha1.Anomaly) []string {
	out := []string{}
	for _, a := range all {
		out = append(out, short(a))
	}
	return out
}

// What is put into a series is found: what, how grave, whose, since when and
// until when.
func TestWhatStandsOutIsFound(t *testing.T) {
	slow := func(times float64) func(*shape) { return func(s *shape) { s.median *= times } }
	failing := func(share float64) func(*shape) { return func(s *shape) { s.serverErrors = share } }
	for name, tc := range map[string]struct {
		candidate, stable func(int) shape
		want              []string
	}{
		"nothing": {always(healthy), always(healthy), nil},
		"a brief latency spike": {
			except(healthy, 20, 21, slow(5)), always(healthy), []string{"LatencySpike Low v2 100-110"},
		},
		"a brief spike of twelve times": {
			except(healthy, 20, 20, slow(14)), always(healthy), []string{"LatencySpike Medium v2 100-105"},
		},
		"two spikes are two": {
			except(except(healthy, 10, 10, slow(5))(0), 10, 10, slow(5)), except(healthy, 40, 41, slow(5)), []string{"LatencySpike Low v2 50-55", "LatencySpike Low v1 200-210"},
		},
		"a long one is graver": {
			except(healthy, 20, 39, slow(5)), always(healthy), []string{"LatencySpike Medium v2 100-200"},
		},
		"at the very beginning": {
			func(i int) shape {
				if i == 1 {
					s := healthy
					s.median *= 5
					return s
				}
				return healthy
			}, always(healthy), []string{"LatencySpike Low v2 5-10"},
		},
		"at the very end": {
			except(healthy, 59, 59, slow(5)), always(healthy), []string{"LatencySpike Low v2 295-300"},
		},
		"slower than stable": {
			always(shape{rps: 40, median: 0.2, sigma: 0.5, cpu: 0.35, memory: 0.5}), always(healthy), []string{"LatencyRise Medium v2 0-300"},
		},
		"a burst of errors": {
			except(healthy, 30, 31, failing(0.1)), always(healthy), []string{"ErrorBurst Low v2 150-160"},
		},
		"a burst of many": {
			except(healthy, 30, 31, failing(0.5)), always(healthy), []string{"ErrorBurst Medium v2 150-160"},
		},
		"more errors than stable": {
			always(shape{rps: 40, median: 0.05, sigma: 0.5, serverErrors: 0.04, clientErrors: 0.02, cpu: 0.35, memory: 0.5}), always(healthy), []string{"ErrorRise Low v2 0-300"},
		},
		"a dip in throughput of both": {
			except(healthy, 30, 33, func(s *shape) { s.rps = 8 }), except(healthy, 30, 33, func(s *shape) { s.rps = 8 }), []string{"ThroughputDip Low  150-170"},
		},
		"traffic that moves from one to the other is no dip": {
			except(healthy, 30, 59, func(s *shape) { s.rps = 60 }), except(healthy, 30, 59, func(s *shape) { s.rps = 20 }), nil,
		},
		"an outage": {
			except(healthy, 30, 49, func(s *shape) { s.rps = 0 }), except(healthy, 30, 49, func(s *shape) { s.rps = 0 }), []string{"ThroughputDip High  150-250"},
		},
		"CPU spikes without traffic": {
			except(healthy, 30, 32, func(s *shape) { s.cpu = 0.8 }), always(healthy), []string{"CPUSpike Low v2 150-165"},
		},
		"memory that grows": {
			except(healthy, 40, 59, func(s *shape) { s.memory = 0.97 }), always(healthy), []string{"MemorySpike High v2 200-300"},
		},
		"more CPU for the same work": {
			always(shape{rps: 40, median: 0.05, sigma: 0.5, cpu: 0.85, memory: 0.5}), always(healthy), []string{"CPURise Medium v2 0-300"},
		},
		"more CPU for more work": {
			always(shape{rps: 100, median: 0.05, sigma: 0.5, cpu: 0.85, memory: 0.5}), always(healthy), nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				got := shorts(scene(seed, 60, tc.candidate, tc.stable).anomalies())
				if diff := cmp.Diff(append([]string{}, tc.want...), got); diff != "" {
					t.Fatalf("seed %d: %s", seed, diff)
				}
			}
		})
	}
}

// Noise is no anomaly: healthy releases, busy and quiet, fast and slow, steady,
// ragged and wandering, of which hardly any may have one.
func TestHealthyReleasesHaveNoAnomalies(t *testing.T) {
	const releases, partsEach = 1200, 5
	parts, wrong := 0, 0
	kinds := map[v1alpha1.AnomalyKind]int{}
	odd := 0
	for seed := range uint64(releases) {
		s := healthy
		s.rps = []float64{0.2, 2, 10, 40, 200}[seed%5]
		s.sigma = []float64{0.3, 0.5, 0.9, 1.2}[seed/5%4]
		s.median = []float64{0.004, 0.03, 0.2}[seed/20%3]
		s.serverErrors = []float64{0, 0.002, 0.02, 0.1}[seed/60%4]
		had := false
		for part := range uint64(partsEach) {
			n := []int{6, 12, 30, 60, 90}[part]
			candidate, stable := always(s), always(s)
			if seed%2 == 1 {
				candidate, stable = wandering(s, 2*seed, n), wandering(s, 2*seed+1, n)
			}
			anomalies := scene(seed*partsEach+part, n, candidate, stable).anomalies()
			parts++
			for _, a := range anomalies {
				wrong++
				kinds[a.Kind]++
				had = true
			}
		}
		if had {
			odd++
		}
	}
	rate := float64(odd) / releases
	t.Logf("%d healthy releases of %d parts: %d false anomalies in %d parts, %.2f %% of releases; by kind %v", releases, partsEach, wrong, parts, 100*rate, kinds)
	if rate > 0.01 {
		t.Errorf("%.2f %% of healthy releases have an anomaly, at most 1 %% may", 100*rate)
	}
}

// A spike of four times the usual that lasts ten seconds is found where it is,
// in services that are never quite steady.
func TestSpikesAreFoundAmongNoise(t *testing.T) {
	const releases, n = 1000, 60
	found := 0
	for seed := range uint64(releases) {
		at := 5 + int(seed)%(n-10)
		base := wandering(healthy, seed, n)
		spiking := func(i int) shape {
			s := base(i)
			if i == at || i == at+1 {
				s.median *= 4
			}
			return s
		}
		anomalies := shorts(scene(seed, n, spiking, always(healthy)).anomalies())
		if len(anomalies) == 1 && anomalies[0] == fmt.Sprintf("LatencySpike Low v2 %d-%d", 5*at, 5*at+10) ||
			len(anomalies) == 1 && anomalies[0] == fmt.Sprintf("LatencySpike Medium v2 %d-%d", 5*at, 5*at+10) {
			found++
		}
	}
	t.Logf("%d of %d spikes are found, and nothing else, with the right start and end", found, releases)
	if found < 970 {
		t.Errorf("%d of %d spikes are found", found, releases)
	}
}

func TestMedians(t *testing.T) {
	nan := math.NaN()
	for name, tc := range map[string]struct {
		values         []float64
		median, spread float64
	}{
		"none": {nil, nan, nan}, "one": {[]float64{3}, 3, 0}, "even": {[]float64{4, 1, 3, 2}, 2.5, scale},
		"an outlier moves nothing": {[]float64{1, 2, 3, 4, 1000}, 3, scale},
	} {
		t.Run(name, func(t *testing.T) {
			same := func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
			if m, s := median(tc.values), spread(tc.values); !same(m, tc.median) || !same(s, tc.spread) {
				t.Errorf("median %v, spread %v", m, s)
			}
		})
	}
}

func TestWidth(t *testing.T) {
	for name, tc := range map[string]struct{ lasted, interval, want time.Duration }{
		"a short step":     {20 * time.Second, time.Second, 2 * time.Second},
		"a minute":         {time.Minute, time.Second, 2 * time.Second},
		"five minutes":     {5 * time.Minute, time.Second, 5 * time.Second},
		"slow scrapes":     {5 * time.Minute, 30 * time.Second, time.Minute},
		"a moment":         {0, time.Second, 2 * time.Second},
		"an hour of these": {time.Hour, 15 * time.Second, 75 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := width(Part{Start: noon, End: noon.Add(tc.lasted)}, tc.interval); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
