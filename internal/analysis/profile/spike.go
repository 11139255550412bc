package profile

import (
	"math"
	"slices"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// What it takes to stand out. A value is beyond what chance does, and matters:
// both, since either alone is noise.
const (
	fewest   = 8   // windows that tell what is usual
	deviance = 6.0 // robust standard deviations

	latencyRatio, latencyRise = 1.5, 0.025 // times the usual, and seconds
	quantileRequests          = 20         // of a window, whose 95th percentile is a value then
	serverErrorRise           = 0.01       // of all answers
	clientErrorRise           = 0.05
	dipRatio, dipRequests     = 0.5, 5.0 // of the usual, and requests per second that are usual
	shareRise                 = 0.2      // of a limit
	coresRise, bytesRise      = 0.25, 64 << 20
	usageRatio                = 1.5
)

// found is what stood out, before it is put into words.
type found struct {
	kind         v1alpha1.AnomalyKind
	track        *track // nil for all together
	class        string // of errors
	against      string // what it is compared with; empty for the rest of the part
	value, usual float64
	start, end   time.Time
}

// spikes are what stood out of a part while it lasted.
func (c comparison) spikes(t *track) []found {
	var all []found
	add := func(kind v1alpha1.AnomalyKind, class string, usual float64, windows []window, some []run) {
		for _, r := range some {
			all = append(all, found{kind: kind, track: t, class: class, value: r.worst, usual: usual, start: windows[r.first].start, end: windows[r.last].end})
		}
	}
	usual, some := slow(t)
	add(v1alpha1.AnomalyLatencySpike, "", usual, t.during, some)
	for _, class := range classes {
		usual, some := bursts(t, class)
		add(v1alpha1.AnomalyErrorBurst, class.name, usual, t.during, some)
	}
	held := c.held(t.during)
	usual, some = above(held, known(held, busy), costly(held), enoughCPU(t.ofCPU))
	add(v1alpha1.AnomalyCPUSpike, "", usual, held, some)
	usual, some = above(held, known(held, memory), memory, enoughMemory(t.ofMemory))
	add(v1alpha1.AnomalyMemorySpike, "", usual, held, some)
	return all
}

func latency(w window) float64 {
	if w.requests < quantileRequests || w.p95 <= 0 {
		return math.NaN()
	}
	return w.p95
}

func busy(w window) float64   { return w.cpu }
func memory(w window) float64 { return w.memory }

func enoughCPU(share bool) func(float64) float64 {
	return func(usual float64) float64 { return max((usageRatio-1)*usual, pick(share, shareRise, coresRise)) }
}

func enoughMemory(share bool) func(float64) float64 {
	return func(usual float64) float64 {
		return max((usageRatio-1)*usual, pick(share, shareRise, float64(bytesRise)))
	}
}

func pick(first bool, a, b float64) float64 {
	if first {
		return a
	}
	return b
}

// above are the windows with values far above the usual.
func above(windows []window, usually []float64, of func(window) float64, enough func(usual float64) float64) (float64, []run) {
	usual := median(usually)
	if len(usually) < fewest {
		return usual, nil
	}
	limit := usual + max(deviance*spread(usually)*doubt(len(usually)), enough(usual))
	values := make([]float64, len(windows))
	for i, w := range windows {
		values[i] = of(w)
	}
	return usual, runs(values, func(i int) bool { return values[i] > limit }, more)
}

// slow are the windows whose latency is far above the usual. Latencies differ
// by factors, so that they are compared by their logarithms, and those of few
// answers differ more.
func slow(t *track) (float64, []run) {
	both := slices.Concat(t.before, t.during)
	logs := known(both, func(w window) float64 { return math.Log(latency(w)) })
	usual, answers := math.Exp(median(logs)), median(known(both, func(w window) float64 {
		if math.IsNaN(latency(w)) {
			return math.NaN()
		}
		return w.requests
	}))
	if len(logs) < fewest {
		return usual, nil
	}
	values := make([]float64, len(t.during))
	for i, w := range t.during {
		values[i] = latency(w)
	}
	return usual, runs(values, func(i int) bool {
		few := 1.0
		if requests := t.during[i].requests; requests < answers {
			few = math.Sqrt(answers / requests)
		}
		chance := usual * math.Exp(deviance*few*spread(logs)*doubt(len(logs)))
		return values[i] > max(chance, latencyRatio*usual, usual+latencyRise)
	}, more)
}

// doubt is how much wider a spread may be than it seems, told by so many
// values.
func doubt(values int) float64 { return 1 + 6/float64(values) }

// costly is the CPU of windows in which it is not explained by their traffic.
// Where that is little, any answer more than usual explains it.
func costly(windows []window) func(window) float64 {
	usual, answers := median(known(windows, busy)), median(known(windows, func(w window) float64 { return w.requests }))
	return func(w window) float64 {
		explained := usageRatio * usual * max(1, w.requests/max(1, answers))
		few := answers < quantileRequests && w.requests > answers
		if w.cpu <= explained || few {
			return math.Min(w.cpu, usual)
		}
		return w.cpu
	}
}

// cost is the CPU that an answer took, in seconds.
func cost(w window) float64 {
	if w.requests < quantileRequests {
		return math.NaN()
	}
	return w.cpuTotal / w.requests
}

// class of errors.
type class struct {
	name  string
	of    func(window) float64
	least float64 // share of all answers that matters
}

var classes = []class{
	{"4xx", func(w window) float64 { return w.clientErrors }, clientErrorRise},
	{"5xx", func(w window) float64 { return w.serverErrors }, serverErrorRise},
}

func (c class) share(w window) float64 { return c.of(w) / w.requests }

// bursts are the windows with more errors of a class than chance makes of the
// usual share of them.
func bursts(t *track, c class) (usual float64, some []run) {
	both := slices.Concat(t.before, t.during)
	if len(known(both, c.of)) < fewest {
		return 0, nil
	}
	usual = c.usual(both)
	values := make([]float64, len(t.during))
	for i, w := range t.during {
		values[i] = c.share(w)
	}
	return usual, runs(values, func(i int) bool {
		expected := usual * t.during[i].requests
		return c.of(t.during[i]) > expected+5*math.Sqrt(expected)+4 && values[i] > usual+c.least
	}, more)
}

// usual is the share of errors, the fifth of all windows with the largest
// shares left out.
func (c class) usual(windows []window) float64 {
	limit := quantile(known(windows, c.share), 0.8)
	var errors, requests float64
	for _, w := range windows {
		if c.share(w) <= limit {
			errors, requests = errors+c.of(w), requests+w.requests
		}
	}
	if requests == 0 {
		return 0
	}
	return errors / requests
}

// dips are when both tracks together answered far fewer requests than usual:
// each alone has what weight it is given.
func (c comparison) dips() []found {
	during, before := c.held(c.together(func(t *track) []window { return t.during })), c.together(func(t *track) []window { return t.before })
	requests := func(w window) float64 { return w.requests }
	usual := append(known(before, requests), known(during, requests)...)
	expected := median(usual)
	if len(usual) < fewest || expected < dipRequests*c.width.Seconds() {
		return nil
	}
	limit := min(dipRatio*expected, expected-deviance*spread(usual), expected-5*math.Sqrt(expected))
	values := make([]float64, len(during))
	for i, w := range during {
		values[i] = w.requests
	}
	var all []found
	for _, r := range runs(values, func(i int) bool { return values[i] < limit }, less) {
		all = append(all, found{
			kind: v1alpha1.AnomalyThroughputDip, value: r.worst / c.width.Seconds(), usual: expected / c.width.Seconds(),
			start: during[r.first].start, end: during[r.last].end,
		})
	}
	return all
}

// together adds the requests of the tracks, window by window. A track that
// answers now and then has answered none when it is silent, but one that was
// heard before and is not now is not known to have.
func (c comparison) together(of func(*track) []window) []window {
	var all []window
	at := map[time.Time]int{}
	for _, t := range c.tracks() {
		silent := len(known(of(t), func(w window) float64 { return w.requests })) == 0
		for _, w := range of(t) {
			i, there := at[w.end]
			if !there {
				i = len(all)
				at[w.end] = i
				all = append(all, window{start: w.start, end: w.end})
			}
			if !silent {
				all[i].requests += w.requests
			}
		}
	}
	return all
}

// held are the windows in which the weight did not change.
func (c comparison) held(windows []window) []window {
	for i, w := range windows {
		if !w.start.Before(c.Held) {
			return windows[i:]
		}
	}
	return nil
}
