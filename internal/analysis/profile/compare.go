package profile

import (
	"math"
	"slices"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// comparison is everything that a part's anomalies are found in.
type comparison struct {
	Pair
	width             time.Duration
	candidate, stable *track // stable is nil when there is none
}

// tracks that there are.
func (c comparison) tracks() []*track {
	if c.stable == nil {
		return []*track{c.candidate}
	}
	return []*track{c.candidate, c.stable}
}

// find is what stands out, by kind and time. Once traffic goes back, the
// candidate is no longer looked at: it is known to be bad. What a metric or an
// alert has failed the release for is told by that verdict.
func (c comparison) find() []found {
	all := c.dips()
	if c.Phase == v1alpha1.PhaseRollingBack { // what users get changes hands
		all = nil
	}
	for _, t := range c.tracks() {
		if t == c.candidate && c.Phase == v1alpha1.PhaseRollingBack {
			continue
		}
		for _, f := range append(c.spikes(t), c.rises(t)...) {
			if t == c.candidate && c.Failing && judged[f.kind] {
				continue
			}
			all = append(all, f)
		}
	}
	return all
}

// judged are the kinds that metrics and alerts judge a release by.
var judged = map[v1alpha1.AnomalyKind]bool{
	v1alpha1.AnomalyLatencySpike: true, v1alpha1.AnomalyLatencyRise: true, v1alpha1.AnomalyErrorBurst: true, v1alpha1.AnomalyErrorRise: true,
}

// What windows are compared with.
const (
	theStable = "the stable release"
	before    = "the phase before"
)

// rises are what stands out of the part as a whole: against the stable release
// in the same part, else against the part before.
func (c comparison) rises(t *track) []found {
	var all []found
	have := map[string]bool{}
	look := func(reference []window, sameUnits bool, against string) {
		for _, f := range c.risen(t, reference, sameUnits) {
			if key := string(f.kind) + f.class; !have[key] {
				have[key] = true
				f.track, f.against, f.end = t, against, c.End
				f.start = t.since
				all = append(all, f)
			}
		}
	}
	if t == c.candidate && c.stable != nil {
		look(c.stable.during, t.ofCPU == c.stable.ofCPU && t.ofMemory == c.stable.ofMemory, theStable)
	}
	look(t.before, true, before)
	return all
}

// risen holds the part against other windows.
func (c comparison) risen(t *track, reference []window, sameUnits bool) []found {
	var all []found
	during := t.during
	if value, usual, is := rise(during, reference, latency, func(usual float64) float64 { return max((latencyRatio-1)*usual, latencyRise) }); is {
		all = append(all, found{kind: v1alpha1.AnomalyLatencyRise, value: value, usual: usual})
	}
	for _, class := range classes {
		if value, usual, is := class.rise(class.unburst(t), reference); is {
			all = append(all, found{kind: v1alpha1.AnomalyErrorRise, class: class.name, value: value, usual: usual})
		}
	}
	if !sameUnits {
		return all
	}
	held := c.held(during)
	_, _, costlier := rise(held, reference, cost, func(usual float64) float64 { return (usageRatio - 1) * usual })
	if value, usual, is := rise(held, reference, busy, enoughCPU(t.ofCPU)); is && costlier {
		all = append(all, found{kind: v1alpha1.AnomalyCPURise, value: value, usual: usual})
	}
	if value, usual, is := rise(held, reference, memory, enoughMemory(t.ofMemory)); is {
		all = append(all, found{kind: v1alpha1.AnomalyMemoryRise, value: value, usual: usual})
	}
	return all
}

// rise compares medians. It is one when they are further apart than chance and
// than what matters.
func rise(during, reference []window, of func(window) float64, enough func(usual float64) float64) (value, usual float64, is bool) {
	const fewest = 5
	a, b := known(during, of), known(reference, of)
	value, usual = median(a), median(b)
	if len(a) < fewest || len(b) < fewest {
		return value, usual, false
	}
	chance := doubt(min(len(a), len(b))) * math.Hypot(spread(a)/math.Sqrt(float64(len(a))), spread(b)/math.Sqrt(float64(len(b))))
	return value, usual, value-usual >= max(enough(usual), deviance*chance)
}

// rise compares shares of errors: all that there were, so that few windows
// with many count.
func (c class) rise(during, reference []window) (value, usual float64, is bool) {
	errors, requests := c.sum(during)
	usualErrors, usualRequests := c.sum(reference)
	const fewest = 100
	if requests < fewest || usualRequests < fewest {
		return 0, 0, false
	}
	value, usual = errors/requests, usualErrors/usualRequests
	pooled := (errors + usualErrors) / (requests + usualRequests)
	chance := math.Sqrt(pooled * (1 - pooled) * (1/requests + 1/usualRequests))
	return value, usual, value-usual >= max(c.least, deviance*chance)
}

// unburst are the windows that are not told of as bursts.
func (c class) unburst(t *track) []window {
	_, some := bursts(t, c)
	left := slices.Clone(t.during)
	for _, r := range slices.Backward(some) {
		left = slices.Delete(left, r.first, r.last+1)
	}
	return left
}

func (c class) sum(windows []window) (errors, requests float64) {
	for _, w := range windows {
		if n := c.of(w); !math.IsNaN(n) && !math.IsNaN(w.requests) {
			errors, requests = errors+n, requests+w.requests
		}
	}
	return errors, requests
}
