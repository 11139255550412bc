package loadtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// judgeWindows holds each part of the load against the limits, where there are
// parts: after a fault, a spike or an hour they must hold as before.
func judgeWindows(spec v1alpha1.LoadTest, r Result) []verdict.Verdict {
	windows := Windows(spec)
	if len(windows) < 2 {
		return nil
	}
	var all []verdict.Verdict
	for i, w := range windows {
		c := r.Windows[i]
		e := verdict.Evidence{
			Value:  fmt.Sprintf("%d requests, %s failed", c.Sent, percent(c.errorPercent())),
			Window: fmt.Sprintf("%s to %s", w.From, w.To),
		}
		broken := c.broken(spec.Limits)
		v := verdict.Pass(v1alpha1.SignalLoad, ReasonHeld, "The limits held in the part %q", w.Name)
		switch {
		case w.Excused:
			v = verdict.Pass(v1alpha1.SignalLoad, ReasonNotJudged, "%q was not judged: %d of %d requests failed", w.Name, c.Errors, c.Sent)
		case len(broken) > 0:
			v = verdict.Fail(v1alpha1.SignalLoad, ReasonBroken, "in the part %q %s", w.Name, strings.Join(broken, " and "))
		}
		all = append(all, detail(v, fmt.Sprintf("part %d", i+1), e))
	}
	return all
}

// judgeEdges asks that what must be refused is, and breaks nothing.
func judgeEdges(spec v1alpha1.LoadTest, r Result) []verdict.Verdict {
	all := make([]verdict.Verdict, 0, len(spec.Edges))
	for _, edge := range spec.Edges {
		c := r.Edges[edge]
		strict := edge == v1alpha1.EdgeOversized || edge == v1alpha1.EdgeMalformed
		e := verdict.Evidence{
			Value:     fmt.Sprintf("%d sent, %d answered 4xx, %d closed, %d accepted, %d left open, %d answered 5xx", c.Sent, c.Refused, c.Closed, c.Accepted, c.Patient, c.Broken),
			Threshold: "no answer of 5xx",
		}
		if strict {
			e.Threshold = "answered 4xx or closed"
		}
		v := verdict.Pass(v1alpha1.SignalLoad, ReasonEdge, "The service survived the edge case %s", edge)
		switch {
		case c.Broken > 0:
			v = verdict.Fail(v1alpha1.SignalLoad, ReasonEdge, "the service answered %d of %d requests of the edge case %s with 5xx", c.Broken, c.Sent, edge)
		case strict && c.Accepted+c.Patient > 0:
			v = verdict.Fail(v1alpha1.SignalLoad, ReasonEdge, "the service neither refused nor closed %d of %d requests of the edge case %s", c.Accepted+c.Patient, c.Sent, edge)
		case c.Sent == 0:
			v = verdict.Wait(v1alpha1.SignalLoad, ReasonCut, "no request of the edge case %s was sent", edge)
		}
		all = append(all, detail(v, string(edge), e))
	}
	return all
}

// judgeFaults asks that each was switched: else its recovery proves nothing.
func judgeFaults(spec v1alpha1.LoadTest, r Result) []verdict.Verdict {
	all := make([]verdict.Verdict, 0, len(spec.Faults))
	for i, fault := range spec.Faults {
		status := 0
		if i < len(r.Faults) {
			status = r.Faults[i]
		}
		v := measured("%s was answered with %d", Fault(fault), status)
		switch {
		case status == 0:
			v = verdict.Wait(v1alpha1.SignalLoad, ReasonNotSwitched, "%s was not answered", Fault(fault))
		case status >= 400:
			v = verdict.Wait(v1alpha1.SignalLoad, ReasonNotSwitched, "%s was answered with %d: check spec.checks.load.test.faults[%d]", Fault(fault), status, i)
		}
		all = append(all, detail(v, fmt.Sprintf("fault %d", i+1), verdict.Evidence{Value: fmt.Sprint(status), Query: verdict.Clip(Fault(fault)+" "+fault.Body, 512)}))
	}
	return all
}

// judgeStable compares with what the same test measured of the stable release.
func judgeStable(spec v1alpha1.LoadTest, r Result, base *v1alpha1.LoadRecord, why string) []verdict.Verdict {
	allowed := spec.Limits.NoWorseThanStablePercent
	if allowed == 0 {
		return nil
	}
	e := verdict.Evidence{Threshold: fmt.Sprintf("<= %d %% above the stable release's", allowed)}
	if base == nil {
		return []verdict.Verdict{detail(verdict.Pass(v1alpha1.SignalLoad, ReasonNoBaseline, "There is no baseline to compare with: %s", why), "baseline", e)}
	}
	words, compared := worse(spec, r, *base)
	e.Value, e.Samples = fmt.Sprintf("%d of 4 percentiles compared", compared), int32(min(base.Requests, 1<<31-1)) //nolint:gosec // bounded
	v := verdict.Pass(v1alpha1.SignalLoad, ReasonNoWorse, "The candidate was not slower than the stable release %s in its own load test by more than %d %%", base.Release, allowed)
	switch {
	case len(words) > 0:
		v = verdict.Fail(v1alpha1.SignalLoad, ReasonWorse, "%s, more than %d %% above", strings.Join(words, ", "), allowed)
	case compared == 0:
		v = verdict.Pass(v1alpha1.SignalLoad, ReasonNoBaseline, "Too few requests were sent to compare with the stable release %s: raise durationSeconds", base.Release)
	}
	return []verdict.Verdict{detail(v, "baseline", e)}
}

// peak is the highest rate at which the limits held, and why none above it.
func peak(spec v1alpha1.LoadTest, r Result) (rate int32, why string) {
	rates := Steps(spec)
	for i, c := range r.Steps {
		broken := c.broken(spec.Limits)
		switch {
		case c.behind():
			return rate, fmt.Sprintf("at %d/s the sender could not keep up", rates[i])
		case len(broken) > 0:
			return rate, fmt.Sprintf("at %d/s %s", rates[i], strings.Join(broken, " and "))
		case c.Sent == 0:
			return rate, fmt.Sprintf("%d/s was not tried", rates[i])
		}
		rate = rates[i]
	}
	return rate, "higher rates were not tried"
}

// tellPeak tells what the search for the peak came to. It decides nothing.
func tellPeak(spec v1alpha1.LoadTest, r Result, base *v1alpha1.LoadRecord) []verdict.Verdict {
	if spec.Peak == nil {
		return nil
	}
	rate, why := peak(spec, r)
	value := fmt.Sprintf("%d/s", rate)
	if rate == 0 {
		value = fmt.Sprintf("below %d/s", spec.Peak.FromRatePerSecond)
	}
	e := verdict.Evidence{Value: value, Window: fmt.Sprintf("%d s for each rate", spec.Peak.StepSeconds), Query: fmt.Sprintf("%d to %d requests per second", spec.Peak.FromRatePerSecond, spec.Peak.ToRatePerSecond)}
	if base != nil && base.PeakRatePerSecond > 0 {
		e.Baseline = fmt.Sprintf("%d/s", base.PeakRatePerSecond)
	}
	return []verdict.Verdict{detail(verdict.Pass(v1alpha1.SignalLoad, ReasonPeak, "The limits held at up to %s: %s", value, why), "peak", e)}
}

// judgeSender asks whether what sends was fast enough to tell: that it was not
// is no fault of the service's.
func judgeSender(spec v1alpha1.LoadTest, r Result) []verdict.Verdict {
	var c Counts
	for _, w := range r.Windows {
		c.Add(w)
	}
	e := verdict.Evidence{Value: fmt.Sprintf("%d of %d sent late", c.Late, c.Sent), Threshold: "<= 1 %", Statistic: "CPU time " + (time.Duration(r.CPU) * time.Millisecond).String()}
	v := measured("The load was sent when it was due")
	switch {
	case r.Cut:
		v = verdict.Wait(v1alpha1.SignalLoad, ReasonCut, "the load was stopped before its end: raise spec.checks.load.test.timeoutSeconds")
	case c.behind():
		v = verdict.Wait(v1alpha1.SignalLoad, ReasonBehind, "the sender could not keep up with the rate, through no fault of the service: %d of %d requests were late; lower ratePerSecond, or raise spec.checks.load.test.workers", c.Late, c.Sent)
	}
	sender := detail(v, "sender", e)
	if spec.Workers < 2 {
		return []verdict.Verdict{sender}
	}
	lasts := Main(spec).Lasts()
	e = verdict.Evidence{Value: fmt.Sprintf("%d workers together for %s", r.Workers, r.Shared.Round(time.Second/10)), Threshold: fmt.Sprintf(">= %d %% of %s", together, lasts)}
	v = measured("The workers sent at the same time")
	if r.Shared*100 < lasts*together {
		v = verdict.Wait(v1alpha1.SignalLoad, ReasonApart, "the %d workers sent at the same time for only %s of %s: see why their pods start late", r.Workers, r.Shared.Round(time.Second/10), lasts)
	}
	return []verdict.Verdict{sender, detail(v, "workers", e)}
}
