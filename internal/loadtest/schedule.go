// Package loadtest is what a load test is to send and when, what was measured
// of it, how the parts that several Jobs measured are put together, and what it
// all amounts to. It is pure: the prober sends, and the checks read.
package loadtest

import (
	"math"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
)

// stretch is a part of the load in which the rate changes evenly.
type stretch struct{ seconds, from, to float64 }

func (s stretch) hits() float64 { return s.seconds * (s.from + s.to) / 2 }

// Schedule says when each request of a load is due.
type Schedule []stretch

// Main is the schedule of the test's shape.
func Main(spec v1alpha1.LoadTest) Schedule {
	base, peak, lasts := float64(spec.RatePerSecond), float64(spec.PeakRatePerSecond), float64(spec.DurationSeconds)
	switch spec.Shape {
	case v1alpha1.LoadRamp:
		return Schedule{{lasts, base, peak}}
	case v1alpha1.LoadSpike:
		return Schedule{{lasts / 3, base, base}, {lasts / 3, peak, peak}, {lasts / 3, base, base}}
	case v1alpha1.LoadConstant, v1alpha1.LoadSoak:
	}
	return Schedule{{lasts, base, base}}
}

// Steady is the schedule of one rate.
func Steady(rate, seconds int32) Schedule {
	return Schedule{{float64(seconds), float64(rate), float64(rate)}}
}

// Total is how many requests are due in all.
func (s Schedule) Total() int64 {
	total := 0.0
	for _, part := range s {
		total += part.hits()
	}
	return int64(total + 1e-6)
}

// Lasts is how long the load takes.
func (s Schedule) Lasts() time.Duration {
	total := 0.0
	for _, part := range s {
		total += part.seconds
	}
	return time.Duration(total * float64(time.Second))
}

// Due is when the nth request is due, from 0, after the load has begun.
func (s Schedule) Due(n int64) time.Duration {
	left, before := float64(n), 0.0
	for i, part := range s {
		if hits := part.hits(); left < hits || i == len(s)-1 {
			return time.Duration((before + part.after(left)) * float64(time.Second))
		}
		left, before = left-part.hits(), before+part.seconds
	}
	return 0
}

// after is how many seconds of the part it takes until n requests were due.
func (s stretch) after(n float64) float64 {
	steeper := (s.to - s.from) / s.seconds
	if steeper == 0 {
		return n / s.from
	}
	return 2 * n / (s.from + math.Sqrt(s.from*s.from+2*steeper*n))
}

// peakSteps is how many rates the search for the peak tries.
const peakSteps = 10

// Steps are the rates that the search for the peak tries, one after the other.
func Steps(spec v1alpha1.LoadTest) []int32 {
	if spec.Peak == nil {
		return nil
	}
	from, to := spec.Peak.FromRatePerSecond, spec.Peak.ToRatePerSecond
	var rates []int32
	for i := range int32(peakSteps) {
		rate := from + (to-from)*i/(peakSteps-1)
		if len(rates) == 0 || rate > rates[len(rates)-1] {
			rates = append(rates, rate)
		}
	}
	return rates
}

// Window is a part of the load that is judged by itself, or not at all.
type Window struct {
	Name     string
	From, To time.Duration
	Excused  bool // the service recovers from a fault
}

// Windows are the parts of the load, one after the other. Every request is due
// in one of them.
func Windows(spec v1alpha1.LoadTest) []Window {
	lasts := Main(spec).Lasts()
	switch {
	case len(spec.Faults) > 0:
		return faulty(spec, lasts)
	case spec.Shape == v1alpha1.LoadSoak:
		return split(lasts, "first quarter", "second quarter", "third quarter", "last quarter")
	case spec.Shape == v1alpha1.LoadSpike:
		return split(lasts, "base before the spike", "spike", "base after the spike")
	}
	return split(lasts, "whole")
}

func split(lasts time.Duration, names ...string) []Window {
	windows := make([]Window, 0, len(names))
	for i, name := range names {
		part := func(n int) time.Duration { return time.Duration(int64(lasts) * int64(n) / int64(len(names))) }
		windows = append(windows, Window{Name: name, From: part(i), To: part(i + 1)})
	}
	return windows
}

// faulty are the times before the faults, while the service recovers from each,
// and after it has.
func faulty(spec v1alpha1.LoadTest, lasts time.Duration) []Window {
	windows, at := []Window{}, time.Duration(0)
	add := func(name string, to time.Duration, excused bool) {
		if to = min(to, lasts); to > at {
			windows = append(windows, Window{name, at, to, excused})
			at = to
		}
	}
	name := "before any fault"
	for _, fault := range spec.Faults {
		from := time.Duration(fault.AtSeconds) * time.Second
		add(name, from, false)
		add("recovery from "+Fault(fault), from+time.Duration(fault.RecoverSeconds)*time.Second, true)
		name = "after " + Fault(fault)
	}
	add(name, lasts, false)
	return windows
}
