package profile

import (
	"math"
	"math/rand/v2"
	"time"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// shape is how a simulated service behaves in one window.
type shape struct {
	rps, median, sigma         float64 // requests per second; of lognormal response times, in seconds
	clientErrors, serverErrors float64 // shares
	cpu, memory                float64 // shares of limits
}

var healthy = shape{rps: 40, median: 0.05, sigma: 0.5, clientErrors: 0.02, serverErrors: 0.002, cpu: 0.35, memory: 0.5}

// simulate is windows of five seconds, drawn from shapes as a service would
// have them: numbers of requests and of errors by chance, quantiles of as many
// response times as there were requests, by the buckets of a histogram.
func simulate(random *rand.Rand, start time.Time, n int, of func(i int) shape) []window {
	const width = 5 * time.Second
	all := make([]window, n)
	for i := range all {
		s := of(i)
		w := blank(start.Add(time.Duration(i)*width), width)
		requests := poisson(random, s.rps*width.Seconds())
		w.requests = float64(requests)
		w.serverErrors = float64(min(requests, poisson(random, s.serverErrors*float64(requests))))
		w.clientErrors = float64(min(requests, poisson(random, s.clientErrors*float64(requests))))
		if requests > 0 {
			w.p95 = min(s.median*math.Exp(s.sigma*normal(drawn(random, requests))), 5) // the last bound of the buckets
		}
		w.cpu = s.cpu * (0.3 + 0.7*float64(requests)/(s.rps*width.Seconds())) * (1 + 0.05*random.NormFloat64())
		w.cpuTotal = 2 * w.cpu
		w.memory = s.memory + 0.02*random.NormFloat64()
		all[i] = w
	}
	return all
}

// drawn is where the 95th percentile of so many draws is, as a share of all
// that could be drawn: going down from the largest.
func drawn(random *rand.Rand, n int) float64 {
	at := 1.0
	for i := n; i > int(0.95*float64(n)); i-- {
		at *= math.Pow(random.Float64(), 1/float64(i))
	}
	return at
}

// normal is the quantile of the normal distribution.
func normal(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

func poisson(random *rand.Rand, mean float64) int {
	if mean > 50 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*random.NormFloat64())))
	}
	limit, n := math.Exp(-mean), 0
	for p := random.Float64(); p > limit; p *= random.Float64() {
		n++
	}
	return n
}

// scene is a part of a release with both tracks, and a part before it.
func scene(seed uint64, n int, candidate, stable func(i int) shape) comparison {
	random := rand.New(rand.NewPCG(seed, 4))
	const width = 5 * time.Second
	before := 12
	from := noon.Add(-time.Duration(before) * width)
	c := comparison{width: width, Pair: Pair{
		Part:   Part{Phase: "Progressing", Step: "half", Start: noon, End: noon.Add(time.Duration(n) * width)},
		Before: Part{Phase: "Progressing", Step: "first", Start: from, End: noon},
	}}
	side := func(who, release string, of func(int) shape) *track {
		usual := func(int) shape { s := of(0); return s }
		return &track{
			who: who, release: release, width: width, ofCPU: true, ofMemory: true, since: noon, totals: unknown(),
			before: simulate(random, from, before, usual), during: simulate(random, noon, n, of),
		}
	}
	c.candidate, c.stable = side("candidate", "v2", candidate), side("stable release", "v1", stable)
	return c
}

func always(s shape) func(int) shape { return func(int) shape { return s } }

// except is one shape but for the windows from first to last.
func except(usual shape, first, last int, change func(*shape)) func(int) shape {
	return func(i int) shape {
		s := usual
		if i >= first && i <= last {
			change(&s)
		}
		return s
	}
}

// wandering is a shape whose traffic and response times drift up and down, by
// a tenth and more, as those of real services do.
func wandering(usual shape, seed uint64, n int) func(i int) shape {
	random := rand.New(rand.NewPCG(seed, 5))
	shapes, drift := make([]shape, n), 0.0
	for i := range shapes {
		drift = 0.9*drift + 0.05*random.NormFloat64()
		s := usual
		s.rps, s.median = s.rps*math.Exp(drift), s.median*math.Exp(drift)
		shapes[i] = s
	}
	return func(i int) shape { return shapes[i] }
}
