package httpprobe

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/signal-delivery/operator/api/v1alpha1"
	"github.com/signal-delivery/operator/internal/verdict"
)

// settle sends a request, and again while it is not answered as expected: as
// often as its retry says, each time after twice as long.
func (r *run) settle(ctx context.Context, request v1alpha1.HTTPRequest, first bool) verdict.Verdict {
	if request.Retry == nil {
		return r.try(ctx, request, first)
	}
	attempts, wait := int(request.Retry.Attempts), time.Duration(request.Retry.BackoffMilliseconds)*time.Millisecond
	var before []verdict.Verdict
	for {
		v := r.try(ctx, request, first)
		if v.Outcome == verdict.Passed || v.Reason == ReasonExpression || len(before)+1 >= attempts || !r.pause(ctx, wait) {
			return retried(v, before, attempts)
		}
		before = append(before, v)
		wait *= 2
	}
}

// pause waits; false says that the check has no time left.
func (r *run) pause(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case <-r.Clock.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// retried is a verdict with what was sent before it.
func retried(v verdict.Verdict, before []verdict.Verdict, attempts int) verdict.Verdict {
	if len(before) == 0 {
		return v
	}
	e := *v.Evidence
	e.Samples, e.Failures = int32(len(before)+1), int32(len(before)) //nolint:gosec // ten at most
	if v.Outcome != verdict.Passed {
		e.Failures++
	}
	var said []string
	for _, earlier := range before {
		said = append(said, earlier.Evidence.Value+" ("+earlier.Reason+")")
	}
	e.Value = verdict.Clip(fmt.Sprintf("%s, at attempt %d of %d; before it: %s", e.Value, e.Samples, attempts, strings.Join(said, ", ")), 256)
	v.Message = verdict.Clip(fmt.Sprintf("%s, at attempt %d of %d", v.Message, e.Samples, attempts), 2048)
	return verdict.With(v, e)
}

// summed are the verdicts of a check; the last, which is what is kept of it,
// says which of the requests before it had to be sent again.
func summed(verdicts []verdict.Verdict) []verdict.Verdict {
	last := len(verdicts) - 1
	if last < 0 {
		return verdicts
	}
	e := *verdicts[last].Evidence
	var again []string
	for _, v := range verdicts[:last] {
		if v.Evidence.Samples > 0 {
			again = append(again, fmt.Sprintf("%s (%s)", v.Evidence.Query, v.Evidence.Value))
			e.Samples, e.Failures = e.Samples+v.Evidence.Samples, e.Failures+v.Evidence.Failures
		}
	}
	if len(again) == 0 {
		return verdicts
	}
	e.Value = verdict.Clip(e.Value+"; sent again: "+strings.Join(again, ", "), 256)
	verdicts[last] = verdict.With(verdicts[last], e)
	return verdicts
}
